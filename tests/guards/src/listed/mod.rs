//! The mutants of a list that cargo-mutants has made, compiled into one program instead of one after the other.
//!
//! There are some thousand, and compiling the tests takes longer than running those that reach a mutant. So all of them
//! that compile stand in one copy of the sources, and a run is told which it is.

mod choices;
mod list;
mod programs;
mod switch;

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use serde_json::Value;
use vmctx_mutants::Choice;

use crate::tree::{Tree, is_error, original};
use choices::Choices;
use list::Listed;
use programs::Programs;

/// The packages that mutants are in, by their manifests.
const MANIFESTS: [&str; 2] = ["Cargo.toml", "platforms/hosted/Cargo.toml"];

/// Those that nobody can notice, or that nobody notices yet, by reason.
const KNOWN: &str = "tests/guards/unnoticed.txt";

/// What becomes of the mutants.
struct Mutants {
    files: BTreeMap<String, Vec<Listed>>,
    /// Those that do not compile.
    refused: BTreeSet<u32>,
}

/// Runs the tests with each of the mutants, prints those that nobody notices, and says whether all of these are known.
pub(crate) fn look_at_all(
    root: &Path,
    lists: &[PathBuf],
    named: &[String],
    jobs: usize,
    patience: Duration,
) -> Result<bool, String> {
    let known = original(root, KNOWN)?;
    let mut mutants = Mutants { files: list::read(root, lists)?, refused: BTreeSet::new() };
    let [refused, noticed] = Remembered::of(root, &mutants.files, ["refused", "noticed"])?;
    mutants.refused = refused.numbers();
    let tree = mutants.compiling(root)?;
    refused.remember(&mutants.refused)?;
    let programs = Programs::of(&tree, patience)?;
    let is_named = |mutant: &Listed| named.is_empty() || named.iter().any(|name| mutant.name.contains(name));
    let compiled = mutants.files.values().flatten().filter(|mutant| !mutants.refused.contains(&mutant.number));
    let earlier = noticed.numbers();
    let (mut compiled, before): (Vec<&Listed>, Vec<&Listed>) =
        compiled.filter(|mutant| is_named(mutant)).partition(|mutant| !earlier.contains(&mutant.number));
    // Some of each file first, so that a run that is ended has seen a sample.
    compiled.sort_by_key(|mutant| (mutant.number % 16, mutant.number));

    let (next, unnoticed, hanging) = (AtomicUsize::new(0), Mutex::new(Vec::new()), AtomicUsize::new(0));
    let all_noticed = Mutex::new(earlier);
    let work = || -> Result<(), String> {
        while let Some(mutant) = compiled.get(next.fetch_add(1, Ordering::Relaxed)) {
            match programs.noticing(mutant.number)? {
                Some(found) => {
                    eprintln!("{}: {found}", mutant.name);
                    hanging.fetch_add(usize::from(found.ends_with("hangs")), Ordering::Relaxed);
                    let mut all_noticed = all_noticed.lock().unwrap_or_else(PoisonError::into_inner);
                    all_noticed.insert(mutant.number);
                    noticed.remember(&all_noticed)?;
                }
                None => {
                    let how = if programs.reach(mutant.number) {
                        "nobody notices"
                    } else {
                        "nobody gets there, unless at compile time"
                    };
                    eprintln!("{}: WRONG: {how}", mutant.name);
                    unnoticed.lock().unwrap_or_else(PoisonError::into_inner).push(*mutant);
                }
            }
        }
        Ok(())
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..jobs).map(|_| scope.spawn(work)).collect();
        threads.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(|_| Err("a thread ended".to_owned())))
    })?;

    let mut unnoticed = unnoticed.into_inner().unwrap_or_else(PoisonError::into_inner);
    unnoticed.sort_by_key(|mutant| mutant.number);
    let is_known = |mutant: &Listed| known.lines().any(|line| line == unplaced(&mutant.name));
    let new: Vec<&Listed> = unnoticed.iter().copied().filter(|mutant| !is_known(mutant)).collect();
    for mutant in &new {
        println!("{}", mutant.name);
    }
    println!(
        "{} mutants compile, and {} do not; {} were noticed in earlier runs, and {} are now, {} of these by \
         hanging; {} nobody notices, {} of these for a reason that is known",
        before.len() + compiled.len(),
        mutants.refused.len(),
        before.len(),
        compiled.len() - unnoticed.len(),
        hanging.into_inner(),
        unnoticed.len(),
        unnoticed.len() - new.len(),
    );
    Ok(new.is_empty())
}

