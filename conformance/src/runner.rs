//! Runs the scenario of a device, and says what came of it.

use std::{string::String, vec::Vec};

use crate::{
    checks::Checks,
    devices::Device,
    scenarios,
    user::{Counters, LeftOut, Site, User},
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
}

impl Outcome {
    /// Whether something was checked, and nothing was wrong.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.checks > 0 && self.failed.is_empty()
    }
}

/// Runs the scenario of a device that is open already.
pub fn run_on<U: User>(user: &U, device: Device, threads: usize) -> Outcome {
    let mut checks = Checks::default();
    scenarios::play(device, scenarios::Run { user, threads, checks: &mut checks });
    for complaint in user.complaints() {
        checks.verdict(Some(complaint));
    }
    Outcome {
        device,
        checks: checks.made(),
        failed: checks.failed().to_vec(),
        counters: user.counters(),
        left_out: user.left_out(),
    }
}

/// Opens a device and runs its scenario.
pub fn run<S: Site>(site: &S, device: Device, threads: usize) -> Outcome {
    match site.open(device) {
        Ok(user) => run_on(&user, device, threads),
        Err(reason) => Outcome { device, checks: 0, failed: [reason].into(), counters: None, left_out: Vec::new() },
    }
}
