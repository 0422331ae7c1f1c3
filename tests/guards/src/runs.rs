//! The tests that run drivers, on a core in which a rule is left out.

use std::{
    io::{self, Read},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use vmctx_mutants::Choice;

use crate::tree::Tree;

/// The tests that run drivers, the fastest first.
pub(crate) const ALL: [&str; 5] = ["properties", "smallest_platform", "told_platform", "sim", "both"];

/// The programs of the tests.
pub(crate) struct Runs {
    programs: Vec<(&'static str, PathBuf)>,
    folder: PathBuf,
}

impl Runs {
    /// Compiles these tests.
    pub(crate) fn of(tree: &Tree, tests: &[&'static str]) -> Result<Self, String> {
        let mut arguments = vec!["test", "--package", "vmctx-tests", "--no-run"];
        tests.iter().for_each(|test| arguments.extend(["--test", test]));
        let output = tree.cargo(&arguments)?;
        let said = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            return Err(format!("{} does not compile:\n{said}", tests.join(", ")));
        }
        let program = |test: &'static str| {
            let named =
                |line: &&str| line.contains(&format!(" {test}.rs (")) || line.contains(&format!(" {test}/main.rs ("));
            let path = said.lines().find(named)?.split_once('(')?.1.strip_suffix(')')?;
            Some((test, tree.path(path)))
        };
        let programs: Option<Vec<_>> = tests.iter().copied().map(program).collect();
        let programs = programs.ok_or("cargo names no programs of tests")?;
        Ok(Self { programs, folder: tree.path("tests") })
    }

    /// The first test that fails if this weakening is chosen, of those whose names contain `named`.
    pub(crate) fn fails(&self, number: u32, named: &str, patience: Duration) -> Result<Option<String>, String> {
        for (test, program) in &self.programs {
            let found =
                run(&self.folder, program, number, named, patience).map_err(|error| format!("{test}: {error}"))?;
            if let Some(found) = found {
                return Ok(Some(format!("{test}: {found}")));
            }
        }
        Ok(None)
    }
}

fn run(folder: &Path, program: &Path, number: u32, named: &str, patience: Duration) -> io::Result<Option<String>> {
    let mut child = Command::new(program)
        .arg(named)
        .current_dir(folder)
        .env(Choice::VARIABLE, number.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut said = child.stdout.take();
    let reader = thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read before an error is what there is.
        let _ = said.as_mut().map(|said| said.read_to_end(&mut bytes));
        String::from_utf8_lossy(&bytes).into_owned()
    });
    let Some(ended) = wait(&mut child, patience)? else { return Ok(Some("hangs".to_owned())) };
    let said = reader.join().unwrap_or_default();
    if ended.success() {
        return Ok(None);
    }
    let mut failed: Vec<&str> =
        said.lines().filter_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED")).collect();
    // Tests run in threads, in no order.
    failed.sort_unstable();
    Ok(Some(failed.first().map_or_else(|| format!("ends with {ended}"), |test| (*test).to_owned())))
}

/// Waits for the program, and ends it if it takes too long: that is `None`.
fn wait(child: &mut Child, patience: Duration) -> io::Result<Option<ExitStatus>> {
    let begun = Instant::now();
    loop {
        if let Some(ended) = child.try_wait()? {
            return Ok(Some(ended));
        }
        if begun.elapsed() > patience {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(5));
    }
}
