//! The tests that run on the mutants.

use std::{
    collections::BTreeSet,
    fs, io,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use super::switch::REACHED;
use crate::{runs, tree::Tree};

/// The targets of the tests, each with the part of it that is run: what runs on `sim` or on a platform of its own.
const TESTS: [(&str, &str); 7] = [
    ("vmctx_hosted", ""),
    ("properties", ""),
    ("smallest_platform", ""),
    ("told_platform", ""),
    ("page_tables", ""),
    ("sim", ""),
    ("both", "::sim::"),
];

/// The main job, which runs every driver, too.
const JOB: &str = "vmctx_job";

/// A program hangs on a mutant that takes it so much longer than ten times as long as the sources as they are.
const SLACK: Duration = Duration::from_secs(10);

/// The programs, the fastest first.
pub(super) struct Programs {
    all: Vec<Program>,
    folder: PathBuf,
}

struct Program {
    name: String,
    file: PathBuf,
    arguments: Vec<&'static str>,
    /// The mutants that it comes to.
    reached: BTreeSet<u32>,
    takes: Duration,
}

impl Programs {
    /// Compiles them, and runs each on the sources as they are.
    pub(super) fn of(tree: &Tree, patience: Duration) -> Result<Self, String> {
        let mut arguments = vec!["test", "--no-run", "-p", "vmctx-hosted", "--lib", "-p", "vmctx-tests"];
        TESTS.iter().skip(1).for_each(|(test, _)| arguments.extend(["--test", test]));
        let mut made = Vec::new();
        for arguments in [&*arguments, &["build", "-p", "vmctx-job"]] {
            made.extend(tree.programs(arguments).map_err(|error| format!("the tests do not compile:\n{error}"))?);
        }
        let mut programs = Self { all: Vec::new(), folder: tree.path("tests") };
        let tests = TESTS.iter().map(|&(name, part)| (name, true, vec![part]));
        for (name, is_test, arguments) in tests.chain([(JOB, false, vec!["--platform", "sim"])]) {
            let made = made.iter().find(|made| made.name == name && made.is_test == is_test);
            let file = &made.ok_or_else(|| format!("cargo names no program of {name}"))?.file;
            let mut program = Program {
                name: name.to_owned(),
                file: file.clone(),
                arguments,
                reached: BTreeSet::new(),
                takes: Duration::ZERO,
            };
            let (reached, begun) = (tree.path(&format!("target/{name}.reached")), Instant::now());
            // A run that comes to none does not write it.
            fs::write(&reached, "").map_err(|error| format!("{}: {error}", reached.display()))?;
            let said =
                programs.run(&program, 0, Some(&reached), patience).map_err(|error| format!("{name}: {error}"))?;
            if let Some(said) = said {
                return Err(format!("the sources as they are: {name}: {said}"));
            }
            program.takes = begun.elapsed();
            let text = fs::read_to_string(&reached).map_err(|error| format!("{}: {error}", reached.display()))?;
            program.reached = text.lines().filter_map(|line| line.parse().ok()).collect();
            eprintln!("{name}: {:.1} s, comes to {} mutants", program.takes.as_secs_f32(), program.reached.len());
            programs.all.push(program);
        }
        programs.all.sort_by_key(|program| program.takes);
        Ok(programs)
    }

    /// Whether a program comes to a mutant.
    pub(super) fn reach(&self, number: u32) -> bool {
        self.all.iter().any(|program| program.reached.contains(&number))
    }

    /// What notices the mutant first.
    pub(super) fn noticing(&self, number: u32) -> Result<Option<String>, String> {
        for program in self.all.iter().filter(|program| program.reached.contains(&number)) {
            let found = self
                .run(program, number, None, program.takes * 10 + SLACK)
                .map_err(|error| format!("{}: {error}", program.name))?;
            if let Some(found) = found {
                return Ok(Some(format!("{}: {found}", program.name)));
            }
        }
        Ok(None)
    }

    /// Runs a program until something fails, and gives that back.
    fn run(
        &self,
        program: &Program,
        number: u32,
        reached: Option<&PathBuf>,
        patience: Duration,
    ) -> io::Result<Option<String>> {
        let mut command = Command::new(&program.file);
        command.args(&program.arguments);
        reached.map(|reached| command.env(REACHED, reached));
        runs::run(&mut command, &self.folder, number, patience)
    }
}
