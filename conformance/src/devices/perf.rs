//! A counter. In the device's memory the AUX area lies behind the ring.

use vmctx::{Errno, PageOffset};

use super::host::{Host, Opened, buffer};
use vmctx_drivers::perf::Perf;

/// Pages of data. The control page comes before them.
pub const DATA: usize = 8;
/// Pages of the AUX area.
pub const AUX: usize = 4;
/// Where it is mapped.
pub const AUX_OFFSET: PageOffset = PageOffset::new(32);

/// Opens it.
///
/// # Errors
/// ENOMEM.
pub fn open<H: Host>(host: &H) -> Result<Opened<H::Platform>, Errno> {
    let buffers = [buffer(host, 0, 1 + DATA)?, buffer(host, 1 + DATA, AUX)?];
    let [ring, aux] = buffers.clone();
    Ok(Opened::prepared(Perf::new(ring, aux, AUX_OFFSET)?, buffers))
}
