//! Physical memory: `drivers/char/mem.c`, `mmap_mem`.
//!
//! The page offset is the frame number. Frames may have no `struct page`; that is where the whole story starts, in 2004
//! (linux-kernel, March, "can device drivers return non-ram via vm_ops->nopage?"), with "physical areas lying in memory
//! holes not covered by ->node_mem_map": the `nopage` hook had no page for them to return, and a page made up from the
//! frame number met a `BUG_ON`. RAM, registers and holes are one object here, and no page is asked for. A private
//! mapping is legal: a store copies the page, if need be from a frame without one.
//!
//! What C does by hand: it checks the multiplication, the addition and the range that a user's offset could overflow,
//! each where it occurred to somebody, and answers EAGAIN whatever `remap_pfn_range` had said. Here an offset is no
//! address, a frame comes only from what vouches for it, and the errno is the one that the insertion gave. And
//! `generic_access_phys`, through which debuggers reach the frames, goes on with whatever frames lie behind the first one if
//! it is asked for more bytes than that one has; here it is asked for one page's.

use core::{
    marker::PhantomData,
    sync::atomic::{AtomicBool, Ordering},
};

use vmctx::{
    AccessCtx, Accessed, Errno, FrameRange, FrameSource, Hooks, MaySleep, PageCount, PageOffset, PageRange, Platform,
    PrepareCtx, PrepareFile, Prepared, Remapped, VmOperations,
};

/// An open `/dev/mem`.
pub struct DevMem<P: Platform> {
    memory: P::Iomem,
    high_memory: PageOffset,
    /// `O_SYNC`: nothing is cached. Without it RAM is, devices are not.
    sync: AtomicBool,
}

impl<P: Platform> DevMem<P> {
    /// A file of the frames of `memory`. From the frame number `high_memory` on they are no RAM.
    pub fn new(memory: P::Iomem, high_memory: PageOffset) -> Self {
        Self { memory, high_memory, sync: AtomicBool::new(false) }
    }

    /// Sets or clears `O_SYNC`, for mappings to come.
    pub fn set_sync(&self, sync: bool) {
        self.sync.store(sync, Ordering::Relaxed);
    }

    /// The frames with these numbers, or `None` if there is no such memory.
    fn frames(&self, first: PageOffset, count: PageCount) -> Option<FrameRange<'_, P>> {
        let base = PageOffset::new(usize::try_from(self.memory.base()).ok()?);
        let inside = first.checked_since(base)?;
        self.memory.range(PageOffset::new(inside.get()), count)
    }

    fn is_uncached(&self, first: PageOffset) -> bool {
        self.sync.load(Ordering::Relaxed) || first >= self.high_memory
    }
}

impl<P: Platform> PrepareFile for DevMem<P> {
    type Platform = P;
    type Ops = Reached<P>;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Remapped>, Errno> {
        let frames = self.frames(ctx.pgoff(), ctx.page_count()).ok_or(Errno::EINVAL)?;
        let ctx = if self.is_uncached(ctx.pgoff()) { ctx.noncached() } else { ctx };
        ctx.writable().remap_from_first(frames)
    }

    fn mapped(&self, _: PageRange, may_sleep: MaySleep<'_>) -> Result<P::Ref<Reached<P>>, Errno> {
        P::share(Reached(PhantomData), may_sleep)
    }
}

/// The operations of a mapping (`mmap_mem_ops`), which has no state: a debugger reaches the frames that are mapped.
pub struct Reached<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> Reached<P> {
    fn access<'a>(&'a self, ctx: AccessCtx<'a, P, Remapped>) -> Result<Accessed<'a>, Errno> {
        ctx.copy_mapped()
    }
}

impl<P: Platform> VmOperations for Reached<P> {
    type Platform = P;
    type Kind = Remapped;
    const HOOKS: Hooks<Self> = Hooks::NONE.access(Self::access);
}
