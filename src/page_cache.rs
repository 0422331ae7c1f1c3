//! Pages that are made when they are touched.

use core::sync::atomic::{AtomicBool, Ordering};

use crate::{
    answer::VmFault,
    errno::Errno,
    fault::FaultCtx,
    kind::Mixed,
    on_demand::{Made, OnDemand},
    page_mkwrite::PageMkwriteCtx,
    platform::Platform,
    revocable::{Backing, Spot},
    shared_object::SharedObject,
    sleep::MaySleep,
    units::{PageCount, PageOffset, PageRange},
    unlocked::UnlockedCtx,
};

/// The pages of an object, made when they are touched, and given up again: what the field calls a page cache
/// ([G24](crate::guide::guarantees#g24)).
///
/// One offset has one page, however many faults, reads and ioctls ask for it at once: the first makes it, fills it, and
/// the others wait for that one page and for no other. (To look, allocate and store without looking again gives two
/// pages to one offset: CVE-2025-40272.) It is sparse: an offset that nobody has asked for takes no memory.
///
/// Pages are taken back as any [`Revocable`](crate::Revocable) memory is: unmapped everywhere before they are given up.
/// Those that were stored to are written back first. Which these are, the cache is told where the mapping's state
/// registers [`allow_store`](Self::allow_store); where it does not, each page that users could store to counts as
/// written.
///
/// If the pieces are no pages of RAM, take [`OnDemand`].
///
/// ```
/// use vmctx::{
///     Errno, FaultCtx, Hooks, Mapped, MaySleep, Mixed, MmapCtx, MmapFile, PageCache, PageCount, PageOffset, PageRef,
///     Platform, SharedObject, UnlockedCtx, VmFault, VmOperations,
/// };
///
/// struct Image<P: Platform> {
///     cache: PageCache<P>,
/// }
///
/// impl<P: Platform> Image<P> {
///     fn new(memory: P::Memory, pages: PageCount, may_sleep: MaySleep<'_>) -> Result<Self, Errno> {
///         let object = SharedObject::new(may_sleep)?;
///         Ok(Self { cache: PageCache::new(memory, &object, pages, may_sleep)? })
///     }
///
///     /// Reads a page of the image from where it is kept. Sleeps, and may fail.
///     fn load(&self, at: PageOffset, page: &P::Page) -> Result<(), Errno> {
///         page.write(0, &at.index().to_le_bytes()).map_err(|_| Errno::EIO)
///     }
///
///     /// A `read` of the same bytes, which waits for the same page.
///     fn first_byte(&self, at: PageOffset, unlocked: &UnlockedCtx<'_, P>) -> Result<u8, Errno> {
///         let page = self.cache.get_or_insert(at, unlocked, |page, _| self.load(at, page))?;
///         let mut byte = [0];
///         page.read(0, &mut byte).map_err(|_| Errno::EIO)?;
///         Ok(byte[0])
///     }
///
///     /// Writes a page of the image to where it is kept.
///     fn save(&self, at: PageOffset, page: &P::Page) -> Result<(), Errno> {
///         let mut bytes = [0; size_of::<usize>()];
///         page.read(0, &mut bytes).map_err(|_| Errno::EIO)
///     }
///
///     /// The shrinker.
///     fn shrink(&self, most: PageCount, may_sleep: MaySleep<'_>) -> Result<PageCount, Errno> {
///         self.cache.shrink_to(most, may_sleep, |at, page| self.save(at, page))
///     }
/// }
///
/// impl<P: Platform> VmOperations for Image<P> {
///     type Platform = P;
///     type Kind = Mixed;
///     const HOOKS: Hooks<Self> = Hooks::NONE
///         .object(|image: &Self| Some(image.cache.object()))
///         .page_mkwrite(|image, ctx| image.cache.allow_store(ctx));
///
///     fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
///         let at = ctx.pgoff();
///         self.cache.serve(ctx, |page, _| self.load(at, page))
///     }
/// }
///
/// struct File<P: Platform>(P::Ref<Image<P>>);
///
/// impl<P: Platform> MmapFile for File<P> {
///     type Platform = P;
///
///     fn object(&self) -> Option<&SharedObject<P>> {
///         Some(self.0.cache.object())
///     }
///
///     fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
///         Ok(ctx.writable().establish_shared(self.0.clone())?.fill_later())
///     }
/// }
/// ```
#[doc(alias("filemap_fault", "xa_load", "xa_store"))]
pub struct PageCache<P: Platform> {
    pages: OnDemand<P, Cached<P>>,
    memory: P::Memory,
}

/// A page of a cache.
struct Cached<P: Platform> {
    page: P::Page,
    /// Whether it was stored to since it was made or written back, or may have been.
    written: AtomicBool,
}

