//! Somebody else's userfaultfd: its regions, what is copied into them, and who serves.

// From the bottom up. `platform` names the types of all of them; nothing else imports what comes after it.
pub(crate) mod adopted;

pub(crate) mod event;

pub(crate) mod removed;

pub(crate) mod regions;

pub(crate) mod places;

pub(crate) mod statistics;

pub(crate) mod mapped_file;

pub(crate) mod runs;

pub(crate) mod target;

pub(crate) mod vma;

pub(crate) mod push;

pub(crate) mod shared;

pub(crate) mod fault;

pub(crate) mod platform;

pub(crate) mod resolve;

pub(crate) mod serve;

pub(crate) mod peer;

#[cfg(test)]
mod fail_closed;
