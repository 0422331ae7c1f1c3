//! The simulator: what users of a driver's mappings see, and what is left when they have gone.
#![deny(unsafe_code)]
// In a module that clippy knows to be a test's, so that helpers may `unwrap` as tests may.
#![cfg(test)]

mod basics;
mod drivers;
mod faults;
mod insertion;
mod limits;
mod private;
mod syscalls;
mod unsound;