impl<P: Platform> Cached<P> {
    /// Noted with the cache's lock held to read, and looked at with that held to write: it orders the two.
    fn note_store(&self) {
        self.written.store(true, Ordering::Relaxed);
    }

    fn is_written(&self) -> bool {
        self.written.load(Ordering::Relaxed)
    }
}

impl<P: Platform> Backing for Cached<P> {
    type Platform = P;

    fn spot(&self, _: PageCount) -> Result<Spot<'_, P>, Errno> {
        Ok(Spot::Page(&self.page))
    }
}

impl<P: Platform> PageCache<P> {
    /// A cache without pages, for the first `count` offsets of the object. The pages will come from `memory`.
    ///
    /// # Errors
    /// EINVAL for no offsets, or more than the object has; ENOMEM.
    #[track_caller]
    pub fn new(
        memory: P::Memory,
        object: &SharedObject<P>,
        count: PageCount,
        may_sleep: MaySleep<'_>,
    ) -> Result<Self, Errno> {
        Ok(Self { pages: OnDemand::new(object, count, PageCount::new(1), may_sleep)?, memory })
    }

    /// The object through which the pages are shown: for [`MmapFile::object`](crate::MmapFile::object), and for
    /// [`Hooks::object`](crate::Hooks::object).
    #[must_use]
    pub const fn object(&self) -> &SharedObject<P> {
        self.pages.object()
    }

    /// How many pages there are now.
    #[must_use]
    pub fn in_use(&self) -> PageCount {
        PageCount::new(self.pages.in_use())
    }

