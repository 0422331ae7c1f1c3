//! Histories on this kernel and on the simulated machine, side by side.

mod memfd;

use std::{
    process,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use vmctx_conformance::{
    Site,
    history::{DEVICES, FILES, NAMED, Named, Pair, Subject, by_name},
};
use vmctx_job::{crowds, sim::SimSite};

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

/// How long a crowd may go without a step before it hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// Plays crowds of threads on the simulated machine, of so many steps together, a device after the other. One that hangs
/// is named, and ends the program.
pub(crate) fn play_crowds(first: u64, steps: usize) -> bool {
    let (played, began) = (Arc::new(AtomicU64::new(0)), Instant::now());
    let mut told = began;
    for seed in first.. {
        for subject in DEVICES {
            let watched = watch(&played, format!("{}, seed {seed}", subject.name));
            let outcome = crowds::play(&subject, seed, &played);
            drop(watched);
            if let Err(wrong) = outcome {
                println!("history threads: {wrong}");
                return false;
            }
        }
        let played = played.load(Ordering::Relaxed);
        if played >= steps as u64 {
            println!("history threads: {played} steps, seeds {first} to {seed}, {} s", began.elapsed().as_secs());
            return true;
        }
        if told.elapsed().as_secs() >= 60 {
            told = Instant::now();
            println!("history threads: {played} steps");
        }
    }
    true
}

/// Ends the program if no step is played for too long while the value is there.
fn watch(played: &Arc<AtomicU64>, what: String) -> Arc<()> {
    let watched = Arc::new(());
    let (is_there, played) = (Arc::downgrade(&watched), Arc::clone(played));
    thread::spawn(move || {
        let (mut seen, mut since) = (played.load(Ordering::Relaxed), Instant::now());
        while is_there.strong_count() != 0 {
            thread::sleep(Duration::from_millis(200));
            let now = played.load(Ordering::Relaxed);
            if now != seen {
                (seen, since) = (now, Instant::now());
            } else if since.elapsed() >= PATIENCE {
                println!("history threads: {what} hangs");
                process::exit(1);
            }
        }
    });
    watched
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
