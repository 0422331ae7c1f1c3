//! The ring buffer of a performance counter: `kernel/events/core.c`, `perf_mmap` and `perf_mmap_fault`;
//! `kernel/events/ring_buffer.c`, `perf_mmap_to_page`.
//!
//! One file, and the page offset selects the object. At 0 there are a control page, into which the user writes how
//! far he has read, and the data, which he only reads; farther on the AUX area, for what hardware traces by itself. The
//! first is brought by faults, the other is inserted when it is mapped.
//!
//! What C does by hand: one function is both `fault` and `page_mkwrite`, and asks a flag which of the two it is; as the
//! one it answers 0 with a page in `vmf->page`, as the other 0 without. It writes `page->mapping` and `page->index` of
//! its own pages for the core to find its answer plausible. A page behind the AUX area is taken for the first of it, an
//! off-by-one that only the checks of the mmap hook keep harmless. A store to the data is a SIGBUS, although the user
//! was told by mmap that he may. Here the two hooks have tokens of their own: the one delivers a page, the other allows
//! a store; an AUX area that is to be written is refused, with EPERM.

use vmctx::{
    Errno, FaultCtx, Hooks, Mapped, Mixed, MmapCtx, MmapFile, Normal, PageMkwriteCtx, PageOffset, Platform, VmFault,
    VmOperations,
};

use crate::buffer::Buffer;

/// Where the control page is mapped. It is followed by the data.
pub const CONTROL: PageOffset = PageOffset::new(0);

/// The control page, and the data behind it.
struct Ring<P: Platform> {
    pages: P::Ref<Buffer<P>>,
}

impl<P: Platform> Ring<P> {
    fn page_mkwrite<'f>(&'f self, ctx: PageMkwriteCtx<'f, P, Normal>) -> VmFault<'f> {
        if ctx.pgoff() == CONTROL { ctx.allow() } else { ctx.fail(Errno::EACCES) }
    }
}

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = Normal;
    // The ring is mapped as a whole or not at all, so it refuses to be cut (`perf_mmap_may_split`).
    const HOOKS: Hooks<Self> = Hooks::NONE.page_mkwrite(Self::page_mkwrite).may_split(|_, _| Err(Errno::EINVAL));

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Normal>) -> VmFault<'f> {
        if ctx.is_write() && ctx.pgoff() != CONTROL {
            return ctx.fail(Errno::EACCES);
        }
        ctx.deliver_with(|at| self.pages.page(at.pgoff()).cloned().ok_or(Errno::ENXIO))
    }
}

/// The file of a counter.
pub struct Perf<P: Platform> {
    ring: P::Ref<Buffer<P>>,
    aux: P::Ref<Buffer<P>>,
    aux_offset: PageOffset,
}

impl<P: Platform> Perf<P> {
    /// A counter with these buffers. The first page of `ring` is its control page; `aux` is mapped at `aux_offset`.
    ///
    /// # Errors
    /// EINVAL unless the data and the AUX area have a power of two of pages each and do not overlap.
    pub fn new(ring: P::Ref<Buffer<P>>, aux: P::Ref<Buffer<P>>, aux_offset: PageOffset) -> Result<Self, Errno> {
        let data = ring.page_count().get() - 1;
        let overlap = aux_offset.index() < ring.page_count().get();
        if !data.is_power_of_two() || !aux.page_count().get().is_power_of_two() || overlap {
            return Err(Errno::EINVAL);
        }
        Ok(Self { ring, aux, aux_offset })
    }
}

impl<P: Platform> MmapFile for Perf<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let ctx = ctx.shared_only()?.dont_copy().dont_dump();
        match ctx.pgoff() {
            CONTROL if ctx.page_count() == self.ring.page_count() => {
                Ok(ctx.writable().establish(Ring::<P> { pages: self.ring.clone() })?.fill_later())
            }
            at if at == self.aux_offset && ctx.page_count() == self.aux.page_count() => {
                ctx.without_faults::<Mixed>()?.fill_from_first(self.aux.pages())
            }
            _ => Err(Errno::EINVAL),
        }
    }
}
