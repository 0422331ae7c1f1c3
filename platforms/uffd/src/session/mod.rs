//! Sessions: how one is opened, its calls, and how it ends.

// In the order in which rustdoc shows the methods of `Session`. Blank lines keep rustfmt from sorting them.
pub(crate) mod options;

pub(crate) mod open;

pub(crate) mod calls;

pub(crate) mod access;

pub(crate) mod dirty;

pub(crate) mod stop;

pub(crate) mod guest_thread;
