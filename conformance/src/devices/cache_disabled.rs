//! A BAR with registers, a frame buffer, a gap, and memory.

use core::ops::Range;

use vmctx::{Errno, PageOffset, PageRange, Platform, UnlockedCtx, platform::Cache};

use super::host::{Host, Opened, Own, Side, registers};
use vmctx_drivers::cache_disabled::{Bar, CacheDisabled, Region};

/// Pages of the BAR.
pub const PAGES: usize = 12;
/// Its regions.
pub const REGIONS: [Region; 3] = [
    Region { pages: pages(0..2), cache: Cache::Noncached },
    Region { pages: pages(2..7), cache: Cache::WriteCombine },
    Region { pages: pages(8..12), cache: Cache::WriteBack },
];

const fn pages(of: Range<usize>) -> PageRange {
    PageRange::new(PageOffset::new(of.start), PageOffset::new(of.end))
}

/// Has the region of this number not cached.
pub const NONCACHED: u32 = 1;
/// Has stores to the region of this number gathered.
pub const WRITE_COMBINE: u32 = 2;
/// Has the region of this number cached.
pub const WRITE_BACK: u32 = 3;

/// Opens it.
///
/// # Errors
/// ENOMEM, or what is wrong with the device's memory.
pub fn open<H: Host>(host: &H) -> Result<Opened<H::Platform>, Errno> {
    let memory = registers(host, PAGES)?;
    let bar = H::Platform::share(Bar::new(memory.clone(), &REGIONS, host.may_sleep())?, host.may_sleep())?;
    Ok(Opened::prepared(CacheDisabled::new(bar.clone()), Card::<H::Platform> { memory: Own(memory), bar }))
}

struct Card<P: Platform> {
    memory: Own<P>,
    bar: P::Ref<Bar<P>>,
}

impl<P: Platform> Side<P> for Card<P> {
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        self.memory.read(offset, into)
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), Errno> {
        self.memory.write(offset, from)
    }

    fn control(&self, ctx: &mut UnlockedCtx<'_, P>, request: u32, argument: u64) -> Result<u64, Errno> {
        let cache = match request {
            NONCACHED => Cache::Noncached,
            WRITE_COMBINE => Cache::WriteCombine,
            WRITE_BACK => Cache::WriteBack,
            _ => return Err(Errno::ENOTTY),
        };
        let region = usize::try_from(argument).map_err(|_| Errno::EINVAL)?;
        self.bar.set_cache(region, cache, ctx.may_sleep()).map(|()| 0)
    }
}
