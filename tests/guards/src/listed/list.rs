//! The list that `cargo mutants --list --json` writes.

use std::{
    collections::BTreeMap,
    ops::Range,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::tree::original;

/// A mutant of the list.
pub(crate) struct Listed {
    /// By what a run is told that it is this one.
    pub(crate) number: u32,
    /// Its line in the list: file, line, column and what is replaced by what.
    pub(crate) name: String,
    /// The bytes that are replaced.
    pub(crate) bytes: Range<usize>,
    /// By what.
    pub(crate) replacement: String,
    /// Whether the whole body of a function is, rather than a part of an expression.
    pub(crate) is_body: bool,
    /// Whether the function's type is that of its body, which a mutant of the body has another one of.
    pub(crate) is_unnamed: bool,
}

/// The mutants of these lists, by their files.
pub(crate) fn read(root: &Path, lists: &[PathBuf]) -> Result<BTreeMap<String, Vec<Listed>>, String> {
    let mut all = Vec::new();
    for list in lists {
        let text = std::fs::read_to_string(list).map_err(|error| format!("{}: {error}", list.display()))?;
        let some: Vec<Value> = serde_json::from_str(&text).map_err(|error| format!("{}: {error}", list.display()))?;
        all.extend(some);
    }
    let mut files: BTreeMap<String, Vec<Listed>> = BTreeMap::new();
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    for (number, value) in (1..).zip(&all) {
        let mut mutant = || -> Option<(String, Listed)> {
            let text_at = |place: &str| value.pointer(place)?.as_str();
            let file = text_at("/file")?.to_owned();
            if !texts.contains_key(&file) {
                texts.insert(file.clone(), original(root, &file).ok()?);
            }
            let at = |end: &str| {
                let number = |what: &str| value.pointer(&format!("/span/{end}/{what}"))?.as_u64();
                byte(texts.get(&file)?, number("line")?, number("column")?)
            };
            let listed = Listed {
                number,
                name: text_at("/name")?.to_owned(),
                bytes: at("start")?..at("end")?,
                replacement: text_at("/replacement")?.to_owned(),
                is_body: text_at("/genre")? == "FnValue",
                is_unnamed: text_at("/function/return_type").is_some_and(|of| of.contains("impl ")),
            };
            Some((file, listed))
        };
        let (file, listed) = mutant().ok_or_else(|| format!("this is no mutant of these sources: {value}"))?;
        files.entry(file).or_default().push(listed);
    }
    Ok(files)
}

/// The byte at a line and a column, which begin at 1.
fn byte(text: &str, line: u64, column: u64) -> Option<usize> {
    let (line, column) = (usize::try_from(line).ok()?.checked_sub(1)?, usize::try_from(column).ok()?.checked_sub(1)?);
    let before: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let in_line: usize = text.get(before..)?.chars().take(column).map(char::len_utf8).sum();
    Some(before + in_line)
}
