//! The simulator: what users of a driver's mappings see, and what is left when they have gone.
#![deny(unsafe_code)]
// In a module that clippy knows to be a test's, so that helpers may `unwrap` as tests may.
#![cfg(test)]

mod atomic;
mod basics;
mod debugger;
mod established;
mod faults;
mod hooks;
mod huge;
mod insertion;
mod kit;
mod limits;
mod map_pages;
mod mkwrite;
mod object;
mod page_cache;
mod prepare;
mod private;
mod reports;
mod syscalls;
mod unsound;
mod users;

// Shared with the tests that run on every platform.
#[path = "../both/bar.rs"]
mod bar;
#[path = "../both/borrowed.rs"]
mod borrowed;
#[path = "../both/described.rs"]
mod described;
#[path = "../both/drivers.rs"]
mod drivers;
#[cfg(target_os = "linux")]
#[path = "../both/own_process.rs"]
mod own_process;
#[path = "../both/threads.rs"]
mod threads;
