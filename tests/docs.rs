//! The guide quotes the wrong usages with their errors, and the smallest module, to the letter.
//!
//! In `README.md` and `docs/*.md` a line `<!-- ui/CASE.rs -->` is followed by the program of that case and by its
//! error, and a line `<!-- platforms/linux/smallest/FILE -->`, or of an example, by that file. With `BLESS=1` in the environment they are written anew.

mod errors;
mod links;

use std::{env, fs, path::Path};

const BLESS_WITH: &str = "BLESS=1 cargo test --test docs";

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn is_blessing() -> bool {
    env::var_os("BLESS").is_some()
}

/// The program of a case, as a reader needs it: without the comment on top, and without the `main` that makes it a
/// program.
fn program(case: &str) -> String {
    let lines = case.lines().filter(|line| !line.starts_with("//!") && *line != "fn main() {}");
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}

/// The error up to where rustc begins to quote this crate's source.
fn error(snapshot: &str) -> String {
    // What stands for a constant of C's begins with a warning, and the first error comes behind it.
    let warning = if snapshot.starts_with("warning") { snapshot.find("\n\n").map_or(0, |end| end + 1) } else { 0 };
    let next = snapshot[warning + 1..].find("\n\nerror").map(|end| warning + 1 + end);
    let first = next.map_or(snapshot, |end| &snapshot[..end]);
    let end = first.find("\nnote: required by").unwrap_or(first.len());
    first[..end].trim_end().to_owned()
}

/// `E0277`, if the error has a code.
fn code(error: &str) -> &str {
    let first = error.lines().find_map(|line| line.strip_prefix("error["));
    first.and_then(|rest| rest.split(']').next()).unwrap_or_default()
}

#[expect(clippy::panic, reason = "a test's way to say which file is missing")]
fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A case's program and its error.
fn case_blocks(path: &Path) -> String {
    let error = error(&read(&path.with_extension("stderr")));
    let code = code(&error);
    let comma = if code.is_empty() { "" } else { "," };
    format!("```rust,compile_fail{comma}{code}\n{}\n```\n\n```text\n{error}\n```\n", program(&read(path)))
}

/// A file of a module's.
fn file_block(path: &Path) -> String {
    let language = match path.extension().and_then(|extension| extension.to_str()) {
        // A whole package's file is no doctest, and `rs` is not taken for one: `kernel/test` and `.ci/run` build them.
        Some("rs") => "rs",
        Some("toml") => "toml",
        Some("c") => "c",
        None if path.ends_with("Kbuild") => "make",
        _ => "sh",
    };
    format!("```{language}\n{}```\n", read(path))
}

/// The page with every quotation as it should be, and how many there are.
fn quoted(root: &Path, page: &str) -> (String, usize) {
    let (mut out, mut quotations) = (String::new(), 0);
    let mut lines = page.lines().peekable();
    while let Some(line) = lines.next() {
        out.push_str(line);
        out.push('\n');
        let Some(file) = line.strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->")) else { continue };
        let path = root.join(file);
        let (blocks, count) = if file.starts_with("ui/") { (case_blocks(&path), 2) } else { (file_block(&path), 1) };
        out.push_str(&format!("\n{blocks}\n"));
        quotations += 1;
        // What stood there: as many blocks, between blank lines.
        while lines.next_if(|line| line.is_empty()).is_some() {}
        for _ in 0..count {
            if lines.next_if(|line| line.starts_with("```")).is_some() {
                while lines.next_if(|line| *line != "```").is_some() {}
                lines.next();
            }
            while lines.next_if(|line| line.is_empty()).is_some() {}
        }
    }
    (out, quotations)
}

#[test]
fn pages_quote_what_there_is() {
    let root = root();
    for (page, at_least) in [
        ("README.md", 1),
        ("docs/errors-from-c.md", 9),
        ("docs/frameworks.md", 2),
        ("docs/guarantees.md", 22),
        ("docs/linux.md", 5),
    ] {
        let path = root.join(page);
        let found = read(&path);
        let (wanted, quotations) = quoted(root, &found);
        assert!(quotations >= at_least, "{page} has only {quotations} quotations");
        if is_blessing() {
            fs::write(&path, &wanted).unwrap();
        } else {
            assert!(found == wanted, "{page} quotes what is no longer so: run `{BLESS_WITH}`");
        }
    }
}

