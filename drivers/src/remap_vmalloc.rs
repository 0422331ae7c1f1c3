//! Mapping what `vmalloc` has given: `mm/vmalloc.c`, `remap_vmalloc_range` and `remap_vmalloc_range_partial` (one of
//! the call sites of linux-mm, September 2018); and two of its callers, a frame buffer in memory
//! (`drivers/video/fbdev/vfb.c`, `vfb_mmap`) and the dump of a crashed kernel (`fs/proc/vmcore.c`, `mmap_vmcore`).
//!
//! A helper for drivers. An area is found by its address and must have been made for users; behind each there is a page
//! of addresses without memory, the guard, on which an overrun ends.
//!
//! What C got wrong or does by hand: in 2018 neither the shift of the offset nor its sum with the size was looked at
//! for an overflow, so that a user's offset could reach any other area; both are since 2020, and the sum is compared
//! with the area's size less its guard. That the range lies in the VMA is the caller's word. The flags follow when all
//! is inserted. Here an area is its pages, so what is behind its end has no page; a mapping is filled whole; and the
//! flags come first, because afterwards there is no way. The dump, which C puts together when it is mapped, is brought
//! by faults, as it is on s390 (`mmap_vmcore_fault`).

use vmctx::{
    Errno, FaultCtx, MaySleep, Mixed, PageCount, PageOffset, PageRange, Platform, PrepareCtx, PrepareFile, Prepared,
    VmFault, VmOperations, WithoutFaults,
};

use crate::buffer::Buffer;

/// What `vmalloc` or `vmalloc_user` has given.
pub struct Area<P: Platform> {
    pages: P::Ref<Buffer<P>>,
    /// `VM_USERMAP`: made of zeros, to be mapped.
    for_users: bool,
}

impl<P: Platform> Area<P> {
    /// An area that users may see (`vmalloc_user`).
    pub fn for_users(pages: P::Ref<Buffer<P>>) -> Self {
        Self { pages, for_users: true }
    }

    /// An area of the kernel's own (`vmalloc`).
    pub fn new(pages: P::Ref<Buffer<P>>) -> Self {
        Self { pages, for_users: false }
    }

    /// How many pages of memory it has, without the guard page (`get_vm_area_size`).
    #[must_use]
    pub fn page_count(&self) -> PageCount {
        self.pages.page_count()
    }

    /// The page at this offset (`vmalloc_to_page`).
    fn page(&self, at: PageOffset) -> Option<&P::Page> {
        self.pages.page(at).filter(|_| self.for_users)
    }

    /// Says that the whole mapping is filled with pages of the area, from `first` on (`remap_vmalloc_range`).
    ///
    /// # Errors
    /// EINVAL if they do not all lie in the area, or it is not for users.
    pub fn remap<'m>(&'m self, ctx: PrepareCtx<'m, P>, first: PageOffset) -> Result<Prepared<'m, P, Mixed>, Errno> {
        let end = first.checked_add(ctx.page_count()).ok_or(Errno::EINVAL)?;
        let pages = self.pages.pages().get(first.index()..end.index());
        ctx.dont_dump().fill_from_first(pages.filter(|_| self.for_users).ok_or(Errno::EINVAL)?)
    }
}

/// A frame buffer in memory.
pub struct Vfb<P: Platform>(pub Area<P>);

impl<P: Platform> PrepareFile for Vfb<P> {
    type Platform = P;
    type Ops = WithoutFaults<P, Mixed>;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Mixed>, Errno> {
        let first = ctx.pgoff();
        self.0.remap(ctx.writable(), first)
    }

    fn mapped(&self, _: PageRange, may_sleep: MaySleep<'_>) -> Result<P::Ref<Self::Ops>, Errno> {
        P::share(WithoutFaults::new(), may_sleep)
    }
}

/// The dump of a crashed kernel: the headers, and the notes of its processors behind them.
pub struct Dump<P: Platform> {
    headers: P::Ref<Buffer<P>>,
    notes: Area<P>,
}

impl<P: Platform> Dump<P> {
    /// A dump.
    pub fn new(headers: P::Ref<Buffer<P>>, notes: Area<P>) -> Self {
        Self { headers, notes }
    }

    fn page(&self, at: PageOffset) -> Option<&P::Page> {
        match at.index().checked_sub(self.headers.page_count().get()) {
            Some(behind) => self.notes.page(PageOffset::new(behind)),
            None => self.headers.page(at),
        }
    }
}

impl<P: Platform> VmOperations for Dump<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        ctx.insert_page_with(|at| self.page(at.pgoff()).ok_or(Errno::ENXIO))
    }
}

/// The file of a dump.
pub struct Vmcore<P: Platform>(pub P::Ref<Dump<P>>);

impl<P: Platform> PrepareFile for Vmcore<P> {
    type Platform = P;
    type Ops = Dump<P>;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Mixed>, Errno> {
        let end = ctx.pgoff().checked_add(ctx.page_count()).ok_or(Errno::EINVAL)?;
        if end.index() > self.0.headers.page_count().get().saturating_add(self.0.notes.page_count().get()) {
            return Err(Errno::EINVAL);
        }
        ctx.read_only()?.no_exec()?.by_faults()
    }

    fn mapped(&self, _: PageRange, _: MaySleep<'_>) -> Result<P::Ref<Dump<P>>, Errno> {
        Ok(self.0.clone())
    }
}
