//! What a fault costs on the platform `uffd`: beside a loop that is written by hand for the same requests, and beside
//! the kernel's own faults of shared memory; and what pagers do all day, by hand and typed. `cargo bench -p vmctx-uffd`, or
//! one half of it with `-- faults` or `-- pagers`.
//!
//! Beside the crate `userfaultfd`, too, where that can be built (it wants libclang): the program in `benches/userfaultfd`.
#![expect(unsafe_code, reason = "the loops by hand are all system calls")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark that cannot go on says why")]

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod contenders;
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod pagers;
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod restore;

fn main() {
    #[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        let wanted = |half: &str| {
            let mut halves = std::env::args().filter(|argument| ["faults", "pagers"].contains(&&**argument)).peekable();
            halves.peek().is_none() || halves.any(|argument| argument == half)
        };
        if wanted("faults") {
            contenders::run(&[]);
        }
        if wanted("pagers") {
            pagers::run();
        }
    }
}
