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
//! is inserted. Here an area is its pages, so what is behind its end has no page; slots are filled in order, none
//! outside; and the flags come first, because afterwards there is no way.

use vmctx::{Errno, Mapped, Mixed, MmapCtx, MmapFile, PageCount, PageOffset, Platform};

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

    /// Fills the next `count` slots with pages of the area, from `first` on (`remap_vmalloc_range_partial`).
    ///
    /// # Errors
    /// EINVAL if they do not all lie in the area, or it is not for users; EFAULT if there are fewer slots; else what
    /// the insertion says.
    pub fn remap_partial<'m>(
        &self,
        ctx: MmapCtx<'m, P, Mixed>,
        first: PageOffset,
        count: PageCount,
    ) -> Result<MmapCtx<'m, P, Mixed>, Errno> {
        let end = first.checked_add(count).ok_or(Errno::EINVAL)?;
        let pages = self.pages.pages().get(first.index()..end.index());
        Ok(ctx.insert_pages(pages.filter(|_| self.for_users).ok_or(Errno::EINVAL)?)?)
    }

    /// Fills the whole mapping with pages of the area, from `first` on (`remap_vmalloc_range`).
    ///
    /// # Errors
    /// As [`remap_partial`](Self::remap_partial).
    pub fn remap<'m>(&self, ctx: MmapCtx<'m, P>, first: PageOffset) -> Result<Mapped<'m>, Errno> {
        let ctx = ctx.dont_dump().without_faults::<Mixed>()?;
        let count = ctx.page_count();
        self.remap_partial(ctx, first, count)?.finish()
    }
}

/// A frame buffer in memory.
pub struct Vfb<P: Platform>(pub Area<P>);

impl<P: Platform> MmapFile for Vfb<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let first = ctx.pgoff();
        self.0.remap(ctx.writable(), first)
    }
}

/// The dump of a crashed kernel: the headers, and the notes of its processors behind them.
pub struct Vmcore<P: Platform> {
    headers: P::Ref<Buffer<P>>,
    notes: Area<P>,
}

impl<P: Platform> Vmcore<P> {
    /// A dump.
    pub fn new(headers: P::Ref<Buffer<P>>, notes: Area<P>) -> Self {
        Self { headers, notes }
    }
}

impl<P: Platform> MmapFile for Vmcore<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let headers = self.headers.pages();
        let end = ctx.pgoff().checked_add(ctx.page_count()).ok_or(Errno::EINVAL)?;
        if end.index() > headers.len().saturating_add(self.notes.page_count().get()) {
            return Err(Errno::EINVAL);
        }
        let mut ctx = ctx.read_only()?.no_exec()?.without_faults::<Mixed>()?;
        while let Some(page) = self.headers.page(ctx.pgoff()).filter(|_| !ctx.is_full()) {
            ctx = ctx.insert_page(page)?;
        }
        let (first, left) = (ctx.pgoff().index().saturating_sub(headers.len()), ctx.remaining());
        self.notes.remap_partial(ctx, PageOffset::new(first), left)?.finish()
    }
}
