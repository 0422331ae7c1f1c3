//! Page faults: from the kernel's event, or the signal, to the driver's hook, and from its answer to whoever waits.

pub(crate) mod batch;
pub(crate) mod fault;
pub(crate) mod hook_call;
pub(crate) mod in_thread;
pub(crate) mod readers;
pub(crate) mod refaults;
pub(crate) mod server;
pub(crate) mod shared;
pub(crate) mod vmf;
pub(crate) mod waiters;
pub(crate) mod wp_fault;
