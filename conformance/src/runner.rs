//! Runs the scenarios of devices, ends those that hang, and says what came of each.

use core::{any::Any, mem, time::Duration};
use std::{
    format,
    string::{String, ToString},
    sync::{
        Arc,
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::Instant,
    vec::Vec,
};

use crate::{
    checks::{Checks, Progress},
    devices::Device,
    mapping::MAX_THREADS,
    scenarios,
    user::{Counters, InUse, LeftOut, Site, User},
};

/// What came of a device's scenario.
#[derive(Debug)]
pub struct Outcome {
    /// The device.
    pub device: Device,
    /// How many things were checked.
    pub checks: usize,
    /// What was wrong, a line each. Nothing, and the driver is in order.
    pub failed: Vec<String>,
    /// What happened inside, if the platform counts.
    pub counters: Option<Counters>,
    /// What the platform has no means for, of what the scenario came to.
    pub left_out: Vec<LeftOut>,
    /// Whether the scenario hangs, and was given up; `failed` then ends with what is known of where. Its threads are
    /// still there, and with them the user: nothing in Rust ends them but the end of the process.
    pub hangs: bool,
}

impl Outcome {
    /// Whether something was checked, and nothing was wrong.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.checks > 0 && self.failed.is_empty()
    }
}

/// How scenarios are run: by how many threads, and how long one that makes no progress is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Runner {
    threads: usize,
    patience: Duration,
}

impl Runner {
    /// How long a scenario is waited for that makes no check, if nothing else is said: 2 minutes, enough for an
    /// emulated machine that is busy.
    pub const PATIENCE: Duration = Duration::from_secs(120);

    /// A runner whose scenarios touch a mapping with so many threads at once: at least one, and at most
    /// [`MAX_THREADS`].
    #[must_use]
    pub fn new(threads: usize) -> Self {
        Self { threads: threads.clamp(1, MAX_THREADS), patience: Self::PATIENCE }
    }

    /// The same, with another patience. A scenario that has made no check for as long is given up, and noticed after
    /// twice as long at the latest; one that is slow and goes on is not.
    #[must_use]
    pub const fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Opens a device and runs its scenario.
    ///
    /// All of that happens in threads of its own, which share the site with the caller: those of a scenario that hangs
    /// stay where they are.
    pub fn run<S: Site>(&self, site: &Arc<S>, device: Device) -> Outcome {
        let (site, threads) = (Arc::clone(site), self.threads);
        self.watch(device, move |checks| {
            checks.begin("opening the device");
            match site.open(device) {
                Ok(user) => {
                    let outcome = play(&user, device, threads, checks);
                    checks.begin("closing the device");
                    drop(user);
                    outcome
                }
                Err(reason) => failed(device, 0, [reason].into()),
            }
        })
    }

    /// Runs the scenario of a device that is open already.
    pub fn run_on<U: User>(&self, user: &Arc<U>, device: Device) -> Outcome {
        let (user, threads) = (Arc::clone(user), self.threads);
        self.watch(device, move |checks| play(&*user, device, threads, checks))
    }

    /// Runs the scenarios of these devices one after the other, up to one that hangs: nothing is to be learnt from the
    /// others beside its threads. `begins` is called before each.
    pub fn run_all<S: Site>(
        &self,
        site: &Arc<S>,
        devices: impl IntoIterator<Item = Device>,
        mut begins: impl FnMut(Device),
    ) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        for device in devices {
            begins(device);
            let outcome = self.run(site, device);
            let hangs = outcome.hangs;
            outcomes.push(outcome);
            if hangs {
                break;
            }
        }
        outcomes
    }

    /// Runs a scenario in a thread of its own, for as long as it makes progress.
    fn watch(&self, device: Device, scenario: impl FnOnce(&mut Checks) -> Outcome + Send + 'static) -> Outcome {
        let progress = Arc::<Progress>::default();
        let mut checks = Checks::shown_to(&progress);
        let (done, outcome) = mpsc::channel();
        let started = thread::Builder::new().name(device.name().to_string()).spawn(move || {
            // Nobody listens to a scenario that was given up.
            let _ = done.send(scenario(&mut checks));
        });
        let thread = match started {
            Ok(thread) => thread,
            Err(error) => return failed(device, 0, [format!("no thread for the scenario: {error}")].into()),
        };
        let mut looks = Looks::default();
        loop {
            match outcome.recv_timeout(self.patience) {
                Ok(outcome) => {
                    // It is ending. Once it has, its stack is not in the way of the next scenario's memory.
                    let _ = thread.join();
                    return outcome;
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let said = thread.join().err().and_then(message).unwrap_or_default();
                    return given_up(device, &progress, format!("the scenario panicked: {said}"));
                }
                Err(RecvTimeoutError::Timeout) => {
                    let made = progress.made();
                    if looks.find_nothing_new(made) {
                        let reason = format!("hangs: no check for {:?}, after {made} checks", self.patience);
                        return Outcome { hangs: true, ..given_up(device, &progress, reason) };
                    }
                }
            }
        }
    }
}

/// How many checks a scenario had made when it was last looked at.
#[derive(Default)]
struct Looks {
    made: usize,
}

impl Looks {
    /// Looks once more: whether no check was made since the last time.
    fn find_nothing_new(&mut self, made: usize) -> bool {
        made == mem::replace(&mut self.made, made)
    }
}

/// What a scenario comes to that runs to its end.
fn play<U: User>(user: &U, device: Device, threads: usize, checks: &mut Checks) -> Outcome {
    let before = user.in_use();
    scenarios::play(device, scenarios::Run { user, threads, checks });
    checks.begin("what the scenario leaves behind");
    checks.equal("what is in use after the scenario", &settled(user, before), &before);
    checks.begin("what the platform says about the scenario");
    for complaint in user.complaints() {
        checks.verdict(Some(complaint));
    }
    Outcome {
        device,
        checks: checks.made(),
        failed: checks.failed().to_vec(),
        counters: user.counters(),
        left_out: user.left_out(),
        hangs: false,
    }
}

/// What is in use when it is as much as before, or, if it does not come to that, after some time.
fn settled<U: User>(user: &U, before: InUse) -> InUse {
    const LONG_ENOUGH: Duration = Duration::from_secs(5);
    let begun = Instant::now();
    loop {
        let now = user.in_use();
        if now == before || begun.elapsed() > LONG_ENOUGH {
            return now;
        }
        thread::yield_now();
    }
}

/// A scenario that did not come to its end: what was wrong before, why it ended, and where.
fn given_up(device: Device, progress: &Progress, reason: String) -> Outcome {
    let mut lines = progress.failed();
    lines.push(reason);
    lines.extend(progress.begun());
    failed(device, progress.made(), lines)
}

fn failed(device: Device, checks: usize, failed: Vec<String>) -> Outcome {
    Outcome { device, checks, failed, counters: None, left_out: Vec::new(), hangs: false }
}

/// What a panic says.
fn message(panic: std::boxed::Box<dyn Any + Send>) -> Option<String> {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned())
}

#[cfg(test)]
mod tests {
    use super::Looks;

    #[test]
    fn a_scenario_is_given_up_when_a_look_finds_it_where_the_last_one_did() {
        let mut looks = Looks::default();
        // However slow it is: each time something was done.
        for made in 1..100 {
            assert!(!looks.find_nothing_new(made));
        }
        assert!(looks.find_nothing_new(99));
        // The first look wants a check, too.
        assert!(Looks::default().find_nothing_new(0));
    }
}
