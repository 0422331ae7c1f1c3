//! What a driver writer who comes from C writes first, and what rustc says of it: `ui/first/`, graded.
//!
//! Each case says in its header which line is wrong (`At:`), what is to be written instead (`Write instead:`), and which
//! of five questions its error answers with no (`Missing:`). `docs/errors-from-c.md` says what the five are, has the sums,
//! and a row for each case that misses something.

use std::{collections::BTreeMap, fs, path::Path};

/// First lines that rustc writes of any program, and that say nothing of this one.
const OF_ANY_PROGRAM: [&str; 17] = [
    "mismatched types",
    "incompatible types",
    "type annotations needed",
    "cannot find",
    "no method named",
    "no field",
    "no associated item",
    "no implementation for",
    "is not satisfied",
    "cannot add",
    "cannot subtract",
    "binary operation",
    "of moved value",
    "cannot move out",
    "may not live long enough",
    "does not live long enough",
    "the `?` operator",
];

/// What only the authors of a library know what to do with.
const INTERNALS: [&str; 9] = [
    "PhantomData",
    "marker.rs",
    "*mut ",
    "/* value */",
    "trait `Step`",
    "trait `Try`",
    "macro",
    "unstable",
    "::sealed::",
];

/// A case and its error.
struct Case {
    program: String,
    error: String,
}

impl Case {
    /// What the header says after this word, without its back-ticks.
    fn header(&self, word: &str) -> Option<&str> {
        let mut lines = self.program.lines().take_while(|line| line.starts_with("//! "));
        let said = lines.find_map(|line| line.strip_prefix("//! ")?.strip_prefix(word))?;
        Some(said.trim().trim_matches('`'))
    }

    /// The first line says what is wrong, and not only that something is.
    fn says_the_fault(&self) -> bool {
        let first = self.error.lines().next().unwrap_or_default();
        !first.is_empty() && !OF_ANY_PROGRAM.iter().any(|text| first.contains(text))
    }

    /// The first label is on the line that the header names.
    fn points_at_it(&self) -> bool {
        let at = self.header("At: ").unwrap_or_default();
        let wrong = self.program.lines().position(|line| !line.starts_with("//!") && line.contains(at));
        let place = self.error.lines().find_map(|line| line.split_once("--> ui/first/")).and_then(|(_, place)| {
            let mut parts = place.split(':');
            parts.nth(1)?.parse::<usize>().ok()
        });
        wrong.is_some_and(|index| place == index.checked_add(1))
    }

    /// It says what to write, and does not only repeat the program, whose lines rustc numbers.
    fn says_what_to_write(&self) -> bool {
        let instead = self.header("Write instead: ").unwrap_or_default();
        let mut in_a_suggestion = false;
        self.error.lines().any(|line| {
            in_a_suggestion = line.starts_with("help: ") || in_a_suggestion && !line.is_empty();
            let of_the_program =
                line.split_once(" |").is_some_and(|(number, _)| number.trim().parse::<usize>().is_ok());
            (in_a_suggestion || !of_the_program) && line.contains(instead)
        })
    }

    fn is_one_error(&self) -> bool {
        self.error.lines().filter(|line| line.starts_with("error")).count() == 1
    }

    fn has_no_internals(&self) -> bool {
        !INTERNALS.iter().any(|text| self.error.contains(text))
    }

    /// The questions that it answers with no.
    fn missing(&self) -> String {
        let answers = [
            ("A", self.says_the_fault()),
            ("B", self.points_at_it()),
            ("C", self.says_what_to_write()),
            ("D", self.is_one_error()),
            ("E", self.has_no_internals()),
        ];
        let missing: Vec<_> = answers.iter().filter(|(_, yes)| !yes).map(|(question, _)| *question).collect();
        missing.join(", ")
    }
}

#[expect(clippy::unwrap_used, reason = "a test without its cases fails")]
fn cases() -> BTreeMap<String, Case> {
    let files = fs::read_dir("ui/first").unwrap().map(|file| file.unwrap().path());
    let programs = files.filter(|file| file.extension().is_some_and(|extension| extension == "rs"));
    let read = |path: &Path| fs::read_to_string(path).unwrap();
    programs
        .map(|path| {
            let case = Case { program: read(&path), error: read(&path.with_extension("stderr")) };
            (format!("ui/{}", path.strip_prefix("ui").unwrap().display()), case)
        })
        .collect()
}

#[test]
fn each_case_is_graded_as_it_says() {
    for (name, case) in cases() {
        assert!(case.header("At: ").is_some(), "names no line: {name}");
        assert!(case.header("Write instead: ").is_some(), "does not say what to write: {name}");
        assert_eq!(case.header("Missing: ").unwrap_or_default(), case.missing(), "graded otherwise: {name}");
    }
}

#[test]
fn the_page_has_the_sums_and_a_row_for_each_that_misses_something() {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/errors-from-c.md")).unwrap();
    let cases = cases();
    let missing: BTreeMap<_, _> = cases.iter().map(|(name, case)| (name, case.missing())).collect();
    let without = |question: &str| missing.values().filter(|missing| missing.contains(question)).count();
    let all = cases.len();
    for question in ["A", "B", "C", "D", "E"] {
        let row = format!("| {question} | {} |", all - without(question));
        assert!(page.contains(&row), "not the sum: {row}");
    }
    let full = missing.values().filter(|missing| missing.is_empty()).count();
    let sum = format!("{full} of the {all} programs");
    assert!(page.contains(&sum), "not the sum: {sum}");
    for (name, missing) in missing {
        let row = format!("| `{name}` | {missing} |");
        assert_eq!(page.contains(&row), !missing.is_empty(), "a row too few or too many: {row}");
    }
}
