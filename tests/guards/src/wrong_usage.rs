//! The wrong usages under `ui/`, compiled against a weakened core.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use crate::tree::Tree;

/// The core of a tree, compiled, and what it needs.
pub(crate) struct Core {
    crates: BTreeMap<String, PathBuf>,
    folder: PathBuf,
}

impl Core {
    /// Compiles it, alone or with the platforms that some cases have.
    pub(crate) fn of(tree: &Tree, with_platforms: bool) -> Result<Self, String> {
        let packages: &[&str] =
            if with_platforms { &["--package", "vmctx-tests"] } else { &["--package", "vmctx", "--features", "alloc"] };
        Ok(Self { crates: tree.check(packages)?, folder: tree.path("target/guards") })
    }

    /// What is new of a wrong usage: that it compiles, or what its error begins with. `None` if it is the one of its
    /// snapshot.
    pub(crate) fn news_of(&self, case: &Path) -> Result<Option<String>, String> {
        let failed = |error| format!("{}: {error}", case.display());
        let stem = case.file_stem().map(|stem| stem.to_string_lossy().replace('-', "_")).unwrap_or_default();
        fs::create_dir_all(&self.folder).map_err(failed)?;
        let mut command = Command::new("rustc");
        command.args(["--edition", "2024", "--emit", "metadata", "--crate-name", &stem, "--out-dir"]).arg(&self.folder);
        for (name, file) in self.crates.iter().filter(|(name, _)| !name.starts_with("build_script")) {
            command.arg("--extern").arg(format!("{name}={}", file.display()));
            command.args(file.parent().map(|folder| format!("-Ldependency={}", folder.display())));
        }
        let output = command.arg(case).stdin(Stdio::null()).output().map_err(failed)?;
        if output.status.success() {
            return Ok(Some("compiles".to_owned()));
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let first = said.lines().find(|line| line.starts_with("error")).unwrap_or_default();
        let snapshot = fs::read_to_string(case.with_extension("stderr")).map_err(failed)?;
        Ok((snapshot.lines().next() != Some(first)).then(|| format!("says {first}")))
    }

    /// Those of the cases of which something is new.
    pub(crate) fn noticing<'c>(&self, cases: &'c [PathBuf]) -> Result<Vec<&'c PathBuf>, String> {
        let (next, noticing) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        let work = || -> Result<(), String> {
            while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                if self.news_of(case)?.is_some() {
                    noticing.lock().unwrap_or_else(PoisonError::into_inner).push(case);
                }
            }
            Ok(())
        };
        let jobs = thread::available_parallelism().map_or(1, usize::from);
        thread::scope(|scope| {
            let threads: Vec<_> = (0..jobs).map(|_| scope.spawn(work)).collect();
            threads
                .into_iter()
                .try_for_each(|thread| thread.join().unwrap_or_else(|_| Err("a thread ended".to_owned())))
        })?;
        Ok(noticing.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

/// All cases that must not compile.
pub(crate) fn all(root: &Path) -> Result<Vec<PathBuf>, String> {
    let failed = |error| format!("ui: {error}");
    let mut cases = Vec::new();
    for folder in fs::read_dir(root.join("ui")).map_err(failed)? {
        let folder = folder.map_err(failed)?.path();
        if folder.ends_with("pass") {
            continue;
        }
        for file in fs::read_dir(folder).map_err(failed)? {
            let file = file.map_err(failed)?.path();
            if file.extension().is_some_and(|extension| extension == "rs") {
                cases.push(file);
            }
        }
    }
    cases.sort();
    Ok(cases)
}

/// Whether a case is of a platform, and not of the core alone.
pub(crate) fn needs_platforms(case: &Path) -> Result<bool, String> {
    let text = fs::read_to_string(case).map_err(|error| format!("{}: {error}", case.display()))?;
    Ok(text.contains("vmctx_") || text.contains("static_assertions"))
}
