//! Histories on this kernel and on the simulated machine, side by side.

mod memfd;

use std::time::Instant;

use vmctx_conformance::{
    Site,
    history::{DEVICES, FILES, NAMED, Named, Pair, Subject, by_name},
};
use vmctx_job::sim::SimSite;

use crate::device::Kernel;

/// How many steps one history has. Each begins with a fresh device.
const STEPS: usize = 500;

/// Plays as many histories of each of these subjects as have so many steps together: the module's `devices`, `files` of
/// this kernel's, or the one of that name. Those on which something has once differed come first. `None` if there is no
/// such subject.
pub(crate) fn play_all(of: &str, first: u64, steps: usize) -> Option<bool> {
    let (devices, files) = (Pair { one: SimSite, two: Kernel }, Pair { one: SimSite, two: memfd::Files });
    Some(match of {
        "devices" => named(&devices) & all(&devices, &DEVICES, first, steps),
        "files" => all(&files, &FILES, first, steps),
        name => match by_name(name)? {
            file if FILES.iter().any(|known| known.name == file.name) => play(&files, &file, first, steps),
            device => play(&devices, &device, first, steps),
        },
    })
}

fn named<A: Site, B: Site>(pair: &Pair<A, B>) -> bool {
    let differs = |named: &&Named| match pair.play(&named.subject, named.steps) {
        None => false,
        Some(difference) => {
            println!("history {}: {}: {difference}", named.subject.name, named.name);
            true
        }
    };
    NAMED.iter().filter(differs).count() == 0
}

fn all<A: Site, B: Site>(pair: &Pair<A, B>, subjects: &[Subject], first: u64, steps: usize) -> bool {
    subjects.iter().filter(|subject| !play(pair, subject, first, steps)).count() == 0
}

/// Plays them, up to the first that differs.
fn play<A: Site, B: Site>(pair: &Pair<A, B>, subject: &Subject, first: u64, steps: usize) -> bool {
    let (histories, began) = (steps.div_ceil(STEPS) as u64, Instant::now());
    let mut told = began;
    for (done, seed) in (first..first.saturating_add(histories)).enumerate() {
        if let Some(found) = pair.play_random(subject, seed, STEPS) {
            println!("history {}: {found}", subject.name);
            return false;
        }
        if told.elapsed().as_secs() >= 60 {
            told = Instant::now();
            println!("history {}: {} steps", subject.name, (done + 1) * STEPS);
        }
    }
    let (steps, end) = (histories * STEPS as u64, first + histories);
    let seconds = began.elapsed().as_secs();
    println!("history {}: {steps} steps without a difference, seeds {first} to {}, {seconds} s", subject.name, end - 1);
    true
}
