//! Memory for DMA behind an IOMMU: `drivers/iommu/dma-iommu.c`, `iommu_dma_mmap` (one of the call sites of linux-mm,
//! September 2018).
//!
//! A helper of `dma_mmap_attrs`, and through it of every driver that lets its users at what it has allocated. Most
//! allocations are pages that only the device sees in a row; where they are contiguous there is no array of pages, and
//! they are mapped by number. Whether the user's view is cached depends on whether the device sees the caches.
//!
//! What C does by hand: the bounds, `off >= nr_pages || vma_pages(vma) > nr_pages - off`, in this order lest they wrap;
//! then it adds the offset to a frame number, on its own word that the frames are there. Here the array of pages, or
//! what vouches for the frames, has an end of its own. And where it is decided how pages go in, the kind of the mapping
//! is decided with it.

use vmctx::{Errno, FrameSource, Mapped, Mixed, MmapCtx, MmapFile, Platform, Remapped};

use crate::buffer::Buffer;

/// Where an allocation is.
pub enum Memory<P: Platform> {
    /// Pages, anywhere; the IOMMU puts them in a row.
    Pages(P::Ref<Buffer<P>>),
    /// Frames in a row, which go by number.
    Contiguous(P::Iomem),
}

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

/// What `dma_alloc_attrs` has given to a driver.
pub struct Allocation<P: Platform> {
    memory: Memory<P>,
    coherence: Coherence,
}

impl<P: Platform> Allocation<P> {
    /// An allocation.
    pub fn new(memory: Memory<P>, coherence: Coherence) -> Self {
        Self { memory, coherence }
    }

    /// Maps the allocation, from `pgoff` on (`dma_mmap_attrs`).
    ///
    /// # Errors
    /// ENXIO if the mapping begins behind its end, or reaches over it; else what the insertion says.
    pub fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let ctx = match self.coherence {
            Coherence::Coherent => ctx,
            Coherence::Noncoherent => ctx.noncached(),
            Coherence::WriteCombine => ctx.write_combine(),
        };
        match &self.memory {
            Memory::Pages(pages) => ctx.writable().without_faults::<Mixed>()?.fill_at_pgoff(pages.pages()),
            Memory::Contiguous(frames) => {
                let frames = frames.range(ctx.pgoff(), ctx.page_count()).ok_or(Errno::ENXIO)?;
                ctx.writable().without_faults::<Remapped>()?.remap_from_first(frames)
            }
        }
    }
}

/// The file of a driver that maps its allocation, and does nothing else.
pub struct DmaFile<P: Platform>(pub Allocation<P>);

impl<P: Platform> MmapFile for DmaFile<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        self.0.mmap(ctx)
    }
}
