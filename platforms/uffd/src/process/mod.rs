//! The process whose addresses a session maps: this one, or a guest at the other end of a socket.

pub(crate) mod addresses;
pub(crate) mod agent;
pub(crate) mod owner;
pub(crate) mod protocol;
pub(crate) mod socket;
