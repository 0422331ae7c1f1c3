//! Histories on which the simulated machine has once differed from a kernel. They are played before any random one.

use super::{
    step::Step,
    subject::{NOPAGE, Subject},
};
use crate::devices::nopage::{EXTEND, TRUNCATE, place};

/// One of them.
#[derive(Clone, Copy, Debug)]
pub struct Named {
    /// What Linux does.
    pub name: &'static str,
    /// Of what.
    pub subject: Subject,
    /// The steps.
    pub steps: &'static [Step],
}

/// All of them.
pub const NAMED: &[Named] = &[Named {
    name: "fork copies the entries of a private mapping once a store was tried, also if it has failed (`do_cow_fault`)",
    subject: NOPAGE,
    steps: &[
        Step::Control { process: 0, request: TRUNCATE, argument: 1 },
        Step::Map { process: 0, at: 16, pages: 1, pgoff: 1, shared: false, writable: true },
        Step::Store { process: 0, at: 0x11005, len: 8, byte: 114 },
        Step::Control { process: 0, request: EXTEND, argument: place(1, 1) },
        Step::Look,
        Step::Fork { process: 0, child: 3 },
        Step::Look,
    ],
}];
