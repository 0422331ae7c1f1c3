//! What holds for users of a driver's mappings on any platform that runs in a program: each test on each of them.
#![forbid(unsafe_code)]
// In a module that clippy knows to be a test's, so that helpers may `unwrap` as tests may.
#![cfg(test)]

#[macro_use]
mod beds;
mod bar;
mod basics;
mod drivers;
mod established;
mod faults;
mod insertion;
mod mkwrite;
mod moving;
mod private;
mod switched;
mod tracked;
mod waiting;
