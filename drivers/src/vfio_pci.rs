//! A PCI device handed to user space: `drivers/vfio/pci/vfio_pci_core.c`, `vfio_pci_core_mmap`,
//! `vfio_pci_mmap_huge_fault` and `vfio_pci_zap_and_down_write_memory_lock`.
//!
//! Its BARs are mapped at fixed offsets, by faults, in entries as large as the alignment allows. When the user, or a
//! reset, takes the device's memory decoding away, an access would be answered by a bus error of the whole machine; so
//! the BARs are unmapped from everybody first, and touches end with a SIGBUS until memory is enabled again.
//!
//! What C did by hand: until 6.10 it kept a list of the device's VMAs to zap them one by one, with three locks in an
//! order that could deadlock with the mmap lock. It works out in one function by how much a large entry is too long, or
//! not aligned, in three terms. Here unmapping goes by the object ([`SharedObject`]), under the very lock that faults
//! take to look whether memory is enabled; and what an entry would show is asked of the context, which falls back by
//! itself where frames do not fit it.

use alloc::vec::Vec;

use vmctx::{
    Errno, FaultCtx, Hooks, HugeFaultCtx, IomemPart, Mapped, MaySleep, MmapCtx, MmapFile, PageCount, PageOffset,
    PfnMap, Platform, RwLock, SharedObject, VmFault, VmOperations,
};

/// The base-2 logarithm of how many bytes of the file each region has (`VFIO_PCI_OFFSET_SHIFT`).
const REGION_SHIFT: u32 = 40;

/// How many BARs a device can have. The regions behind them are not to be mapped.
pub const BARS: usize = 6;

/// Where a region begins in the file, with pages of 2^`page_shift` bytes.
#[must_use]
pub const fn region(index: usize, page_shift: u32) -> PageOffset {
    PageOffset::new(index << (REGION_SHIFT - page_shift))
}

/// The device.
pub struct Core<P: Platform> {
    /// By index. In a page that a BAR does not fill, something else may be, so it is not shown.
    bars: Vec<Option<IomemPart<P>>>,
    /// Whether memory is enabled (`memory_lock`, and a bit of the command register).
    enabled: P::RwLock<bool>,
    mappings: SharedObject<P>,
}

impl<P: Platform> Core<P> {
    /// A device with these BARs, by index, and memory enabled.
    ///
    /// # Errors
    /// EINVAL for more than [`BARS`]; ENOMEM.
    pub fn new(bars: Vec<Option<IomemPart<P>>>, may_sleep: MaySleep<'_>) -> Result<Self, Errno> {
        if bars.len() > BARS {
            return Err(Errno::EINVAL);
        }
        Ok(Self { bars, enabled: P::RwLock::new(true, may_sleep)?, mappings: SharedObject::new(may_sleep)? })
    }

    /// Enables memory or disables it. When it is disabled, nobody is in the middle of an access any more.
    pub fn set_memory(&self, enabled: bool, may_sleep: MaySleep<'_>) {
        let mut now = self.enabled.write(may_sleep);
        if !enabled {
            let all = PageCount::new(region(BARS, P::PAGE_SHIFT).index());
            self.mappings.unmap(PageOffset::ZERO, all, may_sleep);
        }
        *now = enabled;
    }

    /// The BAR that is at a page offset, and which page of it.
    fn bar_at(&self, pgoff: PageOffset) -> Option<(&IomemPart<P>, PageOffset)> {
        let size = region(1, P::PAGE_SHIFT).index();
        let bar = self.bars.get(pgoff.index() / size)?.as_ref()?;
        Some((bar, PageOffset::new(pgoff.index() % size)))
    }

    fn huge_fault<'f>(&'f self, ctx: HugeFaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        let Some((bar, at)) = ctx.entry_range().and_then(|entry| self.bar_at(entry.start)) else {
            return ctx.fallback();
        };
        let Some(frames) = bar.range(at, ctx.page_count()) else { return ctx.fallback() };
        let enabled = self.enabled.read(ctx.may_sleep());
        if *enabled { ctx.insert_huge(frames) } else { ctx.fail(Errno::EIO) }
    }
}

impl<P: Platform> VmOperations for Core<P> {
    type Platform = P;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> = Hooks::NONE.huge_fault(Self::huge_fault);

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        let enabled = self.enabled.read(ctx.may_sleep());
        // Held until the frame is in, so that nobody disables memory before that.
        ctx.insert_pfn_with(|at| {
            let (bar, page) = self.bar_at(at.pgoff()).ok_or(Errno::ENXIO)?;
            let frame = bar.frame(page).ok_or(Errno::ENXIO)?;
            if *enabled { Ok(frame) } else { Err(Errno::EIO) }
        })
    }
}

/// The device's file.
pub struct VfioPci<P: Platform> {
    core: P::Ref<Core<P>>,
}

impl<P: Platform> VfioPci<P> {
    /// Opens it.
    pub fn new(core: P::Ref<Core<P>>) -> Self {
        Self { core }
    }
}

impl<P: Platform> MmapFile for VfioPci<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let ctx = ctx.shared_only()?;
        let (bar, at) = self.core.bar_at(ctx.pgoff()).ok_or(Errno::EINVAL)?;
        if bar.range(at, ctx.page_count()).is_none() {
            return Err(Errno::EINVAL);
        }
        let ctx = ctx.io().writable().dont_dump().noncached().allow_any_uncached();
        Ok(ctx.establish_shared(self.core.clone())?.fill_later())
    }

    fn object(&self) -> Option<&SharedObject<P>> {
        Some(&self.core.mappings)
    }
}
