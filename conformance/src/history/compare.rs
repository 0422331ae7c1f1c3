//! Two platforms side by side, and the shortest history on which they differ.

use core::fmt;
use std::{format, string::String, vec::Vec};

use super::{
    generate::Generator,
    play::{Outcome, Player, Record},
    step::Step,
    subject::Subject,
};
use crate::user::{Site, User};

/// Two platforms that have to do the same.
pub struct Pair<A, B> {
    /// The one. It has means for everything.
    pub one: A,
    /// The other. What it has no means for is left out.
    pub two: B,
}

/// The first step after which two platforms differ.
#[derive(Clone, Debug)]
pub struct Difference {
    /// How many steps had gone well before.
    pub after: usize,
    /// The step; none if it was not even possible to begin.
    pub step: Option<Step>,
    /// What was seen on the one.
    pub one: String,
    /// What was seen on the other.
    pub two: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.step {
            Some(step) => writeln!(f, "step {}, {step:?}:", self.after)?,
            None => writeln!(f, "at the beginning:")?,
        }
        writeln!(f, "  one: {}", self.one)?;
        write!(f, "  two: {}", self.two)
    }
}

/// A history on which two platforms differ, as short as could be found.
#[derive(Clone, Debug)]
pub struct Found {
    /// Its seed.
    pub seed: u64,
    /// After how many steps of the history with that seed.
    pub after: usize,
    /// The steps that are needed.
    pub steps: Vec<Step>,
    /// How they differ after these.
    pub difference: Difference,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the history with seed {} differs after {} steps; these are enough:", self.seed, self.after)?;
        for step in &self.steps {
            writeln!(f, "    Step::{step:?},")?;
        }
        self.difference.fmt(f)
    }
}

impl<A: Site, B: Site> Pair<A, B> {
    /// Plays these steps on both, up to the first after which they differ.
    pub fn play(&self, subject: &Subject, steps: &[Step]) -> Option<Difference> {
        let mut steps = steps.iter().copied();
        self.run(subject, |_, _| steps.next())
    }

    /// Plays the history with this seed on both. Gives back the shortest that was found if they differ.
    pub fn play_random(&self, subject: &Subject, seed: u64, count: usize) -> Option<Found> {
        let mut generator = Generator::new(subject, seed);
        let mut steps: Vec<Step> = Vec::new();
        let difference = self.run(subject, |page_size, last| {
            if let (Some(step), Some(outcome)) = (steps.last(), last) {
                generator.follow(step, outcome);
            }
            let step = match steps.len() {
                len if len < count => generator.step(page_size),
                len if len == count => Step::Look,
                _ => return None,
            };
            steps.push(step);
            Some(step)
        })?;
        let after = difference.after;
        let (steps, difference) = self.shorten(subject, steps, difference);
        Some(Found { seed, after, steps, difference })
    }

    /// Plays steps on both, up to the first after which they differ. `next` has the size of a page and what came of the
    /// last step.
    fn run(
        &self,
        subject: &Subject,
        mut next: impl FnMut(usize, Option<&Outcome>) -> Option<Step>,
    ) -> Option<Difference> {
        let (one, two) = match (self.one.open(subject.device), self.two.open(subject.device)) {
            (Ok(one), Ok(two)) => (one, two),
            (one, two) => {
                let said = |reason: Option<String>| reason.unwrap_or_else(|| "in order".into());
                return Some(Difference { after: 0, step: None, one: said(one.err()), two: said(two.err()) });
            }
        };
        let page_size = one.page_size();
        let (mut one, mut two) = (Player::new(subject, one), Player::new(subject, two));
        let (mut after, mut last, mut difference) = (0, None, None);
        while let Some(step) = next(page_size, last.as_ref()) {
            let seen_by_two = two.play(&step);
            let is_left_out = seen_by_two.outcome == Outcome::Missing;
            let seen_by_one = if is_left_out { one.leave_out() } else { one.play(&step) };
            let [of_one, of_two] = [one.complaints(), two.complaints()];
            if !seen_by_one.agrees_with(&seen_by_two) || !of_one.is_empty() || !of_two.is_empty() {
                let one = said(&seen_by_one, &seen_by_two, &of_one);
                let two = said(&seen_by_two, &seen_by_one, &of_two);
                difference = Some(Difference { after, step: Some(step), one, two });
                break;
            }
            last = Some(seen_by_one.outcome);
            after += 1;
        }
        one.end();
        two.end();
        difference
    }

    /// Leaves steps out as long as the rest still differs: many at once first, then fewer.
    fn shorten(&self, subject: &Subject, mut steps: Vec<Step>, mut difference: Difference) -> (Vec<Step>, Difference) {
        steps.truncate(difference.after.saturating_add(1));
        let mut many = steps.len().div_ceil(2);
        while many > 0 {
            let (mut from, mut shorter) = (0, false);
            while from < steps.len() {
                let to = from.saturating_add(many).min(steps.len());
                let rest: Vec<Step> = steps.iter().take(from).chain(steps.iter().skip(to)).copied().collect();
                match self.play(subject, &rest) {
                    Some(found) => {
                        steps = rest;
                        steps.truncate(found.after.saturating_add(1));
                        difference = found;
                        shorter = true;
                    }
                    None => from = to,
                }
            }
            if !shorter || many > 1 {
                many /= 2;
            }
        }
        (steps, difference)
    }
}

fn said(record: &Record, other: &Record, complaints: &[String]) -> String {
    let count = |count: &Option<usize>| count.map_or("?".into(), |count| format!("{count}"));
    let references: Vec<String> = record.references.iter().map(count).collect();
    let outcome = record.outcome.beside(&other.outcome);
    let mut said = format!("{outcome}; references {}; gauges {:?}", references.join(" "), record.gauges);
    for complaint in complaints {
        said.push_str("; complaint: ");
        said.push_str(complaint);
    }
    said
}
