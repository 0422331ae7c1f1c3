//! A frame buffer whose panel is slow: `drivers/video/fbdev/core/fb_defio.c`, `fb_deferred_io_fault`,
//! `fb_deferred_io_mkwrite` and `fb_deferred_io_work`.
//!
//! Users draw into pages of RAM. The first store to each is told to `page_mkwrite`, which notes it; after a while the
//! noted pages are written to the panel, and taken from their users, so that the next store is told again.
//!
//! What C did by hand: to find the mappings of its pages it wrote the user's file into `page->mapping` of memory that
//! was not a file's, and had to clear that in time. That no store is lost
//! between being told and being possible depends on a page lock that the hook takes and the core gives back, which is
//! the answer `VM_FAULT_LOCKED` and a comment. Here the lock is a value that the answer takes
//! ([`PageMkwriteCtx::allow_locked`]), its other side is [`UnlockedCtx::lock_page`], and the mappings are the file's.

use alloc::vec::Vec;

use vmctx::{
    Errno, FaultCtx, FrameSource, Hooks, Iomem, MaySleep, Mutex, Normal, PageMkwriteCtx, PageOffset, PageRange,
    PageRef, Platform, PrepareCtx, PrepareFile, Prepared, SharedObject, UnlockedCtx, VmFault, VmOperations,
};

use crate::buffer::{Buffer, copy_bytes};

/// What users draw into, and what shows it.
pub struct Screen<P: Platform> {
    shadow: P::Ref<Buffer<P>>,
    panel: P::Iomem,
    /// By page, whether it was written since it was last shown. The lock comes before the pages' own.
    noted: P::Mutex<Vec<bool>>,
    mappings: SharedObject<P>,
}

impl<P: Platform> Screen<P> {
    /// A screen that users draw into `shadow` of. The panel shows nothing of it yet.
    ///
    /// # Errors
    /// EINVAL for a panel that is smaller than that; ENOMEM.
    pub fn new(shadow: P::Ref<Buffer<P>>, panel: P::Iomem, may_sleep: MaySleep<'_>) -> Result<Self, Errno> {
        if panel.count() < shadow.page_count() {
            return Err(Errno::EINVAL);
        }
        let mut noted = Vec::new();
        noted.try_reserve_exact(shadow.page_count().get()).map_err(|_| Errno::ENOMEM)?;
        noted.resize(shadow.page_count().get(), false);
        Ok(Self { shadow, panel, noted: P::Mutex::new(noted, may_sleep)?, mappings: SharedObject::new(may_sleep)? })
    }

    /// How many pages were written since they were last shown.
    pub fn noted(&self, may_sleep: MaySleep<'_>) -> usize {
        self.noted.lock(may_sleep).iter().filter(|noted| **noted).count()
    }

    /// Shows what was written (`fb_deferred_io_work`): every store that has happened before. How many pages that were.
    ///
    /// # Errors
    /// EIO if the panel cannot be written; then what was not shown is shown the next time.
    pub fn flush(&self, ctx: &mut UnlockedCtx<'_, P>) -> Result<usize, Errno> {
        let mut noted = self.noted.lock(ctx.may_sleep());
        let mut shown = 0;
        for (index, (noted, page)) in noted.iter_mut().zip(self.shadow.pages()).enumerate() {
            if !*noted {
                continue;
            }
            // Without an entry the next store calls `page_mkwrite`, which waits for this lock and for `noted`: what is
            // copied below does not change.
            let lock = ctx.lock_page(page);
            lock.unmap(&self.mappings, PageOffset::new(index));
            drop(lock);
            let start = index * P::PAGE_SIZE;
            let read = |at, bytes: &mut [u8]| page.read(at, bytes).map_err(|_| Errno::EIO);
            let write = |at, bytes: &[u8]| self.panel.write(start + at, bytes).map_err(|_| Errno::EIO);
            copy_bytes(P::PAGE_SIZE, read, write)?;
            *noted = false;
            shown += 1;
        }
        Ok(shown)
    }

    /// Draws from the kernel's side.
    ///
    /// # Errors
    /// EINVAL outside the screen; EAGAIN while it is shown.
    pub fn draw(&self, offset: usize, bytes: &[u8]) -> Result<(), Errno> {
        let mut noted = self.noted.try_lock().ok_or(Errno::EAGAIN)?;
        self.shadow.write(offset, bytes)?;
        let pages = offset / P::PAGE_SIZE..(offset + bytes.len()).div_ceil(P::PAGE_SIZE);
        noted.get_mut(pages).unwrap_or_default().fill(true);
        Ok(())
    }

    fn page_mkwrite<'f>(&'f self, ctx: PageMkwriteCtx<'f, P, Normal>) -> VmFault<'f> {
        let mut noted = self.noted.lock(ctx.may_sleep());
        let Some(noted_here) = noted.get_mut(ctx.pgoff().index()) else { return ctx.fail(Errno::EIO) };
        *noted_here = true;
        // Locked while `noted` is held: a flush that sees this note waits for the page until the store is possible.
        let page = ctx.lock_page();
        drop(noted);
        ctx.allow_locked(page)
    }
}

impl<P: Platform> VmOperations for Screen<P> {
    type Platform = P;
    type Kind = Normal;
    const HOOKS: Hooks<Self> = Hooks::NONE.page_mkwrite(Self::page_mkwrite);

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Normal>) -> VmFault<'f> {
        ctx.deliver_with(|at| self.shadow.page(at.pgoff()).cloned().ok_or(Errno::ENXIO))
    }
}

/// The frame buffer's file.
pub struct FbDefio<P: Platform> {
    screen: P::Ref<Screen<P>>,
}

impl<P: Platform> FbDefio<P> {
    /// Opens it.
    pub fn new(screen: P::Ref<Screen<P>>) -> Self {
        Self { screen }
    }
}

impl<P: Platform> PrepareFile for FbDefio<P> {
    type Platform = P;
    type Ops = Screen<P>;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Normal>, Errno> {
        ctx.writable().dont_dump().by_faults()
    }

    fn mapped(&self, _: PageRange, _: MaySleep<'_>) -> Result<P::Ref<Screen<P>>, Errno> {
        Ok(self.screen.clone())
    }

    fn object(&self) -> Option<&SharedObject<P>> {
        Some(&self.screen.mappings)
    }
}
