//! A file whose coverage area is set up.

use vmctx::Errno;

use super::host::{Host, Opened, buffer};
use vmctx_drivers::kcov::Kcov;

/// Pages of the area.
pub const PAGES: usize = 16;

/// Opens it.
///
/// # Errors
/// ENOMEM.
pub fn open<H: Host>(host: &H) -> Result<Opened<H::Platform>, Errno> {
    let area = buffer(host, 0, PAGES)?;
    Ok(Opened::prepared(Kcov::new(area.clone()), [area]))
}
