//! Sessions: how one is opened, its calls, and how it ends.

pub(crate) mod access;
pub(crate) mod calls;
pub(crate) mod guest_thread;
pub(crate) mod open;
pub(crate) mod options;
pub(crate) mod stop;
