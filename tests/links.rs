//! Where a page of the guide names a guarantee, that is a link to its section.

use std::{collections::BTreeSet, fs};

use super::{BLESS_WITH, is_blessing, read, root};

/// The numbers of the guarantees, each of which has an anchor before its heading.
pub(crate) fn guarantees() -> BTreeSet<usize> {
    let page = read(&root().join("docs/guarantees.md"));
    let numbers = page.lines().filter_map(|line| line.strip_prefix("## G")?.split(':').next()?.parse().ok());
    let numbers: BTreeSet<usize> = numbers.collect();
    for number in &numbers {
        let anchored = format!("<a id=\"g{number}\"></a>\n\n## G{number}:");
        assert!(page.contains(&anchored), "docs/guarantees.md has no `<a id=\"g{number}\"></a>` before G{number}");
    }
    numbers
}

/// `[G7]: ` and where that is, for each of these.
pub(crate) fn definitions(numbers: &BTreeSet<usize>, page: &str) -> String {
    numbers.iter().map(|number| format!("[G{number}]: {page}#g{number}\n")).collect()
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
fn page_with_links(text: &str, section: &str) -> String {
    let (mut out, mut found, mut in_code) = (String::new(), BTreeSet::new(), false);
    for line in text.lines().filter(|line| !line.starts_with("[G")) {
        in_code ^= line.starts_with("```");
        let is_prose = !in_code && !line.starts_with('#') && !line.starts_with("<!--");
        out.push_str(&if is_prose { linked(line, &mut found) } else { line.to_owned() });
        out.push('\n');
    }
    let mut out = out.trim_end().to_owned();
    out.push('\n');
    assert!(found.is_subset(&guarantees()), "one of {found:?} is no guarantee");
    if !found.is_empty() {
        out.push_str(&format!("\n{}", definitions(&found, section)));
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
        let section = if name == "guarantees" { "" } else { "crate::guide::guarantees" };
        let found = read(&path);
        let wanted = page_with_links(&found, section);
        if is_blessing() {
            fs::write(&path, &wanted).unwrap();
        } else {
            assert!(found == wanted, "docs/{name}.md names a guarantee without a link: run `{BLESS_WITH}`");
        }
    }
}
