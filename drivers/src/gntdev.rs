//! Pages that another Xen domain has granted: `drivers/xen/gntdev.c`, `gntdev_mmap` and `unmap_grant_pages` (one of the
//! call sites of linux-mm, September 2018), as a paravirtual guest has it.
//!
//! An ioctl collects grant references in a *map*, which gets an index in the file. mmap finds a map by its index and by
//! its length, maps the grants, and inserts their pages. When the mapping goes, a byte is cleared if that was asked
//! for, and the grants are given back.
//!
//! What C got wrong or did by hand: a copy of a granted page must never be made, and in 2018 a private mapping was
//! refused only if it was writable at once, not if it could become so. A mapping in which somebody cuts a hole is
//! followed by a notifier, under a FIXME that says it would be better to prevent that. A map that was mapped once
//! cannot be mapped again, for nobody clears the mark. A new map leaves a gap unused that it fits exactly. Here what is
//! mapped read-only is so for good by [`read_only`](vmctx::MmapCtx::read_only), cutting is refused
//! ([`may_split`](vmctx::Hooks::may_split)), and grants, mark and byte are the state's `Drop`.
//!
//! This one keeps its mmap hook: how the grants are mapped follows from the mapping's rights, and who maps them after a
//! [prepare hook](vmctx::PrepareFile), in `mapped`, is not told of them.

use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use vmctx::{
    Errno, Hooks, Mapped, MaySleep, Mixed, MmapCtx, MmapFile, Mutex, PageCount, PageOffset, PageRef, Platform,
    VmOperations,
};

use crate::buffer::Buffer;

/// Grants to be mapped together.
struct Map<P: Platform> {
    /// Where it is mapped.
    index: PageOffset,
    /// The pages of the other domain, by grant reference.
    refs: Vec<PageOffset>,
    in_use: AtomicBool,
    /// One of [`UNDECIDED`], [`READ_ONLY`], [`WRITABLE`]: what the first mapping was.
    access: AtomicUsize,
    /// The byte to clear at the next unmapping, plus one; or 0.
    notify: AtomicUsize,
    /// How many grants are mapped.
    live: P::Ref<AtomicUsize>,
}

const UNDECIDED: usize = 0;
const READ_ONLY: usize = 1;
const WRITABLE: usize = 2;

impl<P: Platform> Map<P> {
    fn end(&self) -> Option<PageOffset> {
        self.index.checked_add(PageCount::new(self.refs.len()))
    }

    /// The first mapping decides what those to come may be: a writable one must not follow a read-only one.
    fn admit(&self, writable: bool) -> Result<(), Errno> {
        let wanted = if writable { WRITABLE } else { READ_ONLY };
        match self.access.compare_exchange(UNDECIDED, wanted, Ordering::AcqRel, Ordering::Acquire) {
            Err(READ_ONLY) if writable => Err(Errno::EINVAL),
            _ => Ok(()),
        }
    }
}

/// An open file.
pub struct Gntdev<P: Platform> {
    /// The other domain's pages. Their numbers are the grant references.
    foreign: P::Ref<Buffer<P>>,
    /// In the order of their indices.
    maps: P::Mutex<Vec<P::Ref<Map<P>>>>,
    live: P::Ref<AtomicUsize>,
}

impl<P: Platform> Gntdev<P> {
    /// A file through which the pages of `foreign` are reached, which are all granted.
    ///
    /// # Errors
    /// ENOMEM.
    pub fn new(foreign: P::Ref<Buffer<P>>, may_sleep: MaySleep<'_>) -> Result<Self, Errno> {
        let live = P::share(AtomicUsize::new(0), may_sleep)?;
        Ok(Self { foreign, maps: P::Mutex::new(Vec::new(), may_sleep)?, live })
    }

    /// Collects grant references in a map (`IOCTL_GNTDEV_MAP_GRANT_REF`). Gives back the index at which it can be
    /// mapped, the lowest where it fits. Whether the references exist turns out when it is mapped.
    ///
    /// # Errors
    /// EINVAL for none, ENOMEM.
    pub fn add(&self, refs: Vec<PageOffset>, may_sleep: MaySleep<'_>) -> Result<PageOffset, Errno> {
        if refs.is_empty() {
            return Err(Errno::EINVAL);
        }
        let mut maps = self.maps.lock(may_sleep);
        let (mut place, mut index) = (maps.len(), PageOffset::ZERO);
        for (before, map) in maps.iter().enumerate() {
            if map.index.checked_since(index).is_some_and(|gap| gap.get() >= refs.len()) {
                place = before;
                break;
            }
            index = map.end().ok_or(Errno::ENOMEM)?;
        }
        maps.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
        let map = Map::<P> {
            index,
            refs,
            in_use: AtomicBool::new(false),
            access: AtomicUsize::new(UNDECIDED),
            notify: AtomicUsize::new(0),
            live: self.live.clone(),
        };
        maps.insert(place, P::share(map, may_sleep)?);
        Ok(index)
    }

