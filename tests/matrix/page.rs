//! The page of the docs.

use std::fmt::Write as _;

use crate::{
    contexts::{Context, kind},
    programs::{Cell, cells},
    table::{Had, Operation, TABLE},
};

const HEAD: &str = "\
# The matrix

Every operation, in every context, for every kind of mapping: what it answers, or why there is none. This page is written
and checked by

```console
$ cargo test -p vmctx-tests --test matrix
```

(with `BLESS=1` it is written anew), which compiles a program for each cell. Where there is an answer here, the program
compiles and its answer is of that type. Where there is none, it does not compile.

The letters are kinds: **U**ndecided, **N**ormal, **M**ixed, **P**fnMap, **R**emapped. Without letters it is all that the
context can have. (`PrepareCtx` has no kind: there they are those of the `Prepared` that it gives.) A number in parentheses is what the
compiler says to the other kinds, or to all of them, in the list at the end. A dash says that there is no such method, in
the compiler's words; an operation that none of a table's contexts have stands in another table.
";

/// The page: a table for each group of operations and of contexts, and the refusals.
pub(crate) fn page(refusals: &[(Cell, String)]) -> String {
    let mut notes: Vec<String> = Vec::new();
    let mut page = HEAD.to_owned();
    let (there, all) = (cells().iter().filter(|cell| cell.had().is_some()).count(), cells().len());
    let _ = write!(page, "\nThere are {all} cells, and {there} of them have an answer.\n");
    for (title, contexts) in Context::GROUPS {
        let _ = write!(page, "\n## {title}\n");
        for (group, operations) in TABLE {
            let lines: Vec<String> = operations
                .iter()
                .map(|operation| line(operation, contexts, refusals, &mut notes))
                .filter(|line| line.split(" | ").skip(1).any(|cell| !cell.starts_with('–')))
                .collect();
            if lines.is_empty() {
                continue;
            }
            let names: Vec<String> = contexts.iter().map(|context| format!("`{}`", context.type_name())).collect();
            let _ =
                write!(page, "\n### {group}\n\n| | {} |\n|{}\n", names.join(" | "), " --- |".repeat(names.len() + 1));
            lines.iter().for_each(|line| page += line);
        }
    }
    page += "\n## What the compiler says\n\n";
    for (number, note) in (1..).zip(&notes) {
        let _ = writeln!(page, "{number}. {note}");
    }
    page
}

/// The line of an operation in the table of these contexts.
fn line(
    operation: &'static Operation,
    contexts: &[Context],
    refusals: &[(Cell, String)],
    notes: &mut Vec<String>,
) -> String {
    let mut line = format!("| `{}` |", operation.name);
    for context in contexts {
        let had = operation.had.iter().find(|had| had.context == *context);
        let mut said: Vec<String> = had.map(|had| answer(*context, had)).into_iter().collect();
        let refused = refusals.iter().filter(|(cell, error)| {
            cell.operation.name == operation.name && cell.context == *context && error.starts_with("E0277")
        });
        let mut numbers: Vec<usize> = refused.map(|(cell, error)| number(cell, error, notes)).collect();
        numbers.dedup();
        said.extend(numbers.iter().map(|number| format!("({number})")));
        if said.is_empty() {
            said.push("–".to_owned());
        }
        let _ = write!(line, " {} |", said.join(" "));
    }
    line + "\n"
}

/// An answer as it stands in its cell.
fn answer(context: Context, had: &Had) -> String {
    let own = context.type_of();
    let answer = had
        .answer
        .replace(&own, "Self")
        .replace("'c, ", "")
        .replace("<'c>", "")
        .replace("<'_>", "")
        .replace("'_, ", "");
    let answer = answer.replace("&'c ", "&");
    let kinds = if had.kinds == "*" { String::new() } else { format!("{}: ", had.kinds) };
    format!("{kinds}`{answer}`")
}

/// The number of a refusal among the notes, in which no kind is named.
fn number(cell: &Cell, error: &str, notes: &mut Vec<String>) -> usize {
    let error = error.trim_start_matches("E0277: ").replace("vmctx::", "");
    let text = error.replace(&format!("it is `{}`", kind(cell.kind)), "it is `..`");
    let text = text.replace(&format!("one is `{}`", kind(cell.kind)), "one is `..`");
    let text = text.replace(&format!("mapping is `{}`", kind(cell.kind)), "mapping is `..`");
    notes.iter().position(|note| *note == text).unwrap_or_else(|| {
        notes.push(text);
        notes.len() - 1
    }) + 1
}
