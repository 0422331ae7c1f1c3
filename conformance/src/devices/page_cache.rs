//! No driver of somebody's, but a probe: a file on a disk that is slower than memory, behind two page caches of the core's.
//! One is told of stores, the other is not. Users take their pages away as they like.

use core::sync::atomic::{AtomicU64, Ordering};

use vmctx::{
    Errno, FaultCtx, Hooks, Mapped, MaySleep, Mixed, MmapCtx, MmapFile, PageCache, PageCount, PageOffset, PageRange,
    PageRef, Platform, SharedObject, UnlockedCtx, VmFault, VmOperations,
};

use super::host::{Host, Opened, Shared, Side, buffer};
use vmctx_drivers::buffer::{Buffer, copy_bytes};

/// Pages behind each cache. The device's memory is the disk: those of the cache that is told, then the others.
pub const PAGES: usize = 8;

/// Gives all pages up, in the cache of this number: 0 is told of stores, 1 is not. How many went.
pub const EVICT: u32 = 1;
/// Gives pages up until there is one left. How many went.
pub const SHRINK: u32 = 2;
/// Writes back what was stored. How many pages that were.
pub const SYNC: u32 = 3;
/// Drops all pages, with what was stored to them. How many went.
pub const TRUNCATE: u32 = 4;
/// Stores a byte, 0x5a, at the end of the page of this number, as a system call does.
pub const STORE: u32 = 5;
/// Asks how many pages of both were given up since the device was opened.
pub const GIVEN_UP: u32 = 6;
/// Asks how many pages of both were written to the disk since the device was opened.
pub const WRITTEN: u32 = 7;

/// Where the pages of a cache begin in the file. Behind them is one offset more that has none.
#[must_use]
pub const fn first(cache: usize) -> PageOffset {
    PageOffset::new(3 + cache * (PAGES + 1))
}

/// Opens it.
///
/// # Errors
/// ENOMEM.
pub fn open<H: Host>(host: &H) -> Result<Opened<H::Platform>, Errno> {
    let (disk, object) = (buffer(host, 0, 2 * PAGES)?, SharedObject::new(host.may_sleep())?);
    let part = |number| object.part(first(number), PageCount::new(PAGES + 1));
    let parts = [part(0)?, part(1)?];
    let cache = |part| PageCache::new(host.memory().clone(), part, PageCount::new(PAGES), host.may_sleep());
    let [told, untold] = &parts;
    let caches = [cache(told)?, cache(untold)?];
    let (given_up, written) = (AtomicU64::new(0), AtomicU64::new(0));
    let inode = H::Platform::share(Inode { disk, object, parts, caches, given_up, written }, host.may_sleep())?;
    let file = H::Platform::share(File::<H::Platform>(inode.clone()), host.may_sleep())?;
    Ok(Opened::new(Shared::<H::Platform, _>(file), Disk::<H::Platform>(inode)))
}

struct Inode<P: Platform> {
    disk: P::Ref<Buffer<P>>,
    object: SharedObject<P>,
    /// What of it each of the caches is behind.
    parts: [SharedObject<P>; 2],
    caches: [PageCache<P>; 2],
    given_up: AtomicU64,
    written: AtomicU64,
}

impl<P: Platform> Inode<P> {
    /// The cache of this number.
    fn cache(&self, number: usize) -> Result<&PageCache<P>, Errno> {
        self.caches.get(number).ok_or(Errno::EINVAL)
    }

    /// Where a page of a cache is on the disk, in bytes.
    const fn place(number: usize, at: PageOffset) -> usize {
        (number * PAGES + at.index()) * P::PAGE_SIZE
    }

    fn fill(&self, number: usize, at: PageOffset, page: &P::Page) -> Result<(), Errno> {
        let start = Self::place(number, at);
        let write = |at, bytes: &[u8]| page.write(at, bytes).map_err(|_| Errno::EIO);
        copy_bytes(P::PAGE_SIZE, |at, bytes| self.disk.read(start + at, bytes), write)
    }

    fn save(&self, number: usize, at: PageOffset, page: &P::Page) -> Result<(), Errno> {
        let start = Self::place(number, at);
        self.written.fetch_add(1, Ordering::Relaxed);
        let read = |at, bytes: &mut [u8]| page.read(at, bytes).map_err(|_| Errno::EIO);
        copy_bytes(P::PAGE_SIZE, read, |at, bytes| self.disk.write(start + at, bytes))
    }

