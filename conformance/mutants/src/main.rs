//! Platforms that are wrong, each in one way: which device or probe of `vmctx-conformance` finds each out.
//!
//! The platform is that of `examples/platform`, on `vmctx-hosted`. Each mutant breaks one rule that the pages of
//! `vmctx::Platform` and its parts have, by one other expression in a copy of the sources. Those that
//! nobody can notice are on the list, too, with the reason.
#![forbid(unsafe_code)]

mod list;
mod mutant;
mod run;
mod tree;

use std::{
    path::Path,
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use clap::Parser;

use mutant::Mutant;
use run::Found;

/// Breaks the rules of a platform one by one, and prints what of the conformance kit finds it out
#[derive(Parser)]
#[command(version, after_help = "Exit status: 0 if the mutants are caught that can be noticed, and no others; else 1.")]
struct Arguments {
    /// The mutants to run [default: all]
    #[arg(value_name = "MUTANT")]
    mutants: Vec<String>,

    /// Runs one mutant of so many, evenly from the list
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    every: u16,

    /// How many run at once [default: as many as there are processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,

    /// After how many seconds on one device a mutant hangs
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..))]
    patience: u64,
}

fn main() -> ExitCode {
    match run_all(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs those that are asked for, prints the table, and says whether it is as it has to be.
fn run_all(arguments: &Arguments) -> Result<bool, String> {
    let mutants = list::all();
    let named =
        |mutant: &Mutant| arguments.mutants.is_empty() || arguments.mutants.iter().any(|name| name == mutant.name);
    if let Some(name) = arguments.mutants.iter().find(|name| !mutants.iter().any(|mutant| mutant.name == **name)) {
        return Err(format!("there is no mutant {name}"));
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).ok_or("no repository")?;
    let program = tree::build(root, &mutants)?;
    let patience = Duration::from_secs(arguments.patience);
    if let Some((device, found)) = run::run(&program, 0, patience).map_err(|error| error.to_string())? {
        return Err(format!("the platform itself is wrong: {device}: {}", how(&found)));
    }
    let wanted: Vec<(usize, &Mutant)> =
        (1..).zip(&mutants).filter(|(_, mutant)| named(mutant)).step_by(arguments.every.into()).collect();
    let jobs = arguments.jobs.map_or_else(|| thread::available_parallelism().map_or(1, usize::from), usize::from);
    let (next, lines) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some((number, mutant)) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
            let found = run::run(&program, *number, patience);
            let line = Line { number: *number, mutant, found: found.map_err(|error| error.to_string()) };
            eprintln!("{}", line.text());
            lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        }
    };
    thread::scope(|scope| (0..jobs).for_each(|_| drop(scope.spawn(work))));
    let mut lines = lines.into_inner().unwrap_or_else(PoisonError::into_inner);
    lines.sort_by_key(|line| line.number);
    print(&lines);
    Ok(lines.iter().all(Line::is_as_expected))
}

/// What came of a mutant.
struct Line<'a> {
    number: usize,
    mutant: &'a Mutant,
    found: Result<Option<(vmctx_conformance::Device, Found)>, String>,
}

impl Line<'_> {
    fn is_as_expected(&self) -> bool {
        self.found.as_ref().is_ok_and(|found| found.is_some() == self.mutant.unnoticed.is_none())
    }

    fn verdict(&self) -> String {
        let wrong = if self.is_as_expected() { "" } else { "WRONG: " };
        match (&self.found, self.mutant.unnoticed) {
            (Ok(Some((device, found))), _) => format!("{wrong}{device}: {}", how(found)),
            (Ok(None), Some(why)) => format!("nobody notices: {why}"),
            (Ok(None), None) => format!("{wrong}survives"),
            (Err(error), _) => format!("{wrong}cannot be run: {error}"),
        }
    }

    fn text(&self) -> String {
        format!("{}: {}", self.mutant.name, self.verdict())
    }
}

fn how(found: &Found) -> String {
    match found {
        Found::Check(reason) => reason.clone(),
        Found::Hang => "hangs".to_owned(),
        Found::Crash(said) => format!("ends: {said}"),
    }
}

/// The table: a mutant a line, and what they come to.
fn print(lines: &[Line<'_>]) {
    let width = |of: fn(&Mutant) -> &str| lines.iter().map(|line| of(line.mutant).chars().count()).max().unwrap_or(0);
    let (name, breaks) = (width(|mutant| mutant.name), width(|mutant| mutant.breaks));
    println!("{:<name$}  {:<breaks$}  caught by", "mutant", "breaks");
    for line in lines {
        println!("{:<name$}  {:<breaks$}  {}", line.mutant.name, line.mutant.breaks, line.verdict());
    }
    let count = |is: fn(&Line<'_>) -> bool| lines.iter().filter(|line| is(line)).count();
    println!(
        "{} mutants: {} caught, {} of these by hanging; {} that nobody notices; {} wrong",
        lines.len(),
        count(|line| matches!(line.found, Ok(Some(_)))),
        count(|line| matches!(line.found, Ok(Some((_, Found::Hang))))),
        count(|line| matches!(line.found, Ok(None))),
        count(|line| !line.is_as_expected()),
    );
}