/// What the names of mmap and fault code in C begin with.
const OF_C: [&str; 10] = [
    "FAULT_FLAG_",
    "VM_",
    "io_remap_",
    "mmap_action_",
    "pgprot_",
    "remap_",
    "unmap_mapping_",
    "vm_insert_",
    "vmf_",
    "zap_",
];

/// Who searches for a name of C's finds the item that the page of migration names in its place.
#[test]
fn names_of_c_that_have_a_row_are_aliases() {
    let sources = errors::files(&root().join("src"), "rs").iter().map(|path| read(path)).collect::<String>();
    let aliases: String = sources.lines().filter(|line| line.trim().starts_with("#[doc(alias")).collect();
    let page = read(&root().join("docs/migration.md"));
    let mut count = 0;
    for row in page.lines().filter(|line| line.starts_with("| `")) {
        let mut columns = row.replace("\\|", "").split(" | ").map(str::to_owned).collect::<Vec<_>>().into_iter();
        let (of_c, here) = (columns.next().unwrap_or_default(), columns.next().unwrap_or_default());
        if here.starts_with("none") {
            continue;
        }
        let names = of_c.split(|c: char| !c.is_alphanumeric() && c != '_');
        for name in names.filter(|name| OF_C.iter().any(|start| name.starts_with(start)) && !name.ends_with('_')) {
            assert!(aliases.contains(&format!("\"{name}\"")), "nothing in src/ has the alias {name}");
            count += 1;
        }
    }
    assert!(count > 60, "only {count} names were looked for");
}

/// What stands behind `pub struct` and its like, in the line of a public type or trait.
fn public_type(line: &str) -> Option<&str> {
    let item = line.strip_prefix("pub ")?;
    ["struct ", "enum ", "trait ", "unsafe trait ", "type "].iter().find_map(|kind| item.strip_prefix(kind))
}

/// Whether the documentation of the item that one of these lines defines has an example: the lines above it, up to an
/// empty one or the end of another item.
fn has_an_example(source: &str, name: &str) -> bool {
    let lines: Vec<_> = source.lines().map(str::trim).collect();
    let defines = |line: &str| {
        let rest = public_type(line).and_then(|item| item.strip_prefix(name));
        rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
    };
    lines.iter().enumerate().filter(|(_, line)| defines(line)).any(|(at, _)| {
        lines.iter().take(at).rev().take_while(|line| !line.is_empty() && **line != "}").any(|line| *line == "/// ```")
    })
}

/// Whoever looks a type up sees how it is used. That the examples compile and run is tested with the docs.
#[test]
fn every_public_type_has_an_example() {
    let sources = errors::files(&root().join("src"), "rs").iter().map(|path| read(path)).collect::<Vec<_>>();
    let listed = read(&root().join("tests/api/vmctx.txt"));
    let mut count = 0;
    for item in listed.lines().filter_map(public_type) {
        let path = item.split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':').next().unwrap_or_default();
        // An impl's associated type is listed as its trait's, which may be somebody else's.
        let Some(path) = path.trim_end_matches(':').strip_prefix("vmctx::") else { continue };
        let mut segments = path.rsplit("::");
        let (name, parent) = (segments.next().unwrap_or_default(), segments.next().unwrap_or_default());
        // What stands in a trait or at a type is a part of that one.
        if parent.starts_with(char::is_uppercase) {
            continue;
        }
        assert!(sources.iter().any(|source| has_an_example(source, name)), "{path} has no example");
        count += 1;
    }
    assert!(count > 100, "only {count} types were looked at");
}

/// A diagram has its source inside, so that whoever changes the one does not forget the other.
#[test]
fn diagrams_are_of_their_sources() {
    let sources = errors::files(&root().join("docs/diagrams"), "dot");
    assert!(sources.len() >= 4, "there are only {} diagrams", sources.len());
    for source in sources {
        let lines: Vec<_> = read(&source).lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();
        let picture = read(&source.with_extension("svg"));
        let inside = picture.split("<!-- source\n").nth(1).and_then(|rest| rest.split("\n-->").next());
        assert!(inside == Some(&lines.join("\n")), "{}: run `docs/diagrams/draw`", source.display());
        assert!(!picture.contains("\n\n"), "{}: an empty line ends the block of HTML", source.display());
    }
}
