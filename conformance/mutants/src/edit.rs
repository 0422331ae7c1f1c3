//! Changes of single expressions, and how a text becomes one that has both.

use std::{collections::BTreeMap, ops::Range};

/// A change of one expression of the sources.
#[derive(Clone, Copy, Debug)]
pub struct Edit {
    /// The file, from the root of the repository.
    pub file: &'static str,
    /// A text that is in the file once. What stands in it between `«` and `»` is replaced, or all of it.
    pub keeps: &'static str,
    /// What stands there instead.
    pub breaks: &'static str,
}

/// Where an edit applies in its file's text.
#[derive(Clone, Debug)]
pub struct Place<'a> {
    /// The number by which the change is chosen.
    pub number: u32,
    /// The bytes that are replaced.
    pub bytes: Range<usize>,
    /// By what.
    pub breaks: &'a str,
}

impl Edit {
    /// The bytes of the file's text that are replaced.
    ///
    /// # Errors
    /// Why it does not apply, if the text is not there, or more than once.
    pub fn place(&self, text: &str) -> Result<Range<usize>, String> {
        let wrong = |reason: &str| format!("{reason} in {}: {}", self.file, self.keeps);
        let (before, rest) = self.keeps.split_once('«').unwrap_or(("", self.keeps));
        let (kept, behind) = rest.split_once('»').unwrap_or((rest, ""));
        let whole = format!("{before}{kept}{behind}");
        let mut found = text.match_indices(&whole);
        match (found.next(), found.next()) {
            (Some((at, _)), None) => Ok(at + before.len()..at + before.len() + kept.len()),
            (None, _) => Err(wrong("not found")),
            (Some(_), Some(_)) => Err(wrong("there twice")),
        }
    }
}

/// A text that has at each place both expressions, and a choice between them.
///
/// # Errors
/// If two places overlap that are not the same.
pub fn with_choices(text: &str, places: &[Place<'_>]) -> Result<String, String> {
    let mut by_bytes: BTreeMap<(usize, usize), Vec<&Place<'_>>> = BTreeMap::new();
    for place in places {
        by_bytes.entry((place.bytes.start, place.bytes.end)).or_default().push(place);
    }
    let mut chosen = String::new();
    let mut done = 0;
    for ((start, end), places) in by_bytes {
        let (Some(between), Some(kept)) = (text.get(done..start), text.get(start..end)) else {
            return Err(format!("two changes overlap at: {}", places.first().map_or("", |place| place.breaks)));
        };
        chosen += between;
        let choices: String = places
            .iter()
            .map(|place| format!("if ::vmctx_mutant::is({}) {{ {} }} else ", place.number, place.breaks))
            .collect();
        chosen += &format!("{{ {choices}{{ {kept} }} }}");
        done = end;
    }
    Ok(chosen + text.get(done..).unwrap_or_default())
}
