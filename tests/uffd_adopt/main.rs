//! Somebody else's userfaultfd: what a process sees that has opened one, and has sent it over.
#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod alone;
mod balloon;
mod by_hand;
mod ends;
mod odd_peers;
mod other;
mod restore;
mod snapshot;

#[path = "../both/own_process.rs"]
mod own_process;
#[path = "../uffd/system_call.rs"]
mod system_call;
#[path = "../both/threads.rs"]
mod threads;
