//! Real faults of real memory: what a user sees of drivers that are served by userfaultfd.
#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking, in its helpers too")]

mod basics;
mod dirty;
mod ends;
mod faults;
mod first_stores;
mod hook_sins;
mod huge;
mod in_thread;
mod lazy_load;
mod pager;
mod panics;
mod past;
mod pauses;
mod process;
mod remote;
mod replaced;
mod sessions;
mod signals;
mod states;
mod system_call;
mod together;
mod zeros;

// Shared with the tests that run on every platform.
#[path = "../both/drivers.rs"]
mod drivers;
#[path = "../both/kept.rs"]
mod kept;
#[path = "../both/own_process.rs"]
mod own_process;
#[path = "../both/switched.rs"]
mod switched;
#[path = "../both/threads.rs"]
mod threads;
#[path = "../both/tracked.rs"]
mod tracked;
