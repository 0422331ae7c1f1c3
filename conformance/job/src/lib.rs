//! The platforms that the main job runs drivers on, the user's side of each, and what the job prints.
#![forbid(unsafe_code)]

pub mod crowds;
pub mod sim;
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
pub mod uffd;

use std::io::{self, Write};

use vmctx_conformance::{Outcome, table::Table};

/// Prints the table, and says whether every driver is in order.
///
/// # Errors
/// What `out` says.
pub fn report(out: &mut impl Write, outcomes: &[Outcome], platform: &str) -> io::Result<bool> {
    writeln!(out, "{}platform {platform}", Table(outcomes))?;
    out.flush()?;
    Ok(outcomes.iter().all(Outcome::is_ok))
}
