//! A PCI device handed to user space: `drivers/vfio/pci/vfio_pci_core.c`, `vfio_pci_core_mmap`,
//! `vfio_pci_mmap_huge_fault` and `vfio_pci_zap_and_down_write_memory_lock`.
//!
//! Its BARs are mapped at fixed offsets, by faults, in entries as large as the alignment allows. When the user, or a
//! reset, takes the device's memory decoding away, an access would be answered by a bus error of the whole machine; so
//! the BARs are unmapped from everybody first, and touches end with a SIGBUS until memory is enabled again.
//!
//! What C did by hand: until 6.10 it kept a list of the device's VMAs to zap them one by one, with three locks in an
//! order that could deadlock with the mmap lock. It works out in one function by how much a large entry is too long, or
//! not aligned, in three terms. Here the BARs are behind the lock that faults take to insert them ([`Revocable`]), so
//! that taking it to disable them unmaps them; and an entry is asked for by the part of the file that it shows, and falls
//! back by itself where frames do not fit it.

use alloc::vec::Vec;

use vmctx::{
    Backing, Errno, FaultCtx, FrameRange, Hooks, HugeFaultCtx, IomemPart, MaySleep, PageCount, PageOffset, PageRange,
    PfnMap, Platform, PrepareCtx, PrepareFile, Prepared, Revocable, SharedObject, Spot, Switched, VmFault,
    VmOperations,
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

/// The BARs, by index. In a page that a BAR does not fill, something else may be, so it is not shown.
struct Bars<P: Platform>(Vec<Option<IomemPart<P>>>);

impl<P: Platform> Bars<P> {
    /// The BAR that is at a page of the file, and which page of it.
    fn at(&self, page: PageCount) -> Option<(&IomemPart<P>, PageCount)> {
        let size = region(1, P::PAGE_SHIFT).index();
        Some((self.0.get(page.get() / size)?.as_ref()?, PageCount::new(page.get() % size)))
    }
}

impl<P: Platform> Backing for Bars<P> {
    type Platform = P;

    fn spot(&self, at: PageCount) -> Result<Spot<'_, P>, Errno> {
        self.at(at).ok_or(Errno::ENXIO).and_then(|(bar, page)| bar.spot(page))
    }

    fn frames(&self, first: PageCount, count: PageCount) -> Option<FrameRange<'_, P>> {
        self.at(first).and_then(|(bar, page)| bar.frames(page, count))
    }
}

/// The device.
pub struct Core<P: Platform> {
    /// Whether memory is enabled is a bit of the command register, and the lock is `memory_lock`.
    bars: Revocable<P, Switched<Bars<P>>>,
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
        let (bars, object) = (Switched { memory: Bars(bars), is_on: true }, SharedObject::new(may_sleep)?);
        let all = PageCount::new(region(BARS, P::PAGE_SHIFT).index());
        Ok(Self { bars: Revocable::new(bars, &object, all, may_sleep)? })
    }

    /// Enables memory or disables it. When it is disabled, nobody is in the middle of an access any more.
    pub fn set_memory(&self, enabled: bool, may_sleep: MaySleep<'_>) {
        self.bars.revoke(may_sleep).is_on = enabled;
    }

    fn huge_fault<'f>(&'f self, ctx: HugeFaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        self.bars.resident(ctx.may_sleep()).insert_huge(ctx)
    }
}

impl<P: Platform> VmOperations for Core<P> {
    type Platform = P;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> = Hooks::NONE.huge_fault(Self::huge_fault).object(|core: &Self| Some(core.bars.object()));

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        self.bars.resident(ctx.may_sleep()).insert(ctx)
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

impl<P: Platform> PrepareFile for VfioPci<P> {
    type Platform = P;
    type Ops = Core<P>;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, PfnMap>, Errno> {
        let ctx = ctx.shared_only()?;
        let (bars, first) = (self.core.bars.resident(ctx.may_sleep()), PageCount::new(ctx.pgoff().index()));
        bars.memory.frames(first, ctx.page_count()).ok_or(Errno::EINVAL)?;
        drop(bars);
        let ctx = ctx.io().writable().dont_dump().noncached().allow_any_uncached();
        ctx.by_faults()
    }

    fn mapped(&self, _: PageRange, _: MaySleep<'_>) -> Result<P::Ref<Core<P>>, Errno> {
        Ok(self.core.clone())
    }

    fn object(&self) -> Option<&SharedObject<P>> {
        Some(self.core.bars.object())
    }
}
