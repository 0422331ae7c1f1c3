//! The table that the job prints.

use core::fmt;
use std::{
    borrow::ToOwned,
    format,
    string::{String, ToString},
    vec::Vec,
};

use crate::{
    runner::Outcome,
    user::{Counters, LeftOut},
};

/// Outcomes as a table, with what was wrong below it, and why what was left out had to be.
///
/// Where nothing was left out, there is no column for it.
pub struct Table<'a>(pub &'a [Outcome]);

const HEADINGS: [&str; 9] =
    ["driver", "context", "kind", "inserted", "already present", "faults", "answers", "verdict", "left out"];
/// Which columns are numbers.
const NUMBERS: [bool; 9] = [false, false, false, true, true, true, false, false, false];

fn row(outcome: &Outcome) -> [String; 9] {
    let Outcome { device, checks, failed, counters, left_out, hangs } = outcome;
    let count =
        |number: fn(&Counters) -> u64| counters.as_ref().map_or_else(|| "?".to_owned(), |c| number(c).to_string());
    let verdict = match failed.len() {
        _ if *hangs => format!("FAILED: hangs after {checks} checks"),
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
        left_out.iter().map(|left_out| left_out.what).collect::<Vec<_>>().join(", "),
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
        let mut left_out: Vec<LeftOut> = Vec::new();
        for reason in self.0.iter().flat_map(|outcome| &outcome.left_out) {
            if !left_out.contains(reason) {
                left_out.push(*reason);
            }
        }
        let columns = if left_out.is_empty() { HEADINGS.len() - 1 } else { HEADINGS.len() };
        let rows: Vec<[String; 9]> =
            [HEADINGS.map(ToOwned::to_owned)].into_iter().chain(self.0.iter().map(row)).collect();
        let mut widths = [0; 9];
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.chars().count().max(*width);
            }
        }
        for row in &rows {
            let mut line = String::new();
            for ((cell, width), number) in row.iter().zip(widths).zip(NUMBERS).take(columns) {
                line += &if number { format!("{cell:>width$}  ") } else { format!("{cell:<width$}  ") };
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        for outcome in self.0 {
            for reason in &outcome.failed {
                writeln!(f, "{}: {reason}", outcome.device.name())?;
            }
        }
        for LeftOut { what, why } in left_out {
            writeln!(f, "left out, {what}: {why}")?;
        }
        Ok(())
    }
}
