//! Four allocations to choose from.

use vmctx::{Errno, platform::Cache};

use super::host::{Choice, Host, Opened, Own, buffer, registers};
use vmctx_drivers::dma_iommu::{Coherence, Contiguous, Scattered};

/// Pages of each.
pub const PAGES: usize = 5;

/// How the allocations are cached. The first two are pages, the others contiguous.
pub const CACHES: [Cache; 4] = [Cache::WriteBack, Cache::Noncached, Cache::WriteCombine, Cache::WriteBack];

/// Opens it.
///
/// # Errors
/// ENOMEM, or what is wrong with the device's memory.
pub fn open<H: Host>(host: &H) -> Result<Opened<H::Platform>, Errno> {
    let allocations = [
        pages(host, Coherence::Coherent)?,
        pages(host, Coherence::Noncoherent)?,
        contiguous(host, Coherence::WriteCombine)?,
        contiguous(host, Coherence::Coherent)?,
    ];
    Choice::open(allocations, host.may_sleep())
}

fn pages<H: Host>(host: &H, coherence: Coherence) -> Result<Opened<H::Platform>, Errno> {
    let pages = buffer(host, 0, PAGES)?;
    Ok(Opened::prepared(Scattered::<H::Platform>::new(pages.clone(), coherence), [pages]))
}

fn contiguous<H: Host>(host: &H, coherence: Coherence) -> Result<Opened<H::Platform>, Errno> {
    let frames = registers(host, PAGES)?;
    Ok(Opened::prepared(Contiguous::<H::Platform>::new(frames.clone(), coherence), Own::<H::Platform>(frames)))
}
