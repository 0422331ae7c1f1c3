//! The benchmark of the platform `uffd`, with the crate `userfaultfd` among the contenders:
//! `cargo run --release --manifest-path benches/userfaultfd/Cargo.toml`, where there is a libclang (Debian:
//! `libclang-dev`), and for whoever may open a userfaultfd for all faults, as that crate does.
#![allow(missing_docs, reason = "a program")]

#[path = "../../../platforms/uffd/benches/uffd/contender.rs"]
mod contender;
#[path = "../../../platforms/uffd/benches/uffd/contenders.rs"]
mod contenders;
#[path = "../../../platforms/uffd/benches/uffd/restore.rs"]
mod restore;

use std::thread;

use contender::{Contender, PAGE, PAGES, window_of};
use contenders::{Shared, memory};
use userfaultfd::{Event, FeatureFlags, RegisterMode, UffdBuilder};

/// The same loop as the one by hand, in that crate's words.
struct Crate(Shared);

impl Contender for Crate {
    fn at(&self) -> usize {
        self.0.at()
    }
}

fn new(window: usize) -> Box<dyn Contender> {
    let memory = memory();
    let at = memory.at();
    // MISSING_SHMEM, and MINOR_SHMEM, for which it has no name.
    let features = FeatureFlags::from_bits_retain(1 << 5 | 1 << 10);
    let uffd = UffdBuilder::new().close_on_exec(true).non_blocking(false).require_features(features).create();
    let uffd = uffd.expect("a userfaultfd for all faults: it takes root");
    let mode = RegisterMode::MISSING | RegisterMode::MINOR;
    uffd.register_with_mode(at as *mut _, PAGES * PAGE, mode).expect("registered");
    thread::spawn(move || {
        loop {
            if let Ok(Some(Event::Pagefault { addr, .. })) = uffd.read_event() {
                let start = window_of(addr as usize, at, window);
                uffd.r#continue(start as *mut _, window * PAGE, true).expect("continued");
            }
        }
    });
    Box::new(Crate(memory))
}

fn main() {
    contenders::run(&[("userfaultfd", new)], None);
}
