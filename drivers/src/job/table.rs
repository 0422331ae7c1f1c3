//! The table that the job prints.

use core::fmt;
use std::{
    borrow::ToOwned,
    format,
    string::{String, ToString},
    vec::Vec,
};

use super::{Counters, Outcome};

/// Outcomes as a table, with what was wrong below it.
pub struct Table<'a>(pub &'a [Outcome]);

const HEADINGS: [&str; 8] =
    ["driver", "context", "kind", "inserted", "already present", "faults", "answers", "verdict"];
/// Which columns are numbers.
const NUMBERS: [bool; 8] = [false, false, false, true, true, true, false, false];

fn row(outcome: &Outcome) -> [String; 8] {
    let Outcome { device, checks, failed, counters } = outcome;
    let count =
        |number: fn(&Counters) -> u64| counters.as_ref().map_or_else(|| "?".to_owned(), |c| number(c).to_string());
    let verdict = match failed.len() {
        0 if outcome.is_ok() => format!("ok, {checks} checks"),
        0 => "FAILED: nothing checked".to_owned(),
        wrong => format!("FAILED: {wrong} of {checks} checks"),
    };
    [
        device.name().to_owned(),
        device.context().to_owned(),
        device.kind().to_owned(),
        count(|counters| counters.inserted),
        count(|counters| counters.already_present),
        count(|counters| counters.faults),
        counters.as_ref().map_or_else(|| "?".to_owned(), answers),
        verdict,
    ]
}

fn answers(counters: &Counters) -> String {
    let given: Vec<String> = counters
        .answers
        .iter()
        .filter(|(_, times)| *times > 0)
        .map(|(name, times)| format!("{name} {times}"))
        .collect();
    if given.is_empty() { "-".to_owned() } else { given.join(", ") }
}

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: Vec<[String; 8]> =
            [HEADINGS.map(ToOwned::to_owned)].into_iter().chain(self.0.iter().map(row)).collect();
        let mut widths = [0; 8];
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.chars().count().max(*width);
            }
        }
        for row in &rows {
            let mut line = String::new();
            for ((cell, width), number) in row.iter().zip(widths).zip(NUMBERS) {
                line += &if number { format!("{cell:>width$}  ") } else { format!("{cell:<width$}  ") };
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        for outcome in self.0 {
            for reason in &outcome.failed {
                writeln!(f, "{}: {reason}", outcome.device.name())?;
            }
        }
        Ok(())
    }
}
