//! Runs in the machine that `linux/boot` boots; the argument says what is to be done there.
#![expect(unsafe_code, reason = "system calls, signals, and memory that is not this program's")]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::indexing_slicing, reason = "x86-64 only")]

mod child;
mod device;
mod edges;
mod trap;

use std::process::ExitCode;

use vmctx_drivers::job::{self, Device, Outcome, table::Table};

fn main() -> ExitCode {
    if let Err(error) = trap::catch() {
        eprintln!("no signal handlers: {error}");
        return ExitCode::FAILURE;
    }
    let ok = match std::env::args().nth(1).as_deref() {
        Some("test") => scenarios() & edges::run(),
        Some("no-memory") => edges::without_memory().map_err(|error| println!("  {error}")).is_ok(),
        _ => {
            eprintln!("usage: vmctx-linux-user test|no-memory");
            false
        }
    };
    if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Every scenario of the main job on the module's devices.
fn scenarios() -> bool {
    let outcomes: Vec<Outcome> = Device::ALL.iter().map(|device| job::run(&device::Kernel, *device, 4)).collect();
    print!("{}", Table(&outcomes));
    outcomes.iter().all(Outcome::is_ok)
}
