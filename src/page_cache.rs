//! Pages that are made when they are touched.

use core::{
    mem,
    ops::Range,
    sync::atomic::{AtomicUsize, Ordering},
};

use crate::{
    answer::VmFault,
    errno::Errno,
    fault::FaultCtx,
    kind::Mixed,
    platform::Platform,
    revocable::{Backing, Revocable, Spot},
    shared_object::SharedObject,
    sleep::{MaySleep, may_sleep},
    table::Table,
    units::{PageCount, PageOffset, PageRange},
    unlocked::UnlockedCtx,
    wait::WaitQueue as _,
};

/// The pages of an object, made when they are touched, and given up again: what the field calls a page cache (G24).
///
/// One offset has one page, however many faults, reads and ioctls ask for it at once: the first makes it, fills it, and
/// the others wait for that one page and for no other. (To look, allocate and store without looking again gives two
/// pages to one offset: CVE-2025-40272.) It is sparse: an offset that nobody has asked for takes no memory.
///
/// Pages are taken back as any [`Revocable`] memory is: unmapped everywhere before they are given up.
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
///     /// The shrinker.
///     fn shrink(&self, most: PageCount, may_sleep: MaySleep<'_>) -> PageCount {
///         self.cache.shrink_to(most, may_sleep, |_, _| ())
///     }
/// }
///
/// impl<P: Platform> VmOperations for Image<P> {
///     type Platform = P;
///     type Kind = Mixed;
///     const HOOKS: Hooks<Self> = Hooks::NONE.object(|image: &Self| Some(image.cache.object()));
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
pub struct PageCache<P: Platform> {
    pages: Revocable<P, Table<Entry<P>>>,
    memory: P::Memory,
    /// Woken when a page has been filled, or could not be.
    settled: P::WaitQueue,
    /// How many pages there are.
    in_use: AtomicUsize,
    /// Where the next [`PageCache::shrink_to`] begins.
    hand: AtomicUsize,
}

/// What there is for one offset.
#[derive(Default)]
enum Entry<P: Platform> {
    #[default]
    Absent,
    /// Somebody makes the page, and fills it.
    Filling,
    Present(P::Page),
}

impl<P: Platform> Backing for Entry<P> {
    type Platform = P;

