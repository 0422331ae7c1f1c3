//! The wrong usages under `ui/` do not compile, and say why; their right twins under `ui/pass/` run.
//!
//! `TRYBUILD=overwrite cargo test --test ui` writes the errors anew. Read them as the driver writer would.

use std::{collections::BTreeSet, fs, path::PathBuf};

/// The contexts of wrong usages: the folders of `ui/` but `pass`.
#[expect(clippy::unwrap_used, reason = "a test without its cases fails")]
fn contexts() -> Vec<PathBuf> {
    let folders = fs::read_dir("ui").unwrap().map(|folder| folder.unwrap().path());
    folders.filter(|folder| !folder.ends_with("pass")).collect()
}

#[test]
fn wrong_usages_do_not_compile() {
    let cases = trybuild::TestCases::new();
    for context in contexts() {
        cases.compile_fail(context.join("*.rs").display().to_string());
    }
}

#[test]
fn right_twins_run() {
    trybuild::TestCases::new().pass("ui/pass/*.rs");
}

/// A guarantee's first proof is a case that says so in its first line; a message of ours says what to write instead.
#[test]
fn every_guarantee_is_proven_and_every_message_helps() {
    // Where rustc and std own the text, a note cannot be asked for.
    let not_ours =
        ["the trait bound `", "cannot be sent", "cannot be shared", "the `?` operator", "Debug`", "indexed by"];
    let mut proven = BTreeSet::new();
    for file in contexts().into_iter().flat_map(|context| fs::read_dir(context).unwrap()) {
        let file = file.unwrap().path();
        let name = file.display();
        assert!(file.with_extension("rs").exists(), "an error without a wrong usage: {name}");
        let case = fs::read_to_string(file.with_extension("rs")).unwrap();
        let claims = case.strip_prefix("//! ").and_then(|case| case.split_once(": "));
        let (ids, _) = claims.unwrap_or_else(|| panic!("begins with no guarantee: {name}"));
        proven.extend(ids.split(", ").map(str::to_owned));

        let error = fs::read_to_string(file.with_extension("stderr")).unwrap();
        let first = error.lines().next().unwrap_or_else(|| panic!("an empty error: {name}"));
        // What stands for C's constants says by its deprecation what to write, and is an error beside that.
        let deprecated = first.starts_with("warning: use of deprecated") && error.contains("\nerror");
        assert!(first.starts_with("error") || deprecated, "warns, and begins with that: {name}");
        // These are graded one by one, with what they miss: `first.rs`.
        if file.starts_with("ui/first") {
            continue;
        }
        if first.starts_with("error[E0277]") && !not_ours.iter().any(|text| first.contains(text)) {
            assert!(error.contains("= note: "), "does not say what to write instead: {name}");
            // An argument too many is an error of its own.
            let others = error.matches("\nerror").count() - error.matches("\nerror[E0061]").count();
            assert_eq!(others, 0, "more than one error: {name}");
        }
    }
    for id in (1..=27).map(|number| format!("G{number}")) {
        assert!(proven.remove(&id), "no wrong usage for {id}");
    }
    assert!(proven.is_empty(), "not guarantees: {proven:?}");
}
