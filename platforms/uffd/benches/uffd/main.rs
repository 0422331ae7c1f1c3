//! What a fault costs on the platform `uffd`: beside a loop that is written by hand for the same requests, and beside
//! the kernel's own faults of shared memory; and what pagers do all day, by hand and typed. `cargo bench -p vmctx-uffd`, or
//! one half of it with `-- faults` or `-- pagers`, or of the faults those whose description has a word in it, as `-- copies`.
//!
//! Beside the crate `userfaultfd`, too, where that can be built (it wants libclang): the program in `benches/userfaultfd`.
#![expect(unsafe_code, reason = "the loops by hand are all system calls")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark that cannot go on says why")]

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod contender;
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod contenders;
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod pagers;
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod restore;

fn main() {
    #[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        let words: Vec<_> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
        let only = words.iter().map(String::as_str).find(|word| !["faults", "pagers"].contains(word));
        let is_named = |half: &str| words.iter().any(|word| word == half);
        if words.is_empty() || is_named("faults") || only.is_some() {
            contenders::run(&[], only);
        }
        if words.is_empty() || is_named("pagers") {
            pagers::run();
        }
    }
}
