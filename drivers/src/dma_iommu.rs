//! Memory for DMA behind an IOMMU: `drivers/iommu/dma-iommu.c`, `iommu_dma_mmap` (one of the call sites of linux-mm,
//! September 2018).
//!
//! A helper of `dma_mmap_attrs`, and through it of every driver that lets its users at what it has allocated. Most
//! allocations are pages that only the device sees in a row; where they are contiguous there is no array of pages, and
//! they are mapped by number. Whether the user's view is cached depends on whether the device sees the caches.
//!
//! What C does by hand: the bounds, `off >= nr_pages || vma_pages(vma) > nr_pages - off`, in this order lest they wrap;
//! then it adds the offset to a frame number, on its own word that the frames are there. Here the array of pages, or
//! what vouches for the frames, has an end of its own. And a file has one kind of mapping: which of the two it is, its
//! driver says with the memory.

use vmctx::{
    Errno, FrameSource, MaySleep, Mixed, PageRange, Platform, PrepareCtx, PrepareFile, Prepared, Remapped,
    WithoutFaults,
};

use crate::buffer::Buffer;

/// How device and processor see each other's stores: what `dma_pgprot` makes of the device and the attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coherence {
    /// The device sees the caches.
    Coherent,
    /// The device does not see the caches, so they are not used.
    Noncoherent,
    /// The device does not see the caches, and stores may be gathered (`DMA_ATTR_WRITE_COMBINE`).
    WriteCombine,
}

impl Coherence {
    fn cache<P: Platform>(self, ctx: PrepareCtx<'_, P>) -> PrepareCtx<'_, P> {
        match self {
            Self::Coherent => ctx,
            Self::Noncoherent => ctx.noncached(),
            Self::WriteCombine => ctx.write_combine(),
        }
    }
}

/// The file of a driver that maps its allocation, from `pgoff` on, and does nothing else: of pages, anywhere, which the
/// IOMMU puts in a row.
pub struct Scattered<P: Platform> {
    pages: P::Ref<Buffer<P>>,
    coherence: Coherence,
}

impl<P: Platform> Scattered<P> {
    /// A file of these pages.
    pub fn new(pages: P::Ref<Buffer<P>>, coherence: Coherence) -> Self {
        Self { pages, coherence }
    }
}

impl<P: Platform> PrepareFile for Scattered<P> {
    type Platform = P;
    type Ops = WithoutFaults<P, Mixed>;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Mixed>, Errno> {
        self.coherence.cache(ctx).writable().fill_at_pgoff(self.pages.pages())
    }

    fn mapped(&self, _: PageRange, may_sleep: MaySleep<'_>) -> Result<P::Ref<Self::Ops>, Errno> {
        P::share(WithoutFaults::new(), may_sleep)
    }
}

/// The same of frames in a row, which go by number.
pub struct Contiguous<P: Platform> {
    frames: P::Iomem,
    coherence: Coherence,
}

impl<P: Platform> Contiguous<P> {
    /// A file of these frames.
    pub fn new(frames: P::Iomem, coherence: Coherence) -> Self {
        Self { frames, coherence }
    }
}

impl<P: Platform> PrepareFile for Contiguous<P> {
    type Platform = P;
    type Ops = WithoutFaults<P, Remapped>;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Remapped>, Errno> {
        let frames = self.frames.range(ctx.pgoff(), ctx.page_count()).ok_or(Errno::ENXIO)?;
        self.coherence.cache(ctx).writable().remap_from_first(frames)
    }

    fn mapped(&self, _: PageRange, may_sleep: MaySleep<'_>) -> Result<P::Ref<Self::Ops>, Errno> {
        P::share(WithoutFaults::new(), may_sleep)
    }
}
