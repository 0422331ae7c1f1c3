//! The core with one guard less at a time: which test notices each.
//!
//! The tests of `vmctx-tests` pass on the core as it is. Here a copy of it is weakened, by one bound, lifetime, `self`,
//! seal or check that is left out, and the test that stands for it must fail: else there is a promise that nothing
//! holds up.
#![forbid(unsafe_code)]

mod list;
mod listed;
mod runs;
mod tree;
mod weakening;
mod wrong_usage;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    thread,
    time::Duration,
};

use clap::Parser;

use runs::Runs;
use tree::{Tree, original};
use weakening::{Noticed, Weakening};
use wrong_usage::Core;

/// Weakens the core in one way after the other, and prints which test notices
#[derive(Parser)]
#[command(version, after_help = "Exit status: 0 if all of them are noticed; else 1.")]
struct Arguments {
    /// The weakenings to look at, or mutants in whose lines this stands [default: all]
    #[arg(value_name = "WEAKENING")]
    weakenings: Vec<String>,

    /// Looks at one weakening of so many, evenly from the list
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    every: u16,

    /// Compiles every wrong usage with each weakening of a type, and names those of which something is new
    #[arg(long)]
    search: bool,

    /// Looks at the mutants of these lists, which `cargo mutants --list --json` has written, instead
    #[arg(long, value_name = "FILE", conflicts_with_all = ["every", "search"])]
    listed: Vec<PathBuf>,

    /// How many of them run at once [default: as many as there are processors]
    #[arg(long, value_name = "N", requires = "listed", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,

    /// After how many seconds a run of tests hangs
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    patience: u64,
}

fn main() -> ExitCode {
    match look_at_all(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Looks at those that are asked for, prints the table, and says whether it is as it has to be.
fn look_at_all(arguments: &Arguments) -> Result<bool, String> {
    let all = list::all();
    let patience = Duration::from_secs(arguments.patience);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).ok_or("no repository")?;
    if !arguments.listed.is_empty() {
        let jobs = arguments.jobs.map_or_else(|| thread::available_parallelism().map_or(1, usize::from), usize::from);
        return listed::look_at_all(root, &arguments.listed, &arguments.weakenings, jobs, patience);
    }
    if let Some(name) = arguments.weakenings.iter().find(|name| !all.iter().any(|one| one.name == **name)) {
        return Err(format!("there is no weakening {name}"));
    }
    applies(root, &all)?;
    let named =
        |one: &Weakening| arguments.weakenings.is_empty() || arguments.weakenings.iter().any(|name| name == one.name);
    let wanted: Vec<(u32, &Weakening)> =
        (1..).zip(&all).filter(|(_, one)| named(one)).step_by(arguments.every.into()).collect();

    let runs: Vec<(u32, &Weakening)> = (1..).zip(&all).filter(|(_, one)| matches!(one.noticed, Noticed::Run)).collect();
    let mut lines = Vec::new();
    if wanted.iter().any(|(_, one)| matches!(one.noticed, Noticed::Run)) {
        let programs = Runs::of(&Tree::with_choices(root, "runs", &runs)?, &runs::ALL)?;
        if let Some(failed) = programs.fails(0, "", patience)? {
            return Err(format!("the core as it is: {failed}"));
        }
        for (number, one) in wanted.iter().filter(|(_, one)| matches!(one.noticed, Noticed::Run)) {
            lines.push(line(one, programs.fails(*number, "", patience)));
        }
    }
    let tree = Tree::new(root, "types")?;
    let cases = wrong_usage::all(root)?;
    for (_, one) in wanted.iter().filter(|(_, one)| !matches!(one.noticed, Noticed::Run)) {
        let found =
            tree.weaken(one).and_then(|()| look_at(root, &tree, one, arguments.search.then_some(&cases), patience));
        tree.mend(one)?;
        lines.push(line(one, found));
    }
    print(&lines);
    Ok(lines.iter().all(|line| line.is_noticed))
}

/// Names every change that does not apply, at once.
fn applies(root: &Path, all: &[Weakening]) -> Result<(), String> {
    let wrong: Vec<String> = all
        .iter()
        .flat_map(|one| one.edits.iter().map(move |edit| (one, edit)))
        .filter_map(|(one, edit)| {
            let place = original(root, edit.file).and_then(|text| edit.place(&text));
            place.err().map(|error| format!("{}: {error}", one.name))
        })
        .collect();
    if wrong.is_empty() { Ok(()) } else { Err(format!("these do not apply:\n{}", wrong.join("\n"))) }
}

/// Who notices a weakening of a type: the test that is named, or all cases of which something is new.
fn look_at(
    root: &Path,
    tree: &Tree,
    one: &Weakening,
    cases: Option<&Vec<PathBuf>>,
    patience: Duration,
) -> Result<Option<String>, String> {
    if let Some(cases) = cases {
        let core = Core::of(tree, false)?;
        let names: Vec<String> = core
            .noticing(cases)?
            .iter()
            .filter_map(|case| Some(case.strip_prefix(root).ok()?.display().to_string()))
            .collect();
        return Ok((!names.is_empty()).then(|| format!("{} cases: {}", names.len(), names.join(" "))));
    }
    match one.noticed {
        Noticed::Ui(case) => {
            let file = root.join("ui").join(case).with_extension("rs");
            let core = Core::of(tree, wrong_usage::needs_platforms(&file)?)?;
            Ok(core.news_of(&file)?.map(|news| format!("ui/{case}.rs {news}")))
        }
        Noticed::Test(test) => {
            let (program, function) = test.split_once("::").unwrap_or((test, ""));
            // A core that does not compile is no weaker one.
            Core::of(tree, false)?;
            match Runs::of(tree, &[program]) {
                Ok(runs) => runs.fails(0, function, patience),
                Err(_) => Ok(Some(format!("{program} does not compile"))),
            }
        }
        Noticed::Run => Ok(None),
    }
}

/// What came of a weakening.
struct Line {
    name: &'static str,
    gives_up: &'static str,
    verdict: String,
    is_noticed: bool,
}

fn line(one: &Weakening, found: Result<Option<String>, String>) -> Line {
    let is_noticed = matches!(found, Ok(Some(_)));
    let verdict = match found {
        Ok(Some(found)) => found,
        Ok(None) => "WRONG: nobody notices".to_owned(),
        Err(error) => format!("WRONG: cannot be looked at: {error}"),
    };
    eprintln!("{}: {verdict}", one.name);
    Line { name: one.name, gives_up: one.gives_up, verdict, is_noticed }
}

/// The table: a weakening a line, and what they come to.
fn print(lines: &[Line]) {
    let width = |of: fn(&Line) -> &str| lines.iter().map(|line| of(line).chars().count()).max().unwrap_or(0);
    let (name, gives_up) = (width(|line| line.name), width(|line| line.gives_up));
    println!("{:<name$}  {:<gives_up$}  noticed by", "weakening", "gives up");
    for line in lines {
        println!("{:<name$}  {:<gives_up$}  {}", line.name, line.gives_up, line.verdict);
    }
    let count = |is: fn(&Line) -> bool| lines.iter().filter(|line| is(line)).count();
    println!(
        "{} weakenings: {} noticed, {} wrong",
        lines.len(),
        count(|line| line.is_noticed),
        count(|line| !line.is_noticed)
    );
}
