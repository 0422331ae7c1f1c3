//! Physical memory: `drivers/char/mem.c`, `mmap_mem`.
//!
//! The page offset is the frame number. Frames may have no `struct page`; that is where the whole story starts, in
//! 2004, with memory holes that a `nopage` hook had no page for. A private mapping is legal: a store copies the page.
//!
//! What C does by hand: it checks the multiplication, the addition and the range that a user's offset could overflow,
//! each where it occurred to somebody, and answers EAGAIN whatever `remap_pfn_range` had said. Here an offset is no
//! address, a frame comes only from what vouches for it, and the errno is the one that the insertion gave.

use vmctx::{Errno, FrameRange, FrameSource, Mapped, MmapCtx, MmapFile, PageCount, PageOffset, Platform, Remapped};

/// How the file was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Caching {
    /// RAM is cached, devices are not.
    #[default]
    AsMemory,
    /// Nothing is cached (`O_SYNC`).
    Never,
}

/// An open `/dev/mem`.
pub struct DevMem<P: Platform> {
    memory: P::Iomem,
    high_memory: PageOffset,
    caching: Caching,
}

impl<P: Platform> DevMem<P> {
    /// A file of the frames of `memory`. From the frame number `high_memory` on they are no RAM.
    pub fn new(memory: P::Iomem, high_memory: PageOffset, caching: Caching) -> Self {
        Self { memory, high_memory, caching }
    }

    /// The frames with these numbers, or `None` if there is no such memory.
    fn frames(&self, first: PageOffset, count: PageCount) -> Option<FrameRange<'_, P>> {
        let base = PageOffset::new(usize::try_from(self.memory.base()).ok()?);
        let inside = first.checked_since(base)?;
        self.memory.range(PageOffset::new(inside.get()), count)
    }

    fn is_uncached(&self, first: PageOffset) -> bool {
        self.caching == Caching::Never || first >= self.high_memory
    }
}

impl<P: Platform> MmapFile for DevMem<P> {
    type Platform = P;

    fn mmap<'m>(&self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let frames = self.frames(ctx.pgoff(), ctx.page_count()).ok_or(Errno::EINVAL)?;
        let ctx = if self.is_uncached(ctx.pgoff()) { ctx.noncached() } else { ctx };
        ctx.populate::<Remapped>()?.remap_all(frames)
    }
}
