//! The tests that run drivers, on a core in which a rule is left out.

use std::{
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc,
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
        let made =
            tree.programs(&arguments).map_err(|error| format!("{} does not compile:\n{error}", tests.join(", ")))?;
        let program = |test: &'static str| Some((test, made.iter().find(|made| made.name == test)?.file.clone()));
        let programs: Option<Vec<_>> = tests.iter().copied().map(program).collect();
        let programs = programs.ok_or("cargo names no programs of tests")?;
        Ok(Self { programs, folder: tree.path("tests") })
    }

    /// The first test that fails if this weakening is chosen, of those whose names contain `named`.
    pub(crate) fn fails(&self, number: u32, named: &str, patience: Duration) -> Result<Option<String>, String> {
        for (test, program) in &self.programs {
            let found = run(Command::new(program).arg(named), &self.folder, number, patience)
                .map_err(|error| format!("{test}: {error}"))?;
            if let Some(found) = found {
                return Ok(Some(format!("{test}: {found}")));
            }
        }
        Ok(None)
    }
}

/// Runs a program in this folder, as the weakening of this number, until a test of its fails, and gives back which.
pub(crate) fn run(command: &mut Command, folder: &Path, number: u32, patience: Duration) -> io::Result<Option<String>> {
    let mut child = command
        .current_dir(folder)
        .env(Choice::VARIABLE, number.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let (said, (sender, has_failed)) = (child.stdout.take(), mpsc::channel());
    // It ends when the program does.
    thread::spawn(move || {
        for line in said.into_iter().flat_map(|said| BufReader::new(said).lines()).map_while(Result::ok) {
            if let Some(test) = line.strip_prefix("test ").and_then(|line| line.strip_suffix(" ... FAILED")) {
                // Who does not want to hear of another one has heard of the first.
                let _ = sender.send(test.to_owned());
            }
        }
    });
    let begun = Instant::now();
    loop {
        // Asked first: what has ended has said all before.
        let ended = child.try_wait()?;
        let failed = match ended {
            Some(_) => has_failed.recv().ok(),
            None => has_failed.try_recv().ok(),
        };
        let hangs = ended.is_none() && begun.elapsed() > patience;
        if ended.is_none() && (failed.is_some() || hangs) {
            child.kill()?;
            child.wait()?;
        }
        match (failed, ended) {
            (Some(test), _) => return Ok(Some(test)),
            (None, Some(ended)) => return Ok((!ended.success()).then(|| format!("ends with {ended}"))),
            (None, None) if hangs => return Ok(Some("hangs".to_owned())),
            (None, None) => thread::sleep(Duration::from_millis(5)),
        }
    }
}