/// What earlier runs have found out about mutants of these sources: which do not compile, and which were noticed. Who adds a
/// test does not wait for that again, and a run that was ended goes on.
struct Remembered(PathBuf);

impl Remembered {
    fn of<const N: usize>(
        root: &Path,
        files: &BTreeMap<String, Vec<Listed>>,
        names: [&str; N],
    ) -> Result<[Self; N], String> {
        let mut hasher = DefaultHasher::new();
        for (file, mutants) in files {
            original(root, file)?.hash(&mut hasher);
            mutants.iter().for_each(|mutant| (mutant.number, &mutant.name).hash(&mut hasher));
        }
        let sources = hasher.finish();
        Ok(names.map(|name| Self(root.join("target/guards").join(format!("{name}-{sources:016x}")))))
    }

    fn numbers(&self) -> BTreeSet<u32> {
        let text = std::fs::read_to_string(&self.0).unwrap_or_default();
        text.lines().filter_map(|line| line.parse().ok()).collect()
    }

    fn remember(&self, numbers: &BTreeSet<u32>) -> Result<(), String> {
        let numbers: String = numbers.iter().map(|number| format!("{number}\n")).collect();
        std::fs::write(&self.0, numbers).map_err(|error| format!("{}: {error}", self.0.display()))
    }
}

/// A mutant's name without its line and column, which change with everything above it.
fn unplaced(name: &str) -> String {
    let mut parts = name.splitn(4, ':');
    let (file, what) = (parts.next().unwrap_or_default(), parts.nth(2).unwrap_or_default());
    format!("{file}:{what}")
}

impl Mutants {
    /// A copy of the repository with all mutants that compile.
    fn compiling(&mut self, root: &Path) -> Result<Tree, String> {
        let folder = root.join("target/guards/switch");
        switch::write_to(&folder).map_err(|error| format!("the crate that chooses cannot be written: {error}"))?;
        loop {
            let mut choices = BTreeMap::new();
            let mut edited = BTreeMap::new();
            for (file, mutants) in &self.files {
                let mutants: Vec<&Listed> =
                    mutants.iter().filter(|mutant| !self.refused.contains(&mutant.number)).collect();
                let (chosen, left_out) =
                    Choices::of(&original(root, file)?, &mutants).map_err(|error| format!("{file}: {error}"))?;
                self.refused.extend(left_out);
                edited.insert(PathBuf::from(file), chosen.text.clone());
                choices.insert(file.clone(), chosen);
            }
            for manifest in MANIFESTS {
                edited.insert(PathBuf::from(manifest), Choice::depended_on(&original(root, manifest)?, &folder));
            }
            let tree = Tree::with(root, "listed", &edited)?;
            let said = tree.cargo_says(&["check", "--package", "vmctx-hosted", "--features", "vmctx/alloc"])?;
            if said.succeeded {
                return Ok(tree);
            }
            let before = self.refused.len();
            let errors = said.messages.iter().filter_map(|message| message.get("message"));
            self.refused.extend(errors.flat_map(|message| refused(message, &choices)));
            eprintln!("{} mutants do not compile", self.refused.len());
            if self.refused.len() == before {
                return said.or_error().map(|_| tree).map_err(|error| format!("the mutants do not compile:\n{error}"));
            }
        }
    }
}

/// The mutants that an error of the compiler's is about.
fn refused(message: &Value, choices: &BTreeMap<String, Choices>) -> Vec<u32> {
    if !is_error(message) {
        return Vec::new();
    }
    let spans = message.get("spans").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let is_primary = |span: &&Value| span.get("is_primary").is_some_and(|is| is == true);
    let (first, others): (Vec<&Value>, Vec<&Value>) = spans.iter().partition(is_primary);
    let found = first.into_iter().chain(others).find_map(|span| {
        let byte = |name: &str| usize::try_from(span.get(name)?.as_u64()?).ok();
        choices.get(span.get("file_name")?.as_str()?)?.at(&(byte("byte_start")?..byte("byte_end")?))
    });
    found.map_or_else(Vec::new, <[u32]>::to_vec)
}
