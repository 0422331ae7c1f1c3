//! What the kernel is asked for: system calls, the requests and events of a userfaultfd, and signals.

pub(crate) mod clock;
pub(crate) mod event;
#[cfg(test)]
pub(crate) mod failing;
pub(crate) mod fill;
pub(crate) mod home;
pub(crate) mod ioctl;
pub(crate) mod memory_probe;
pub(crate) mod messages;
pub(crate) mod open;
pub(crate) mod pagemap;
pub(crate) mod queue;
pub(crate) mod signals;
pub(crate) mod sys;
pub(crate) mod undisturbed;
pub(crate) mod userfaultfd;
pub(crate) mod zero_page;
pub(crate) mod zeroed;
