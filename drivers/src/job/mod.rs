//! The main job: map every device, touch it from several threads, check every byte, and say what happened.
//!
//! - [`Device`]: what there is to be mapped;
//! - [`user`]: what a platform does for a user, and [`sim`], which does it on a simulated machine; `uffd` does it with
//!   real faults of real memory, where there is userfaultfd;
//! - [`mapping`]: one mapping and every byte of it; [`scenario`]: a driver's mappings;
//! - [`run`] and [`Outcome`]: all of it, and the [`table`] that it ends in.

mod checks;
pub mod mapping;
pub mod scenario;
pub mod sim;
pub mod table;
#[cfg(all(feature = "uffd", target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
pub mod uffd;
pub mod user;

use std::{string::String, vec::Vec};

use crate::device;

pub use crate::device::Device;
pub use checks::Checks;
pub use user::{Counters, LeftOut, Site, User};

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
    device::play(device, scenario::Run { user, threads, checks: &mut checks });
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
