//! A device with two BARs, one that is smaller than a page, and, where there is that much memory, one for a huge entry.
//! In the device's memory those that can be mapped lie one behind the other.

use vmctx::{Errno, HugeSize, Iomem, IomemPart, PageCount, Platform, UnlockedCtx};

use super::host::{Host, IomemOf, Opened, Side, fill, list};
use vmctx_drivers::vfio_pci::{Core, VfioPci};

/// The index of the first BAR, and its pages.
pub const FIRST: (usize, usize) = (0, 6);
/// The index of the BAR that is smaller than a page.
pub const SMALL: usize = 1;
/// The index of the second BAR, and its pages.
pub const SECOND: (usize, usize) = (2, 10);
/// The index of the huge BAR.
pub const HUGE: usize = 4;
/// Which pages of the huge BAR are filled. In the pattern they lie behind the other BARs. The others are zeroed.
pub const HUGE_FILLED: [usize; 4] = [0, 1, 255, 511];

/// Enables memory if the argument is not 0, else disables it.
pub const SET_MEMORY: u32 = 1;
/// Asks how many pages the huge BAR has; ENOTTY if there is none.
pub const HUGE_PAGES: u32 = 2;

/// Opens it.
///
/// # Errors
/// ENOMEM, or what is wrong with the device's memory.
pub fn open<H: Host>(host: &H) -> Result<Opened<H::Platform>, Errno> {
    let first = bar(host, 0, FIRST.1, 0..FIRST.1)?;
    let second = bar(host, FIRST.1, SECOND.1, 0..SECOND.1)?;
    let small = host.device_memory(PageCount::new(1))?;
    let pages = HugeSize::Pmd.page_count(H::Platform::PAGE_SHIFT).get();
    let huge = bar(host, FIRST.1 + SECOND.1, pages, HUGE_FILLED).ok();

    let whole = |memory: &IomemOf<H>| Some(IomemPart::whole(memory.clone()));
    let small = IomemPart::of_bytes(small, 0..256).map_err(|_| Errno::EINVAL)?;
    let bars = list([whole(&first), Some(small), whole(&second), None, huge.as_ref().and_then(whole)])?;
    let core = H::Platform::share(Core::new(bars, host.may_sleep())?, host.may_sleep())?;
    let device = Device::<H::Platform> { first, second, huge: huge.map(|memory| (memory, pages)), core: core.clone() };
    Ok(Opened::prepared(VfioPci::new(core), device))
}

/// Memory of a BAR that lies behind so many pages of the device's memory, with these pages of it filled.
fn bar<H: Host>(
    host: &H,
    before: usize,
    pages: usize,
    filled: impl IntoIterator<Item = usize>,
) -> Result<IomemOf<H>, Errno> {
    let size = H::Platform::PAGE_SIZE;
    let memory = host.device_memory(PageCount::new(pages))?;
    for page in filled {
        let start = page * size;
        let write = |at, bytes: &[u8]| memory.write(start + at, bytes).map_err(|_| Errno::EINVAL);
        fill(before * size + start, size, write)?;
    }
    Ok(memory)
}

struct Device<P: Platform> {
    first: P::Iomem,
    second: P::Iomem,
    huge: Option<(P::Iomem, usize)>,
    core: P::Ref<Core<P>>,
}

impl<P: Platform> Device<P> {
    /// The BAR in which a byte of the device's memory is, and where in it.
    fn locate(&self, offset: usize) -> Result<(&P::Iomem, usize), Errno> {
        let first = FIRST.1 * P::PAGE_SIZE;
        let second = first + SECOND.1 * P::PAGE_SIZE;
        if offset < first {
            Ok((&self.first, offset))
        } else if offset < second {
            Ok((&self.second, offset - first))
        } else {
            let (huge, _) = self.huge.as_ref().ok_or(Errno::EINVAL)?;
            Ok((huge, offset - second))
        }
    }
}

impl<P: Platform> Side<P> for Device<P> {
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        let (bar, offset) = self.locate(offset)?;
        bar.read(offset, into).map_err(|_| Errno::EINVAL)
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), Errno> {
        let (bar, offset) = self.locate(offset)?;
        bar.write(offset, from).map_err(|_| Errno::EINVAL)
    }

    fn control(&self, ctx: &mut UnlockedCtx<'_, P>, request: u32, argument: u64) -> Result<u64, Errno> {
        match request {
            SET_MEMORY => {
                self.core.set_memory(argument != 0, ctx.may_sleep());
                Ok(0)
            }
            HUGE_PAGES => self.huge.as_ref().map(|(_, pages)| *pages as u64).ok_or(Errno::ENOTTY),
            _ => Err(Errno::ENOTTY),
        }
    }
}
