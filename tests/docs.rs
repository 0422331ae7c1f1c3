//! The guide quotes the wrong usages and their errors to the letter.
//!
//! In `docs/*.md` and `README.md` a line `<!-- ui/CASE.rs -->` is followed by the program of that case and by its error. With
//! `BLESS=1` in the environment both are written anew.

use std::{env, fs, path::Path};

/// The program of a case, as a reader needs it: without the comment on top, and without the `main` that makes it a program.
fn program(case: &str) -> String {
    let lines = case.lines().filter(|line| !line.starts_with("//!") && *line != "fn main() {}");
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}

/// The error up to where rustc begins to quote this crate's source.
fn error(snapshot: &str) -> String {
    let first = snapshot.find("\n\nerror").map_or(snapshot, |end| &snapshot[..end]);
    let end = first.find("\nnote: required by").unwrap_or(first.len());
    first[..end].trim_end().to_owned()
}

/// `E0277`, if the error has a code.
fn code(error: &str) -> &str {
    error.strip_prefix("error[").and_then(|rest| rest.split(']').next()).unwrap_or_default()
}

#[expect(clippy::panic, reason = "a test's way to say which file is missing")]
fn quotation(root: &Path, case: &str) -> String {
    let read = |path: &Path| fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let source = read(&root.join(case));
    let error = error(&read(&root.join(case).with_extension("stderr")));
    let code = code(&error);
    let comma = if code.is_empty() { "" } else { "," };
    format!("```rust,compile_fail{comma}{code}\n{}\n```\n\n```text\n{error}\n```\n", program(&source))
}

/// The page with every quotation as it should be.
fn quoted(root: &Path, page: &str) -> String {
    let mut out = String::new();
    let mut lines = page.lines().peekable();
    while let Some(line) = lines.next() {
        out.push_str(line);
        out.push('\n');
        let Some(case) = line.strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->")) else { continue };
        if !case.starts_with("ui/") {
            continue;
        }
        out.push('\n');
        out.push_str(&quotation(root, case));
        out.push('\n');
        // What stood there: blank lines, the program's block, blank lines, the error's block, blank lines.
        for fence in ["```rust,compile_fail", "```text"] {
            while lines.next_if(|line| line.is_empty()).is_some() {}
            if lines.next_if(|line| line.starts_with(fence)).is_some() {
                while lines.next_if(|line| *line != "```").is_some() {}
                lines.next();
            }
        }
        while lines.next_if(|line| line.is_empty()).is_some() {}
    }
    out
}

#[test]
fn pages_quote_the_cases_and_their_errors() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let bless = env::var_os("BLESS").is_some();
    let mut quotations = 0;
    for page in ["README.md", "docs/guarantees.md"] {
        let path = root.join(page);
        let found = fs::read_to_string(&path).unwrap();
        let wanted = quoted(root, &found);
        quotations += wanted.matches("\n<!-- ui/").count();
        if bless {
            fs::write(&path, &wanted).unwrap();
        } else {
            assert!(found == wanted, "{page} quotes what is no longer so: run `BLESS=1 cargo test --test docs`");
        }
    }
    assert!(quotations >= 15, "only {quotations} quotations found");
}
