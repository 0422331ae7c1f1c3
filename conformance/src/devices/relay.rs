//! A channel with one buffer.

use vmctx::Errno;

use super::host::{Host, Opened, buffer};
use vmctx_drivers::relay::Relay;

/// Its pages.
pub const PAGES: usize = 8;

/// Opens it.
///
/// # Errors
/// ENOMEM.
pub fn open<H: Host>(host: &H) -> Result<Opened<H::Platform>, Errno> {
    let buffer = buffer(host, 0, PAGES)?;
    Ok(Opened::prepared(Relay::new(buffer.clone()), [buffer]))
}
