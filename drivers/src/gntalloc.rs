//! Pages that a Xen guest grants to another domain: `drivers/xen/gntalloc.c`, `gntalloc_mmap` and
//! `gntalloc_vma_close` (one of the call sites of linux-mm, September 2018).
//!
//! An ioctl allocates pages, each with its grant reference, at the next indices of the file; mmap shows any that follow
//! one another. A page goes with its last user: the file until an ioctl takes it off its list, and every mapping. With
//! it goes a byte that its user has asked to have cleared, by which the other domain sees that nobody is there any
//! more.
//!
//! What C gets wrong: a mapping remembers its first page and how many there are, and to give them back it walks the
//! list of all pages of all files, while they had been counted along the list of one file; and if an insertion fails in
//! the middle, those counted so far are never given back at all. What C did by hand is counting, of users per page and
//! of VMAs per mapping. Here a mapping's state holds its pages, and nothing is counted but what the limit asks for.
//! Faults bring them, and not mmap: they are found under a lock, and the mapping holds them only when it has a state.

use alloc::vec::Vec;
use core::sync::atomic::{AtomicUsize, Ordering};

use vmctx::{
    Errno, FaultCtx, MaySleep, Mixed, Mutex, PageCount, PageOffset, PageRange, PageRef, Platform, PrepareCtx,
    PrepareFile, Prepared, VmFault, VmOperations,
};

/// A page with its grant reference.
struct Gref<P: Platform> {
    page: P::Page,
    /// Where it is mapped.
    index: PageOffset,
    /// The byte to clear when the page goes, plus one; or 0.
    notify: AtomicUsize,
    /// How many there are.
    live: P::Ref<AtomicUsize>,
}

impl<P: Platform> Drop for Gref<P> {
    /// `__del_gref`
    fn drop(&mut self) {
        if let Some(byte) = self.notify.load(Ordering::Acquire).checked_sub(1) {
            // This cannot fail: that the byte lies in the page was checked when it was set.
            let _ = self.page.write(byte, &[0]);
        }
        self.live.fetch_sub(1, Ordering::AcqRel);
    }
}

/// References in the order of their indices.
type Grefs<P> = Vec<<P as Platform>::Ref<Gref<P>>>;

/// An open file.
pub struct Gntalloc<P: Platform> {
    memory: P::Memory,
    limit: usize,
    live: P::Ref<AtomicUsize>,
    list: P::Mutex<List<P>>,
}

struct List<P: Platform> {
    grefs: Grefs<P>,
    /// The index of the page that is allocated next.
    next: PageOffset,
}

impl<P: Platform> List<P> {
    /// The places in the list of `count` pages with indices from `index` on (`find_grefs`).
    fn find(&self, index: PageOffset, count: PageCount) -> Option<core::ops::Range<usize>> {
        let first = self.grefs.binary_search_by_key(&index, |gref| gref.index).ok()?;
        let end = first.checked_add(count.get())?;
        // The indices are sorted and differ, so none is missing between two that are as far apart as they should be.
        let last = self.grefs.get(first..end)?.last()?;
        (last.index.checked_since(index)?.get() + 1 == count.get()).then_some(first..end)
    }
}

impl<P: Platform> Gntalloc<P> {
    /// A file without pages, which may have `limit` of them.
    ///
    /// # Errors
    /// ENOMEM.
    pub fn new(memory: P::Memory, limit: PageCount, may_sleep: MaySleep<'_>) -> Result<Self, Errno> {
        let list = P::Mutex::new(List { grefs: Vec::new(), next: PageOffset::ZERO }, may_sleep)?;
        Ok(Self { memory, limit: limit.get(), live: P::share(AtomicUsize::new(0), may_sleep)?, list })
    }

