//! Every operation, in every context, of every kind: it compiles and answers what the table says, or it does not compile
//! and says why.
//!
//! `BLESS=1 cargo test -p vmctx-tests --test matrix` writes `docs/matrix.md` anew. Read the refusals as a driver writer
//! would.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what cargo or rustc does not say fails the test"
)]

mod compiler;
mod contexts;
mod page;
mod programs;
mod table;

use std::{collections::BTreeSet, env, fs, path::Path};

use compiler::{Core, documented_methods};
use contexts::Context;
use programs::{Cell, Sort, cells};
use table::TABLE;

fn named(cell: &Cell) -> String {
    format!("{} of {} {}", cell.operation.name, cell.context.type_name(), cell.kind)
}

/// Each of these cells has this one error if its program is of this sort.
fn assert_refused(name: &str, cells: &[Cell], sort: Sort, code: &str) {
    let errors = Core::new().errors(name, cells, sort);
    let refused =
        |number: usize| matches!(errors.get(&number).map(Vec::as_slice), Some([one]) if one.starts_with(code));
    let others = cells.iter().enumerate().filter(|(number, _)| !refused(*number));
    let others: Vec<_> = others.map(|(number, cell)| format!("{}: {:?}", named(cell), errors.get(&number))).collect();
    assert!(others.is_empty(), "not {code}:\n{}", others.join("\n"));
}

/// G5, G6: one fault, one answer, and one success of a mmap hook.
#[test]
fn an_answer_that_is_had_once_spends_its_token() {
    let cells: Vec<Cell> = cells().into_iter().filter(Cell::spends).collect();
    assert_refused("spent", &cells, Sort::IsSpent, "E0382");
}

/// What an operation says is looked at, unless it is a favour.
#[test]
fn no_answer_is_left_alone() {
    let cells: Vec<Cell> = cells().into_iter().filter(|cell| cell.had().is_some() && !cell.may_be_ignored()).collect();
    assert_refused("ignored", &cells, Sort::IsIgnored, "unused_must_use");
}

#[test]
fn every_cell_is_as_the_table_says() {
    let (there, not_there): (Vec<Cell>, Vec<Cell>) = cells().into_iter().partition(|cell| cell.had().is_some());
    let core = Core::new();
    let errors = core.errors("there", &there, Sort::Answers);
    let wrong: Vec<_> =
        errors.iter().map(|(number, errors)| format!("{}: {errors:?}", named(&there[*number]))).collect();
    assert!(wrong.is_empty(), "should compile:\n{}", wrong.join("\n"));
    let errors = core.errors("not_there", &not_there, Sort::Answers);
    let mut refusals = Vec::new();
    let mut wrong = Vec::new();
    for (number, cell) in not_there.into_iter().enumerate() {
        let errors = errors.get(&number).map_or(&[][..], Vec::as_slice);
        // The program calls it as another context has it: with other arguments perhaps, and for an answer of `()`.
        let of_the_program = |error: &&String| error.starts_with("E0308") || error.starts_with("E0061");
        let errors: Vec<&String> = errors.iter().filter(|error| !of_the_program(error)).collect();
        match errors.as_slice() {
            [] => wrong.push(format!("compiles: {}", named(&cell))),
            // A method that is missing, or one of which a bound says why it is.
            [error] if error.starts_with("E0599") || error.starts_with("E0277") => {
                refusals.push((cell, (*error).clone()));
            }
            errors => wrong.push(format!("fails in another way: {}: {errors:?}", named(&cell))),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let page = page::page(&refusals);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/matrix.md");
    if env::var_os("BLESS").is_some() {
        fs::write(&file, &page).unwrap();
    }
    assert!(fs::read_to_string(&file).unwrap() == page, "docs/matrix.md is another: BLESS=1 writes it anew");
}

/// What the docs show of a token stands in the table, and nothing else does.
#[test]
fn every_operation_has_its_row() {
    let documented = documented_methods();
    let names: BTreeSet<&str> = Context::all().map(Context::type_name).collect();
    let tokens = documented.keys().filter(|name| name.ends_with("Ctx"));
    tokens.for_each(|token| assert!(names.contains(token.as_str()), "a token without a column: {token}"));
    for context in Context::all() {
        let shown: BTreeSet<&str> = documented[context.type_name()].iter().map(String::as_str).collect();
        let operations = TABLE.iter().flat_map(|(_, operations)| operations.iter());
        let had = operations.filter(|operation| operation.had.iter().any(|had| had.context == context));
        let had: BTreeSet<&str> = had.map(|operation| operation.name).collect();
        assert_eq!(shown, had, "the operations of {}", context.type_name());
    }
}