    /// Writes a page back that goes. Whoever still saw it would see what it leaves.
    fn save_last(&self, number: usize, at: PageOffset, page: &P::Page) -> Result<(), Errno> {
        self.save(number, at, page)?;
        let rest = |at: usize| page.write(at, &[0xee; 64]).map_err(|_| Errno::EIO);
        (0..P::PAGE_SIZE).step_by(64).try_for_each(rest)
    }

    fn count(&self, given_up: PageCount) -> u64 {
        self.given_up.fetch_add(given_up.get() as u64, Ordering::Relaxed);
        given_up.get() as u64
    }
}

/// A mapping of what is behind the cache that is told of stores, or behind the other.
struct View<P: Platform, const TOLD: bool>(P::Ref<Inode<P>>);

impl<P: Platform, const TOLD: bool> View<P, TOLD> {
    fn cache(&self) -> &PageCache<P> {
        let [told, untold] = &self.0.caches;
        if TOLD { told } else { untold }
    }
}

impl<P: Platform, const TOLD: bool> VmOperations for View<P, TOLD> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = {
        let hooks = Hooks::NONE.object(|view: &Self| Some(view.cache().object()));
        if TOLD { hooks.page_mkwrite(|view, ctx| view.cache().allow_store(ctx)) } else { hooks }
    };

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let at = ctx.pgoff();
        self.cache().serve(ctx, |page, _| self.0.fill(usize::from(!TOLD), at, page))
    }
}

struct File<P: Platform>(P::Ref<Inode<P>>);

impl<P: Platform> MmapFile for File<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let (ctx, [told, untold]) = (ctx.writable(), &self.0.parts);
        if told.contains(ctx.pgoff()) {
            Ok(ctx.rebase(told)?.establish(View::<P, true>(self.0.clone()))?.fill_later())
        } else {
            Ok(ctx.rebase(untold)?.establish(View::<P, false>(self.0.clone()))?.fill_later())
        }
    }

    fn object(&self) -> Option<&SharedObject<P>> {
        Some(&self.0.object)
    }
}

/// All pages of a cache.
const ALL: PageRange = PageRange { start: PageOffset::ZERO, end: PageOffset::new(PAGES) };

struct Disk<P: Platform>(P::Ref<Inode<P>>);

impl<P: Platform> Disk<P> {
    /// Gives up what has to be, and counts it.
    fn give_up(&self, request: u32, number: usize, may_sleep: MaySleep<'_>) -> Result<u64, Errno> {
        let (cache, all) = (self.0.cache(number)?, ALL);
        let last = |at, page: &P::Page| self.0.save_last(number, at, page);
        let went = match request {
            EVICT => cache.evict(all, may_sleep, last)?,
            SHRINK => cache.shrink_to(PageCount::new(1), may_sleep, last)?,
            _ => cache.truncate(all, may_sleep),
        };
        Ok(self.0.count(went))
    }
}

impl<P: Platform> Side<P> for Disk<P> {
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        self.0.disk.read(offset, into)
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), Errno> {
        self.0.disk.write(offset, from)
    }

    fn page(&self, at: PageOffset) -> Option<&P::Page> {
        self.0.disk.page(at)
    }

    fn control(&self, ctx: &mut UnlockedCtx<'_, P>, request: u32, argument: u64) -> Result<u64, Errno> {
        let argument = usize::try_from(argument).map_err(|_| Errno::EINVAL)?;
        match request {
            EVICT | SHRINK | TRUNCATE => self.give_up(request, argument, ctx.may_sleep()),
            SYNC => {
                let save = |at, page: &P::Page| self.0.save(argument, at, page);
                let written = self.0.cache(argument)?.write_back(ALL, ctx, save)?;
                Ok(written.get() as u64)
            }
            STORE => {
                let (number, at) = (argument / PAGES, PageOffset::new(argument % PAGES));
                let store = |page: &P::Page| page.write(P::PAGE_SIZE - 1, &[0x5a]).map_err(|_| Errno::EIO);
                self.0.cache(number)?.store_with(at, ctx, |page, _| self.0.fill(number, at, page), store)??;
                Ok(0)
            }
            GIVEN_UP => Ok(self.0.given_up.load(Ordering::Relaxed)),
            WRITTEN => Ok(self.0.written.load(Ordering::Relaxed)),
            _ => Err(Errno::ENOTTY),
        }
    }
}
