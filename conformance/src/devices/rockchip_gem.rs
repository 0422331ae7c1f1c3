//! One graphics buffer.

use vmctx::Errno;

use super::host::{Host, Opened, buffer};
use vmctx_drivers::rockchip_gem::RockchipGem;

/// Its pages.
pub const PAGES: usize = 24;

/// Opens it.
///
/// # Errors
/// ENOMEM.
pub fn open<H: Host>(host: &H) -> Result<Opened<H::Platform>, Errno> {
    let object = buffer(host, 0, PAGES)?;
    Ok(Opened::prepared(RockchipGem::new(object.clone()), [object]))
}
