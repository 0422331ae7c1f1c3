//! Where a page of the guide names a guarantee, that is a link to its section.

use std::{collections::BTreeSet, fs};

use super::{BLESS_WITH, errors::anchor, is_blessing, read, root};

/// The guarantees: what follows `## ` in `docs/guarantees.md`.
fn headings() -> Vec<String> {
    let page = read(&root().join("docs/guarantees.md"));
    page.lines().filter_map(|line| line.strip_prefix("## G")).map(|rest| format!("G{rest}")).collect()
}

/// `[G7]: ` and where that is, for each of these.
fn definitions(numbers: &BTreeSet<usize>, page: &str) -> String {
    let headings = headings();
    let link = |number: &usize| {
        let heading = headings.iter().find(|heading| heading.starts_with(&format!("G{number}:")))?;
        Some(format!("[G{number}]: {page}#{}\n", anchor(heading)))
    };
    numbers.iter().filter_map(link).collect()
}

/// A line with brackets around each guarantee, outside code; the numbers go into `found`.
fn linked(line: &str, found: &mut BTreeSet<usize>) -> String {
    let mut pieces = Vec::new();
    for (at, piece) in line.split('`').enumerate() {
        if at % 2 == 1 {
            pieces.push(piece.to_owned());
            continue;
        }
        let (mut out, mut rest) = (String::new(), piece);
        while let Some(start) = rest.find('G') {
            let (before, from) = rest.split_at(start);
            let digits: String = from.chars().skip(1).take_while(char::is_ascii_digit).collect();
            let stands_alone = !before.ends_with(char::is_alphanumeric)
                && !from.chars().nth(1 + digits.len()).is_some_and(char::is_alphanumeric);
            let (name, after) = from.split_at(1 + digits.len());
            out.push_str(before);
            match digits.parse() {
                Ok(number) if stands_alone => {
                    found.insert(number);
                    let has_brackets = out.ends_with('[') && after.starts_with(']');
                    out.push_str(&if has_brackets { name.to_owned() } else { format!("[{name}]") });
                }
                _ => out.push_str(name),
            }
            rest = after;
        }
        out.push_str(rest);
        pieces.push(out);
    }
    pieces.join("`")
}

/// The page with links, and their definitions at its end.
fn page_with_links(text: &str, guarantees: &str) -> String {
    let (mut out, mut found, mut in_code) = (String::new(), BTreeSet::new(), false);
    for line in text.lines().filter(|line| !line.starts_with("[G")) {
        in_code ^= line.starts_with("```");
        let is_prose = !in_code && !line.starts_with('#') && !line.starts_with("<!--");
        out.push_str(&if is_prose { linked(line, &mut found) } else { line.to_owned() });
        out.push('\n');
    }
    let mut out = out.trim_end().to_owned();
    out.push('\n');
    if !found.is_empty() {
        out.push_str(&format!("\n{}", definitions(&found, guarantees)));
    }
    out
}

#[test]
fn a_guarantee_that_is_named_is_a_link() {
    let pages = [
        "comparison",
        "cost",
        "guarantees",
        "kernels",
        "linux",
        "memory",
        "migration",
        "pagers",
        "platforms",
        "prepare",
    ];
    for name in pages {
        let path = root().join(format!("docs/{name}.md"));
        let guarantees = if name == "guarantees" { "" } else { "crate::guide::guarantees" };
        let found = read(&path);
        let wanted = page_with_links(&found, guarantees);
        if is_blessing() {
            fs::write(&path, &wanted).unwrap();
        } else {
            assert!(found == wanted, "docs/{name}.md names a guarantee without a link: run `{BLESS_WITH}`");
        }
    }
}
