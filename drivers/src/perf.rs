//! The ring buffer of a performance counter: `kernel/events/core.c`, `perf_mmap` and `perf_mmap_fault`;
//! `kernel/events/ring_buffer.c`, `perf_mmap_to_page`.
//!
//! One file, and the page offset selects the object. At 0 there are a control page, into which the user writes how
//! far he has read, and the data, which he only reads; farther on the AUX area, for what hardware traces by itself. C
//! brings the first by faults, and inserts the other when it is mapped; here faults bring both, because a file that
//! describes its mappings has one kind of them.
//!
//! What C does by hand: one function is both `fault` and `page_mkwrite`, and asks a flag which of the two it is; as the
//! one it answers 0 with a page in `vmf->page`, as the other 0 without. It writes `page->mapping` and `page->index` of
//! its own pages for the core to find its answer plausible. A page behind the AUX area is taken for the first of it, an
//! off-by-one that only the checks of the mmap hook keep harmless. A store to the data is a SIGBUS, although the user
//! was told by mmap that he may. Here the two hooks have tokens of their own: the one delivers a page, the other allows
//! a store; an AUX area that is to be written is refused, with EPERM.

use vmctx::{
    Errno, FaultCtx, Hooks, MaySleep, Normal, PageCount, PageMkwriteCtx, PageOffset, PageRange, Platform, PrepareCtx,
    PrepareFile, Prepared, VmFault, VmOperations,
};

use crate::buffer::Buffer;

/// Where the control page is mapped. It is followed by the data.
pub const CONTROL: PageOffset = PageOffset::new(0);

/// What a mapping shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Area {
    /// The control page, and the data behind it.
    Ring,
    /// The AUX area.
    Aux,
}

/// A mapping.
pub struct View<P: Platform> {
    area: Area,
    pages: P::Ref<Buffer<P>>,
    /// Where the first of the pages is mapped.
    start: PageOffset,
}

impl<P: Platform> View<P> {
    fn page_mkwrite<'f>(&'f self, ctx: PageMkwriteCtx<'f, P, Normal>) -> VmFault<'f> {
        if ctx.pgoff() == CONTROL { ctx.allow() } else { ctx.fail(Errno::EACCES) }
    }

    /// The ring is mapped as a whole or not at all (`perf_mmap_may_split`).
    fn may_split(&self) -> Result<(), Errno> {
        if self.area == Area::Ring { Err(Errno::EINVAL) } else { Ok(()) }
    }
}

impl<P: Platform> VmOperations for View<P> {
    type Platform = P;
    type Kind = Normal;
    const HOOKS: Hooks<Self> = Hooks::NONE.page_mkwrite(Self::page_mkwrite).may_split(|view, _| view.may_split());

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Normal>) -> VmFault<'f> {
        if ctx.is_write() && ctx.pgoff() != CONTROL {
            return ctx.fail(Errno::EACCES);
        }
        ctx.deliver_with(|at| {
            let page = at.pgoff().checked_since(self.start).ok_or(Errno::ENXIO)?;
            self.pages.page(PageOffset::new(page.get())).cloned().ok_or(Errno::ENXIO)
        })
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

    /// What a mapping of so many pages from here on shows.
    fn area(&self, at: PageOffset, count: PageCount) -> Result<(Area, &P::Ref<Buffer<P>>), Errno> {
        match at {
            CONTROL if count == self.ring.page_count() => Ok((Area::Ring, &self.ring)),
            at if at == self.aux_offset && count == self.aux.page_count() => Ok((Area::Aux, &self.aux)),
            _ => Err(Errno::EINVAL),
        }
    }
}

impl<P: Platform> PrepareFile for Perf<P> {
    type Platform = P;
    type Ops = View<P>;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Normal>, Errno> {
        let ctx = ctx.shared_only()?.dont_copy().dont_dump();
        match self.area(ctx.pgoff(), ctx.page_count())? {
            (Area::Ring, _) => ctx.writable().by_faults(),
            (Area::Aux, _) => ctx.by_faults(),
        }
    }

    fn mapped(&self, shown: PageRange, may_sleep: MaySleep<'_>) -> Result<P::Ref<View<P>>, Errno> {
        let (area, pages) = self.area(shown.start, shown.page_count())?;
        P::share(View::<P> { area, pages: pages.clone(), start: shown.start }, may_sleep)
    }
}
