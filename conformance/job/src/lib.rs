//! The platforms that the main job runs drivers on: the user's side of each.
#![forbid(unsafe_code)]

pub mod sim;
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
pub mod uffd;
