//! A controller with four interrupt sources, one of which does not exist.

use vmctx::{Errno, PageOffset};

use super::host::{Host, Opened, Own, registers};
use vmctx_drivers::xive::{Source, Xive};

/// Pages of its memory.
pub const PAGES: usize = 10;
/// Where in it the TIMA's OS page is.
pub const TIMA_OS: PageOffset = PageOffset::new(6);
/// Its interrupt sources.
pub const SOURCES: [Option<Source>; 4] = [
    Some(Source { trigger: PageOffset::new(0), eoi: PageOffset::new(1) }),
    None,
    Some(Source { trigger: PageOffset::new(9), eoi: PageOffset::new(3) }),
    Some(Source { trigger: PageOffset::new(4), eoi: PageOffset::new(8) }),
];

/// Opens it.
///
/// # Errors
/// ENOMEM, or what is wrong with the device's memory.
pub fn open<H: Host>(host: &H) -> Result<Opened<H::Platform>, Errno> {
    let bar = registers(host, PAGES)?;
    Ok(Opened::prepared(Xive::new(bar.clone(), TIMA_OS, &SOURCES, host.may_sleep())?, Own(bar)))
}