    /// Forgets a map (`IOCTL_GNTDEV_UNMAP_GRANT_REF`). If it is mapped, it stays so.
    ///
    /// # Errors
    /// ENOENT if there is none at this index with so many grants.
    pub fn remove(&self, index: PageOffset, count: PageCount, may_sleep: MaySleep<'_>) -> Result<(), Errno> {
        let mut maps = self.maps.lock(may_sleep);
        let place = position::<P>(&maps, index, count).ok_or(Errno::ENOENT)?;
        maps.remove(place);
        Ok(())
    }

    /// Asks for a byte to be cleared when the map that it lies in is unmapped the next time
    /// (`IOCTL_GNTDEV_SET_UNMAP_NOTIFY`).
    ///
    /// # Errors
    /// ENOENT if it lies in none; EINVAL in one that is read-only, or for a byte that is not in a page.
    pub fn set_notify(&self, at: PageOffset, byte: usize, may_sleep: MaySleep<'_>) -> Result<(), Errno> {
        let maps = self.maps.lock(may_sleep);
        let inside = |map: &P::Ref<Map<P>>| at.checked_since(map.index).filter(|page| page.get() < map.refs.len());
        let (map, page) = maps.iter().find_map(|map| inside(map).map(|page| (map, page))).ok_or(Errno::ENOENT)?;
        if byte >= P::PAGE_SIZE || map.access.load(Ordering::Acquire) == READ_ONLY {
            return Err(Errno::EINVAL);
        }
        map.notify.store(page.get() * P::PAGE_SIZE + byte + 1, Ordering::Release);
        Ok(())
    }

    /// How many grants are mapped.
    pub fn live(&self) -> usize {
        self.live.load(Ordering::Acquire)
    }

    /// Maps the grants of a map (`gntdev_map_grant_pages`). They are mapped until the value is dropped.
    fn map_grants(&self, map: P::Ref<Map<P>>) -> Result<Grants<P>, Errno> {
        let mut pages = Vec::new();
        pages.try_reserve_exact(map.refs.len()).map_err(|_| Errno::ENOMEM)?;
        for grant in &map.refs {
            pages.push(self.foreign.page(*grant).ok_or(Errno::EINVAL)?.clone());
        }
        if map.in_use.swap(true, Ordering::AcqRel) {
            return Err(Errno::EINVAL);
        }
        map.live.fetch_add(pages.len(), Ordering::AcqRel);
        Ok(Grants { map, pages })
    }
}

/// The place of the map with this index and so many grants (`gntdev_find_map_index`).
fn position<P: Platform>(maps: &[P::Ref<Map<P>>], index: PageOffset, count: PageCount) -> Option<usize> {
    maps.iter().position(|map| map.index == index && map.refs.len() == count.get())
}

impl<P: Platform> MmapFile for Gntdev<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, mut ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        // A store to a private mapping would copy somebody else's page.
        if !ctx.is_shared() && ctx.is_writable() {
            return Err(Errno::EINVAL);
        }
        let maps = self.maps.lock(ctx.may_sleep());
        let place = position::<P>(&maps, ctx.pgoff(), ctx.page_count());
        let map = place.and_then(|place| maps.get(place)).ok_or(Errno::EINVAL)?.clone();
        drop(maps);
        let writable = ctx.is_writable();
        // For ever, so that mprotect cannot add the right later: the grants below are mapped read-only.
        let ctx = if writable { ctx.writable() } else { ctx.read_only()? };
        let grants = self.map_grants(map)?;
        grants.map.admit(writable)?;
        let grants = P::share(grants, ctx.may_sleep())?;
        let ctx = ctx.dont_copy().dont_dump().establish_shared(grants.clone())?;
        ctx.fill_from_first(&grants.pages)
    }
}

/// A mapping: grants that are mapped.
struct Grants<P: Platform> {
    map: P::Ref<Map<P>>,
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Grants<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.may_split(|_, _| Err(Errno::EINVAL));
}

impl<P: Platform> Drop for Grants<P> {
    /// Called when nobody has the pages mapped any more: clears the byte, and gives the grants back.
    fn drop(&mut self) {
        if let Some(byte) = self.map.notify.swap(0, Ordering::AcqRel).checked_sub(1) {
            if let Some(page) = self.pages.get(byte / P::PAGE_SIZE) {
                // This cannot fail: that the byte lies in the page was checked when it was set.
                let _ = page.write(byte % P::PAGE_SIZE, &[0]);
            }
        }
        self.map.live.fetch_sub(self.pages.len(), Ordering::AcqRel);
        self.map.in_use.store(false, Ordering::Release);
    }
}
