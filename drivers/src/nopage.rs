//! A file whose fault hands its page back: `nopage`, as it was until linux-mm, May 2007 ("merge populate and nopage
//! into fault"), in `sound/core/pcm_native.c`, `drivers/scsi/sg.c` and `mm/filemap.c`, `filemap_nopage`.
//!
//! A file can be truncated under its users. The page that a fault has found may be out of the file, and its slot
//! unmapped, before the core maps it; then a user keeps a page that is nobody's.
//!
//! What C did by hand: errors were magic pointers among the pages (`NOPAGE_SIGBUS`, `NOPAGE_OOM`). The truncation was
//! met with a count that the core compared and, in case, called the hook once more; the patches of that thread replace
//! it by the page lock, which hook, core and truncation all take. They had to tell the core with a flag of the mapping
//! that a hook returns its page locked, and each hook to look again once it has the lock. Here a page that was locked
//! is another type, the answer that takes it says so to the core, and who truncates has to prove that no lock is held
//! that comes before the page's.

use alloc::vec::Vec;

use vmctx::{
    Errno, FaultCtx, MaySleep, Normal, PageOffset, PageRange, Platform, PrepareCtx, PrepareFile, Prepared, RwLock,
    SharedObject, UnlockedCtx, VmFault, VmOperations,
};

/// A file, and its page cache.
pub struct Object<P: Platform> {
    pages: P::RwLock<Vec<Option<P::Page>>>,
    mappings: SharedObject<P>,
}

impl<P: Platform> Object<P> {
    /// A file of these pages.
    ///
    /// # Errors
    /// ENOMEM.
    pub fn new(pages: &[P::Page], may_sleep: MaySleep<'_>) -> Result<Self, Errno> {
        let mut cache = Vec::new();
        cache.try_reserve_exact(pages.len()).map_err(|_| Errno::ENOMEM)?;
        cache.extend(pages.iter().cloned().map(Some));
        Ok(Self { pages: P::RwLock::new(cache, may_sleep)?, mappings: SharedObject::new(may_sleep)? })
    }

    /// Takes the page at this offset out of the file, and out of every mapping. `None` if there is none.
    pub fn truncate(&self, ctx: &mut UnlockedCtx<'_, P>, at: PageOffset) -> Option<P::Page> {
        let page = self.page(at, ctx.may_sleep())?;
        let lock = ctx.lock_page(&page);
        let mut pages = self.pages.write(lock.may_sleep());
        // Somebody else may have truncated it while this waited for the lock.
        let gone = pages.get_mut(at.index()).filter(|slot| is::<P>(slot.as_ref(), &page))?.take();
        drop(pages);
        lock.unmap(&self.mappings, at);
        gone
    }

    /// Puts a page into the file where it has none.
    ///
    /// # Errors
    /// EEXIST where it has one; EFBIG behind its greatest length.
    pub fn extend(&self, at: PageOffset, page: P::Page, may_sleep: MaySleep<'_>) -> Result<(), Errno> {
        match self.pages.write(may_sleep).get_mut(at.index()) {
            Some(slot @ None) => *slot = Some(page),
            Some(Some(_)) => return Err(Errno::EEXIST),
            None => return Err(Errno::EFBIG),
        }
        Ok(())
    }

    fn page(&self, at: PageOffset, may_sleep: MaySleep<'_>) -> Option<P::Page> {
        self.pages.read(may_sleep).get(at.index()).cloned().flatten()
    }

    fn holds(&self, at: PageOffset, page: &P::Page, may_sleep: MaySleep<'_>) -> bool {
        is::<P>(self.pages.read(may_sleep).get(at.index()).and_then(Option::as_ref), page)
    }
}

/// Whether this is that page.
fn is<P: Platform>(this: Option<&P::Page>, that: &P::Page) -> bool {
    this.map(P::page_pfn) == Some(P::page_pfn(that))
}

impl<P: Platform> VmOperations for Object<P> {
    type Platform = P;
    type Kind = Normal;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Normal>) -> VmFault<'f> {
        let at = ctx.pgoff();
        loop {
            let Some(page) = self.page(at, ctx.may_sleep()) else { return ctx.fail(Errno::ENXIO) };
            let locked = ctx.lock_page(&page);
            if self.holds(at, &page, ctx.may_sleep()) {
                return ctx.deliver_locked(locked);
            }
            // The page was truncated while this waited for its lock. The lock is dropped, and the loop looks again.
        }
    }
}

/// The open file.
pub struct Nopage<P: Platform> {
    object: P::Ref<Object<P>>,
}

impl<P: Platform> Nopage<P> {
    /// Opens it.
    pub fn new(object: P::Ref<Object<P>>) -> Self {
        Self { object }
    }
}

impl<P: Platform> PrepareFile for Nopage<P> {
    type Platform = P;
    type Ops = Object<P>;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Normal>, Errno> {
        ctx.writable().by_faults()
    }

    fn mapped(&self, _: PageRange, _: MaySleep<'_>) -> Result<P::Ref<Object<P>>, Errno> {
        Ok(self.object.clone())
    }

    fn object(&self) -> Option<&SharedObject<P>> {
        Some(&self.object.mappings)
    }
}

#[cfg(test)]
mod tests {
    use core::slice;
    use std::thread;

    use vmctx::{ByPrepare, PageRef};
    use vmctx_sim::{Machine, Map, Sim};

    use super::*;

    #[test]
    fn who_has_found_a_page_that_is_being_truncated_does_not_get_it() {
        let machine = Machine::new();
        let page = machine.alloc_page().unwrap();
        page.write(0, &[7]).unwrap();
        let object = Object::<Sim>::new(slice::from_ref(&page), machine.may_sleep()).unwrap();
        let object = Sim::share(object, machine.may_sleep()).unwrap();
        let file = machine.open(ByPrepare(Nopage::<Sim>::new(object.clone())));
        let process = machine.process();
        let at = process.mmap(&file, Map::shared(Sim::PAGE_SIZE)).unwrap();

        let touch = machine.unlocked(|ctx| {
            let lock = ctx.lock_page(&page);
            let toucher = process.thread();
            let touch = thread::spawn(move || toucher.read_u8(at));
            // The hook was called. It cannot have delivered the page, whose lock is held here.
            while machine.statistics().handler_calls == 0 {
                thread::yield_now();
            }
            *object.pages.write(lock.may_sleep()).get_mut(0).unwrap() = None;
            lock.unmap(&object.mappings, PageOffset::ZERO);
            touch
        });
        assert!(touch.unwrap().join().unwrap().is_err_and(|error| error.signal().is_some()));
        assert_eq!((page.references(), page.map_count()), (1, 0));
        // The page is in the file again, and can be locked: nobody has kept its lock.
        object.extend(PageOffset::ZERO, page, machine.may_sleep()).unwrap();
        assert_eq!(process.thread().read_u8(at), Ok(7));
        assert!(machine.unlocked(|ctx| object.truncate(ctx, PageOffset::ZERO).is_some()).unwrap());
        assert!(process.thread().read_u8(at).is_err());
    }
}
