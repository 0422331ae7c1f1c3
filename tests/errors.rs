//! The page of errors: every first line of a snapshot under `ui/`, with its guarantee, a program that has it and one that is
//! right. It is made here, between two comments of `docs/errors.md`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use super::{
    BLESS_WITH, is_blessing,
    links::{definitions, guarantees},
    read,
};

const BEGIN: &str = "<!-- made of the snapshots under ui/ -->\n";

/// A program under `ui/`.
struct Case {
    path: String,
    /// What the comment on top says it is for: the guarantees by number, and a sentence.
    guarantees: Vec<usize>,
    sentence: String,
    text: String,
}

impl Case {
    #[expect(clippy::panic, reason = "a test's way to say which case has no sentence")]
    fn new(root: &Path, path: &Path) -> Self {
        let text = read(path);
        let comment = text.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim);
        let comment = comment.collect::<Vec<_>>().join(" ");
        let (numbers, sentence) = comment.split_once(": ").unwrap_or_else(|| panic!("{}", path.display()));
        let guarantees = numbers.split(", ").filter_map(|number| number.strip_prefix('G')?.parse().ok()).collect();
        let path = path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned();
        Self { path, guarantees, sentence: sentence.to_owned(), text }
    }

    fn words(&self) -> BTreeSet<String> {
        let text = format!("{} {}", self.path.rsplit('/').next().unwrap_or_default(), self.sentence).to_lowercase();
        text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 3).map(str::to_owned).collect()
    }
}

/// A wrong usage, and what is said to it.
struct Wrong {
    case: Case,
    code: String,
    line: String,
    /// What rustc's own "mismatched types" says under the call.
    label: Option<String>,
    notes: Vec<String>,
}

impl Wrong {
    fn new(root: &Path, path: &Path) -> Self {
        let snapshot = read(&path.with_extension("stderr"));
        let error = super::error(&snapshot);
        let code = super::code(&error).to_owned();
        let first = error.lines().next().unwrap_or_default();
        let line = first.split_once(": ").map_or(first, |(_, line)| line).to_owned();
        let label = error.lines().find_map(|line| Some(line.get(line.find("expected `")?..)?.trim().to_owned()));
        let notes = error.lines().filter_map(|line| line.trim_start().strip_prefix("= note: "));
        let notes = notes.map(str::to_owned).collect();
        Self { case: Case::new(root, path), code, line, label, notes }
    }
}

/// The texts of the crate's own attributes, cut at what rustc fills in.
fn templates(root: &Path) -> BTreeSet<Vec<String>> {
    let mut found = BTreeSet::new();
    for path in files(&root.join("src"), "rs") {
        for line in read(&path).lines() {
            let Some(message) = line.trim().strip_prefix("message = \"").and_then(|rest| rest.strip_suffix("\","))
            else {
                continue;
            };
            let pieces = message.split('{').enumerate();
            let pieces = pieces
                .map(|(at, piece)| if at == 0 { piece } else { piece.split_once('}').map_or("", |(_, text)| text) });
            found.insert(pieces.map(str::to_owned).collect());
        }
    }
    found
}

fn fits(template: &[String], line: &str) -> bool {
    let [first, rest @ ..] = template else { return false };
    let Some(mut line) = line.strip_prefix(first.as_str()) else { return false };
    for piece in rest {
        let Some(at) = line.rfind(piece.as_str()).filter(|_| !piece.is_empty()) else { return piece.is_empty() };
        line = line.get(at + piece.len()..).unwrap_or_default();
    }
    line.is_empty()
}

/// All files of a folder and of the folders in it, in order.
#[expect(clippy::unwrap_used, reason = "a test ends where a folder cannot be read")]
pub(crate) fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|it| it == extension) {
            found.push(path);
        }
    }
    found
}

/// A line without what differs from program to program: of what stands in backquotes signs and keywords stay, and of types
/// their name, if that is what the line is about.
fn normalised(line: &str, keeps_types: bool) -> String {
    let pieces = line.split('`').enumerate().map(|(at, piece)| {
        if at % 2 == 0 {
            return piece.to_owned();
        }
        let name = piece.split(['<', '(']).next().unwrap_or_default().trim_start_matches("vmctx::");
        if !piece.contains(char::is_alphanumeric) || ["unsafe", "else", "if"].contains(&piece) {
            format!("`{piece}`")
        } else if keeps_types && name.starts_with(char::is_uppercase) {
            format!("`{name}`")
        } else {
            "`…`".to_owned()
        }
    });
    pieces.collect()
}

/// A guarantee as a link to its section.
fn links(guarantees: &BTreeSet<usize>) -> String {
    guarantees.iter().map(|number| format!("[G{number}]")).collect::<Vec<_>>().join(", ")
}

