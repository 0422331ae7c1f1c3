//! A display with a buffer of one page.

use vmctx::{Errno, PageOffset};

use super::host::{Host, Opened, buffer};
use vmctx_drivers::cfag12864b::Cfag12864b;

/// Opens it.
///
/// # Errors
/// ENOMEM.
pub fn open<H: Host>(host: &H) -> Result<Opened<H::Platform>, Errno> {
    let buffer = buffer(host, 0, 1)?;
    let page = buffer.page(PageOffset::ZERO).ok_or(Errno::EINVAL)?.clone();
    Ok(Opened::prepared(Cfag12864b::new(page), [buffer]))
}
