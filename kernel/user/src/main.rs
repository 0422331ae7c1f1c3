//! Runs in the machine that `kernel/boot` boots; the argument says what is to be done there.
#![expect(unsafe_code, reason = "system calls, signals, and memory that is not this program's")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::indexing_slicing,
    reason = "machines of 64 bits only"
)]

mod bench;
mod calls;
mod child;
mod device;
mod edges;
mod history;
mod smallest;
mod trap;
mod wrong;

use std::{process::ExitCode, sync::Arc};

use vmctx_conformance::{Device, Outcome, Runner, table::Table};

fn main() -> ExitCode {
    if let Err(error) = trap::catch() {
        eprintln!("no signal handlers: {error}");
        return ExitCode::FAILURE;
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ok = match arguments[..] {
        ["test"] => {
            let outcomes = scenarios(Device::ALL);
            // Beside threads that hang nothing is to be learnt from the rest.
            !outcomes.iter().any(|outcome| outcome.hangs)
                && outcomes.iter().all(Outcome::is_ok)
                    & edges::run("")
                    & said(smallest::run())
                    & (!is_simulated() || histories("devices", "1", "1000") & histories("files", "1", "1000"))
        }
        ["device", name] => {
            Device::from_name(name).is_some_and(|device| scenarios(&[device]).iter().all(Outcome::is_ok))
        }
        ["edge", name] => edges::run(name),
        ["history", of] => histories(of, "1", "20000"),
        ["history", of, seed] => histories(of, seed, "20000"),
        ["history", of, seed, steps] => histories(of, seed, steps),
        ["no-memory"] => edges::without_memory().map_err(|error| println!("  {error}")).is_ok(),
        ["panic"] => edges::touch_what_panics().is_ok(),
        ["bench"] => bench::run(),
        ["wrong", case] => said(wrong::run(case)),
        ["wrong-typed", case] => said(wrong::act_on_typed(case)),
        ["wrong-c", case] => said(wrong::act_on_wrong(case)),
        _ => {
            eprintln!(
                "usage: vmctx-kernel-user test|device NAME|edge NAME|history WHAT [SEED [STEPS]]|no-memory|panic|bench|wrong CASE|wrong-typed CASE|wrong-c CASE"
            );
            false
        }
    };
    if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs the scenarios of these devices on the module's, and prints the table.
fn scenarios(devices: &[Device]) -> Vec<Outcome> {
    let outcomes = Runner::new(4).run_all(&Arc::new(device::Kernel), devices.iter().copied(), |_| {});
    print!("{}", Table(&outcomes));
    outcomes
}

/// Whether the kernel is the one that the simulator follows. What another does otherwise is in `docs/kernels.md`.
fn is_simulated() -> bool {
    let it_is = calls::kernel_has(6, 12) && !calls::kernel_has(6, 13) && calls::PAGE == 1 << 12;
    if !it_is {
        println!("no histories: the simulator follows 6.12, with pages of 4 KiB");
    }
    it_is
}

/// Plays histories, of so many steps together, from this seed on.
fn histories(of: &str, seed: &str, steps: &str) -> bool {
    let played = match (seed.parse(), steps.parse()) {
        (Ok(seed), Ok(steps)) if of == "threads" => Some(history::play_crowds(seed, steps)),
        (Ok(seed), Ok(steps)) => history::play_all(of, seed, steps),
        _ => None,
    };
    played.unwrap_or_else(|| {
        eprintln!("usage: vmctx-kernel-user history devices|files|threads|SUBJECT [SEED [STEPS]]");
        false
    })
}

/// Whether it went well; else it is said how not.
fn said(outcome: Result<(), String>) -> bool {
    outcome.map_err(|error| println!("{error}")).is_ok()
}