/// The names of what is called in a text.
fn calls(text: &str) -> BTreeSet<&str> {
    let before_parentheses = text.split('(').filter_map(|part| part.rsplit(['.', ':', ' ', '(', '`', '|']).next());
    before_parentheses
        .map(|name| name.split(['<', '!']).next().unwrap_or_default())
        .filter(|name| name.len() > 3)
        .collect()
}

/// The right program that is nearest to a wrong one: of the same guarantee, and with most of what the notes say to call.
/// After that count what both call, and the words that both are described with.
fn twin<'p>(passes: &'p [Case], wrong: &Wrong) -> Option<&'p Case> {
    let (words, notes) = (wrong.case.words(), wrong.notes.join(" "));
    let (to_call, called) = (calls(&notes), calls(&wrong.case.text));
    let of_the_same = passes.iter().filter(|pass| wrong.case.guarantees.iter().any(|it| pass.guarantees.contains(it)));
    // The first of those that are equally near.
    of_the_same.rev().max_by_key(|pass| {
        let calls = calls(&pass.text);
        let in_common = calls.intersection(&called).count() + pass.words().intersection(&words).count();
        3 * calls.intersection(&to_call).count() + in_common
    })
}

fn entry(out: &mut String, line: &str, group: &[&Wrong], passes: &[Case], says_what_to_write: bool) {
    let guarantees: BTreeSet<usize> = group.iter().flat_map(|wrong| wrong.case.guarantees.clone()).collect();
    let _ = writeln!(out, "- **{line}** ({})", links(&guarantees));
    let Some(first) = group.first() else { return };
    if says_what_to_write {
        for note in &first.notes {
            let _ = writeln!(out, "  - {note}");
        }
        let others = match group.len() - 1 {
            0 => String::new(),
            others => format!(", and {others} more"),
        };
        let _ = writeln!(out, "  - wrong: `{}`{others}: {}", first.case.path, first.case.sentence);
    } else {
        // rustc says no more than what it has found: one program for each guarantee tells what was meant.
        let mut told = BTreeSet::new();
        for wrong in group {
            if wrong.case.guarantees.iter().any(|number| told.insert(*number)) {
                let of: BTreeSet<usize> = wrong.case.guarantees.iter().copied().collect();
                let _ = writeln!(out, "  - {}: {} (`{}`)", links(&of), wrong.case.sentence, wrong.case.path);
            }
        }
    }
    if let Some(right) = twin(passes, first) {
        let _ = writeln!(out, "  - right: `{}`: {}", right.path, right.sentence);
    }
}

fn page(root: &Path) -> String {
    let templates = templates(root);
    let (mut own, mut foreign) = (BTreeMap::<_, Vec<_>>::new(), BTreeMap::<_, Vec<_>>::new());
    let paths = files(&root.join("ui"), "rs");
    let (passes, wrongs): (Vec<_>, Vec<_>) = paths.iter().partition(|path| path.starts_with(root.join("ui/pass")));
    let passes: Vec<_> = passes.into_iter().map(|path| Case::new(root, path)).collect();
    let wrongs: Vec<_> = wrongs.into_iter().map(|path| Wrong::new(root, path)).collect();
    for wrong in &wrongs {
        match templates.iter().find(|template| fits(template, &wrong.line)) {
            Some(template) => own.entry(template.join("…")).or_default().push(wrong),
            None => {
                let line = match (wrong.code.as_str(), &wrong.label) {
                    ("E0308", Some(label)) => format!("mismatched types: {}", normalised(label, true)),
                    _ => normalised(&wrong.line, false),
                };
                foreign.entry((wrong.code.clone(), line)).or_default().push(wrong);
            }
        }
    }
    let mut out = String::from("\n## In this crate's words\n\nAll of them are E0277.\n\n");
    for (line, group) in &own {
        entry(&mut out, line, group, &passes, true);
    }
    out.push_str("\n## In rustc's words\n\n");
    for ((code, line), group) in &foreign {
        let line = if code.is_empty() { line.clone() } else { format!("{code}: {line}") };
        entry(&mut out, &line, group, &passes, false);
    }
    out.push('\n');
    out.push_str(&definitions(&guarantees(), "crate::guide::guarantees"));
    assert!(own.len() > 50 && foreign.len() > 50, "the snapshots are not where they were looked for");
    out
}

#[test]
fn the_page_of_errors_has_every_first_line() {
    let root = super::root();
    let path = root.join("docs/errors.md");
    let found = read(&path);
    let (introduction, _) = found.split_once(BEGIN).unwrap();
    let wanted = format!("{introduction}{BEGIN}{}", page(root));
    if is_blessing() {
        fs::write(&path, &wanted).unwrap();
    } else {
        assert!(found == wanted, "docs/errors.md is not of these snapshots: run `{BLESS_WITH}`");
    }
}