    fn spot(&self, _: PageCount) -> Result<Spot<'_, P>, Errno> {
        match self {
            Self::Present(page) => Ok(Spot::Page(page)),
            Self::Absent | Self::Filling => Err(Errno::EAGAIN),
        }
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
        Ok(Self {
            pages: Revocable::in_pieces(object, count, PageCount::new(1), may_sleep)?,
            memory,
            settled: P::WaitQueue::new(may_sleep)?,
            in_use: AtomicUsize::new(0),
            hand: AtomicUsize::new(0),
        })
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
        PageCount::new(self.in_use.load(Ordering::Relaxed))
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
        let Some(at) = ctx.frame().page_of(self.object(), ctx.pgoff()).map(PageCount::get) else {
            return ctx.fail(Errno::ENXIO);
        };
        // Taken before the look at the page: one that is settled between the two would be waited for in vain.
        let since = self.settled.ticket();
        let resident = self.pages.resident(ctx.may_sleep());
        match resident.get(at) {
            Some(Entry::Present(_)) => return resident.insert(ctx),
            Some(Entry::Filling) => {
                drop(resident);
                ctx.account_major();
                return ctx.release_and_wait(since);
            }
            Some(Entry::Absent) | None => drop(resident),
        }
        ctx.account_major();
        let made = match self.claim(at, ctx.may_sleep()) {
            Ok(Some(claim)) => claim.make(ctx.may_sleep(), fill),
            Ok(None) => return ctx.release_and_wait(since),
            Err(errno) => Err(errno),
        };
        match made {
            // It may have been given up again by now: then the access is repeated.
            Ok(_) => self.pages.resident(ctx.may_sleep()).insert(ctx),
            Err(errno) => ctx.fail_or_refault(errno),
        }
    }

    /// The page at an offset, for a system call. It is made first if there is none, as in [`serve`](Self::serve).
    ///
    /// The page stays what it is while the reference is kept, also if the cache gives it up meanwhile: what is then
    /// stored to it, nobody sees.
    ///
    /// # Errors
    /// ENXIO behind the end of the cache, ENOMEM, what `fill` says; EINTR or ERESTARTSYS if the thread is to die while
    /// it waits.
    #[track_caller]
    pub fn get_or_insert(
        &self,
        at: PageOffset,
        unlocked: &UnlockedCtx<'_, P>,
        fill: impl FnOnce(&P::Page, MaySleep<'_>) -> Result<(), Errno>,
    ) -> Result<P::Page, Errno> {
        let at = self.index(at)?;
        loop {
            let since = self.settled.ticket();
            if let Some(Entry::Present(page)) = self.pages.resident(unlocked.may_sleep()).get(at) {
                return Ok(page.clone());
            }
            match self.claim(at, unlocked.may_sleep())? {
                Some(claim) => return claim.make(unlocked.may_sleep(), fill),
                None => unlocked.wait(since)?,
            }
        }
    }

    /// The page at an offset, if there is one.
    #[track_caller]
    pub fn get(&self, at: PageOffset, may_sleep: MaySleep<'_>) -> Option<P::Page> {
        let at = self.index(at).ok()?;
        match self.pages.resident(may_sleep).get(at) {
            Some(Entry::Present(page)) => Some(page.clone()),
            _ => None,
        }
    }

    /// Takes the pages of these offsets from whoever has them mapped, and gives each to `gone`, to be written back or
    /// dropped: eviction, truncation, the punching of a hole. The next touch makes a new one, and waits until `gone`
    /// has returned. Pages that are being filled stay. Gives back how many pages went.
    ///
    /// `gone` is called with the cache's lock held: it must not ask for its pages.
    #[track_caller]
    pub fn evict(
        &self,
        offsets: PageRange,
        may_sleep: MaySleep<'_>,
        gone: impl FnMut(PageOffset, P::Page),
    ) -> PageCount {
        let count = self.pages.page_count().get();
        let part = offsets.start.index().min(count)..offsets.end.index().min(count);
        PageCount::new(self.give_up(part, usize::MAX, may_sleep, gone))
    }

    /// Gives pages up as [`evict`](Self::evict) does, until there are no more than `most`: those first that come next
    /// by their offsets, from where the last call has ended. Gives back how many pages went.
    #[track_caller]
    pub fn shrink_to(
        &self,
        most: PageCount,
        may_sleep: MaySleep<'_>,
        mut gone: impl FnMut(PageOffset, P::Page),
    ) -> PageCount {
        let count = self.pages.page_count().get();
        let hand = self.hand.load(Ordering::Relaxed).min(count);
        let mut went = 0_usize;
        for part in [hand..count, 0..hand] {
            let surplus = self.in_use().get().saturating_sub(most.get());
            if surplus != 0 {
                went = went.saturating_add(self.give_up(part, surplus, may_sleep, &mut gone));
            }
        }
        PageCount::new(went)
    }

    /// Gives up to `most` pages of this part up.
    #[track_caller]
    fn give_up(
        &self,
        part: Range<usize>,
        most: usize,
        may_sleep: MaySleep<'_>,
        mut gone: impl FnMut(PageOffset, P::Page),
    ) -> usize {
        // The end is found first, so that no more is unmapped than goes.
        let mut end = part.start;
        let mut found = 0_usize;
        let resident = self.pages.resident(may_sleep);
        resident.for_each(&part, |index, entry| {
            if matches!(entry, Entry::Present(_)) && found < most {
                found = found.saturating_add(1);
                end = index.saturating_add(1);
            }
        });
        drop(resident);
        let Ok(mut revoked) = self.pages.revoke_part(part.start..end, may_sleep) else { return 0 };
        let mut went = 0_usize;
        revoked.retain(|index, entry| match mem::take(entry) {
            Entry::Present(page) if went < most => {
                went = went.saturating_add(1);
                self.in_use.fetch_sub(1, Ordering::Relaxed);
                gone(PageOffset::new(index), page);
                false
            }
            kept => {
                let is_absent = matches!(kept, Entry::Absent);
                *entry = kept;
                !is_absent
            }
        });
        self.hand.store(end, Ordering::Relaxed);
        went
    }

    /// Where an offset is in the table.
    fn index(&self, at: PageOffset) -> Result<usize, Errno> {
        Some(at.index()).filter(|index| *index < self.pages.page_count().get()).ok_or(Errno::ENXIO)
    }

    /// The right to make a page, or `None` if somebody has been faster.
    #[track_caller]
    fn claim(&self, at: usize, may_sleep: MaySleep<'_>) -> Result<Option<Claim<'_, P>>, Errno> {
        let mut revoked = self.pages.revoke_part(at..at.saturating_add(1), may_sleep)?;
        let entry = revoked.get_mut(at)?;
        if !matches!(entry, Entry::Absent) {
            return Ok(None);
        }
        *entry = Entry::Filling;
        Ok(Some(Claim { cache: self, at, is_settled: false }))
    }
}

/// The right to make one page. Whatever becomes of it, nobody waits for the page for ever.
struct Claim<'c, P: Platform> {
    cache: &'c PageCache<P>,
    at: usize,
    is_settled: bool,
}

impl<P: Platform> Claim<'_, P> {
    #[track_caller]
    fn make(
        mut self,
        may_sleep: MaySleep<'_>,
        fill: impl FnOnce(&P::Page, MaySleep<'_>) -> Result<(), Errno>,
    ) -> Result<P::Page, Errno> {
        let page = P::alloc_page_at(&self.cache.memory, PageOffset::new(self.at), may_sleep)?;
        fill(&page, may_sleep)?;
        self.settle(Entry::Present(page.clone()));
        Ok(page)
    }

    /// Says what has become of the page, and wakes who waits for it.
    fn settle(&mut self, to: Entry<P>) {
        self.is_settled = true;
        // It cannot fail, because the entry is there since it was claimed.
        if let Ok(mut revoked) = self.cache.pages.revoke_part(self.at..self.at.saturating_add(1), may_sleep()) {
            if let Ok(entry) = revoked.get_mut(self.at) {
                let made = usize::from(matches!(to, Entry::Present(_)));
                self.cache.in_use.fetch_add(made, Ordering::Relaxed);
                *entry = to;
            }
        }
        self.cache.settled.wake_all();
    }
}

impl<P: Platform> Drop for Claim<'_, P> {
    fn drop(&mut self) {
        if !self.is_settled {
            self.settle(Entry::Absent);
        }
    }
}