    /// Allocates pages and grants them (`IOCTL_GNTALLOC_ALLOC_GREF`): `granted` is called for each, with which the
    /// other domain maps it. Gives back the index of the first.
    ///
    /// # Errors
    /// ENOSPC over the limit, ENOMEM; nothing is allocated then.
    pub fn alloc(
        &self,
        count: PageCount,
        may_sleep: MaySleep<'_>,
        mut granted: impl FnMut(&P::Page),
    ) -> Result<PageOffset, Errno> {
        let mut list = self.list.lock(may_sleep);
        if self.limit.checked_sub(self.live()).is_none_or(|left| count.get() > left) {
            return Err(Errno::ENOSPC);
        }
        let first = list.next;
        list.grefs.try_reserve(count.get()).map_err(|_| Errno::ENOMEM)?;
        let mut fresh = Vec::new();
        fresh.try_reserve_exact(count.get()).map_err(|_| Errno::ENOMEM)?;
        for index in 0..count.get() {
            let index = first.checked_add(PageCount::new(index)).ok_or(Errno::EOVERFLOW)?;
            let page = P::alloc_page(&self.memory, may_sleep)?;
            self.live.fetch_add(1, Ordering::AcqRel);
            let gref = Gref::<P> { page, index, notify: AtomicUsize::new(0), live: self.live.clone() };
            fresh.push(P::share(gref, may_sleep)?);
        }
        list.next = first.checked_add(count).ok_or(Errno::EOVERFLOW)?;
        fresh.iter().for_each(|gref| granted(&gref.page));
        list.grefs.extend(fresh);
        Ok(first)
    }

    /// Takes pages off the file's list (`IOCTL_GNTALLOC_DEALLOC_GREF`). Those that are mapped go later.
    ///
    /// # Errors
    /// EINVAL if not all of them are on it; then all stay.
    pub fn dealloc(&self, index: PageOffset, count: PageCount, may_sleep: MaySleep<'_>) -> Result<(), Errno> {
        let mut list = self.list.lock(may_sleep);
        let found = list.find(index, count).ok_or(Errno::EINVAL)?;
        list.grefs.drain(found);
        Ok(())
    }

    /// Asks for a byte of a page to be cleared when the page goes (`IOCTL_GNTALLOC_SET_UNMAP_NOTIFY`).
    ///
    /// # Errors
    /// ENOENT if there is no such page, EINVAL for a byte that is not in a page.
    pub fn set_notify(&self, index: PageOffset, byte: usize, may_sleep: MaySleep<'_>) -> Result<(), Errno> {
        let list = self.list.lock(may_sleep);
        let found = list.find(index, PageCount::new(1)).ok_or(Errno::ENOENT)?;
        if byte >= P::PAGE_SIZE {
            return Err(Errno::EINVAL);
        }
        list.grefs.get(found).into_iter().flatten().for_each(|gref| gref.notify.store(byte + 1, Ordering::Release));
        Ok(())
    }

    /// How many pages are granted: on the list, or mapped.
    pub fn live(&self) -> usize {
        self.live.load(Ordering::Acquire)
    }
}

impl<P: Platform> PrepareFile for Gntalloc<P> {
    type Platform = P;
    type Ops = View<P>;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Mixed>, Errno> {
        let ctx = ctx.shared_only()?;
        self.list.lock(ctx.may_sleep()).find(ctx.pgoff(), ctx.page_count()).ok_or(Errno::ENOENT)?;
        ctx.writable().dont_dump().by_faults()
    }

    fn mapped(&self, shown: PageRange, may_sleep: MaySleep<'_>) -> Result<P::Ref<View<P>>, Errno> {
        let list = self.list.lock(may_sleep);
        let found = list.find(shown.start, shown.page_count()).ok_or(Errno::ENOENT)?;
        let mut grefs = Vec::new();
        grefs.try_reserve_exact(found.len()).map_err(|_| Errno::ENOMEM)?;
        grefs.extend(list.grefs.get(found).into_iter().flatten().cloned());
        drop(list);
        P::share(View::<P> { first: shown.start, grefs }, may_sleep)
    }
}

/// A mapping: a user of its pages.
pub struct View<P: Platform> {
    /// The index of the first of them.
    first: PageOffset,
    grefs: Grefs<P>,
}

impl<P: Platform> VmOperations for View<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        ctx.insert_page_with(|at| {
            let place = at.pgoff().checked_since(self.first).ok_or(Errno::ENXIO)?;
            self.grefs.get(place.get()).map(|gref| &gref.page).ok_or(Errno::ENXIO)
        })
    }
}