    /// Serves a fault: inserts the page, which is made first if there is none. `fill` gets it zeroed, and puts into it
    /// what belongs there; it may sleep, and other offsets are served meanwhile. If it fails there is still no page,
    /// and the errno is answered as by [`FaultCtx::fail_or_refault`].
    ///
    /// Behind the end of the cache it is a SIGBUS. While somebody else makes the page, the fault lets go of its lock
    /// and waits.
    #[track_caller]
    pub fn serve<'f>(
        &self,
        ctx: FaultCtx<'f, P, Mixed>,
        fill: impl FnOnce(&P::Page, MaySleep<'_>) -> Result<(), Errno>,
    ) -> VmFault<'f> {
        self.pages.serve_told(
            ctx,
            |at, may_sleep| self.make(at, may_sleep, fill),
            |ctx, cached| {
                if ctx.frame().stores_untold() {
                    cached.note_store();
                }
            },
        )
    }

    /// Lets a store happen, and notes that the page was written. It is for the hook that is told of first stores,
    /// `.page_mkwrite(|image, ctx| image.cache.allow_store(ctx))`. If the page was given up meanwhile, the access is
    /// repeated, and makes another.
    #[doc(alias("folio_mark_dirty", "set_page_dirty"))]
    #[track_caller]
    pub fn allow_store<'f>(&self, ctx: PageMkwriteCtx<'f, P, Mixed>) -> VmFault<'f> {
        let resident = self.pages.resident(ctx.may_sleep());
        let at = self.pages.shown(ctx.frame(), ctx.pgoff());
        let cached = at.and_then(|at| resident.get(at)).and_then(Made::get);
        let Some(cached) = cached.filter(|cached| P::page_pfn(&cached.page) == P::page_pfn(&ctx.page())) else {
            return ctx.fail_or_refault(Errno::EAGAIN);
        };
        // Locked before the lock is let go of: who writes the page back waits until the store is possible.
        let page = ctx.lock_page();
        cached.note_store();
        drop(resident);
        ctx.allow_locked(page)
    }

    /// The page at an offset, for a system call. It is made first if there is none, as in [`serve`](Self::serve).
    ///
    /// The page stays what it is while the reference is kept, also if the cache gives it up meanwhile: what is then
    /// stored to it, nobody sees. To store, take [`store_with`](Self::store_with).
    ///
    /// # Errors
    /// ENXIO behind the end of the cache, ENOMEM, what `fill` says; EINTR or ERESTARTSYS if the thread is to die while
    /// it waits.
    #[track_caller]
    pub fn get_or_insert(
        &self,
        at: PageOffset,
        unlocked: &UnlockedCtx<'_, P>,
        mut fill: impl FnMut(&P::Page, MaySleep<'_>) -> Result<(), Errno>,
    ) -> Result<P::Page, Errno> {
        self.pages.with(at, unlocked, |at, may_sleep| self.make(at, may_sleep, &mut fill), |cached| cached.page.clone())
    }

    /// The same to store to the page, as `write` does: it is not given up while `store` runs, and then was written.
    ///
    /// # Errors
    /// As there.
    #[track_caller]
    pub fn store_with<R>(
        &self,
        at: PageOffset,
        unlocked: &UnlockedCtx<'_, P>,
        mut fill: impl FnMut(&P::Page, MaySleep<'_>) -> Result<(), Errno>,
        store: impl FnOnce(&P::Page) -> R,
    ) -> Result<R, Errno> {
        let store = |cached: &Cached<P>| {
            cached.note_store();
            store(&cached.page)
        };
        self.pages.with(at, unlocked, |at, may_sleep| self.make(at, may_sleep, &mut fill), store)
    }

    /// The page at an offset, if there is one.
    #[track_caller]
    pub fn get(&self, at: PageOffset, may_sleep: MaySleep<'_> /* ctx.may_sleep() */) -> Option<P::Page> {
        let at = self.pages.index(at).ok()?;
        self.pages.resident(may_sleep).get(at)?.get().map(|cached| cached.page.clone())
    }

    /// Takes the pages of these offsets from whoever has them mapped, and gives them up. Those that were stored to are
    /// given to `write_back` first; the others are just dropped. The next touch makes a new one, and waits until that is
    /// done. Pages that are being made stay. Gives back how many went.
    ///
    /// `write_back` is called with the cache's lock held: it must not ask for its pages.
    ///
    /// # Errors
    /// What `write_back` says: that page stays, with what was stored, and so do those behind it.
    #[doc(alias = "invalidate_inode_pages2_range")]
    #[track_caller]
    pub fn evict(
        &self,
        offsets: PageRange,
        may_sleep: MaySleep<'_>,
        write_back: impl FnMut(PageOffset, &P::Page) -> Result<(), Errno>,
    ) -> Result<PageCount, Errno> {
        self.pages.evict(offsets, may_sleep, if_written(write_back)).map(PageCount::new)
    }

    /// Takes the pages of these offsets from whoever has them mapped, and drops them, with what was stored to them: they
    /// are behind the end of the file now, or in a hole. A page that is just being filled, with what is no more perhaps,
    /// is filled in vain, and made again. Gives back how many pages went.
    #[doc(alias = "truncate_inode_pages_range")]
    #[track_caller]
    pub fn truncate(&self, offsets: PageRange, may_sleep: MaySleep<'_>) -> PageCount {
        PageCount::new(self.pages.truncate(offsets, may_sleep))
    }

    /// Gives pages up as [`evict`](Self::evict) does, until there are no more than `most`: those first that come next
    /// by their offsets, from where the last call has ended.
    ///
    /// # Errors
    /// As there.
    #[track_caller]
    pub fn shrink_to(
        &self,
        most: PageCount,
        may_sleep: MaySleep<'_>,
        write_back: impl FnMut(PageOffset, &P::Page) -> Result<(), Errno>,
    ) -> Result<PageCount, Errno> {
        self.pages.shrink_to(most.get(), may_sleep, if_written(write_back)).map(PageCount::new)
    }

    /// Gives the pages of these offsets that were stored to to `write_back`, and they stay: `fsync`. What was stored
    /// before this is in them, and the next store is noted anew. Gives back how many pages that were.
    ///
    /// `write_back` is called with the cache's lock held: it must not ask for its pages.
    ///
    /// # Errors
    /// What `write_back` says: that page counts as written still, and so do those behind it.
    #[track_caller]
    pub fn write_back(
        &self,
        offsets: PageRange,
        unlocked: &mut UnlockedCtx<'_, P>,
        mut write_back: impl FnMut(PageOffset, &P::Page) -> Result<(), Errno>,
    ) -> Result<PageCount, Errno> {
        let may_sleep = crate::sleep::may_sleep();
        let written = self.pages.change(offsets, may_sleep, Cached::is_written, |at, cached| {
            // Nobody has it mapped, but a store may be on its way that was allowed before: it ends with the page's lock,
            // and finds its entry gone. Later it might find the same one again.
            drop(unlocked.lock_page(&cached.page));
            write_back(at, &cached.page)?;
            *cached.written.get_mut() = false;
            Ok(())
        });
        written.map(PageCount::new)
    }

    #[track_caller]
    fn make(
        &self,
        at: usize,
        may_sleep: MaySleep<'_>,
        fill: impl FnOnce(&P::Page, MaySleep<'_>) -> Result<(), Errno>,
    ) -> Result<Cached<P>, Errno> {
        let page = P::alloc_page_at(&self.memory, PageOffset::new(at), may_sleep)?;
        fill(&page, may_sleep)?;
        Ok(Cached { page, written: AtomicBool::new(false) })
    }
}

/// Has a page written back that was stored to.
fn if_written<P: Platform>(
    mut write_back: impl FnMut(PageOffset, &P::Page) -> Result<(), Errno>,
) -> impl FnMut(PageOffset, &mut Cached<P>) -> Result<(), Errno> {
    move |at, cached| if cached.is_written() { write_back(at, &cached.page) } else { Ok(()) }
}
