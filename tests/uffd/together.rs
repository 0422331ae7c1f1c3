//! Faults that come together: their hooks are called one after the other, and then the kernel is told of all of them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use vmctx::{Errno, FaultCtx, Mapped, Mixed, MmapCtx, MmapFile, PageCount, PageOffset, Release, SharedObject, VmFault};
use vmctx_hosted::Ref;
use vmctx_uffd::{Map, Uffd};

use crate::{
    drivers::{OnFault, PAGE, faulting, number, on_fault, page_at, pages, ring},
    sessions::{answers, load, session},
    threads::all_at_once,
};

const THREADS: usize = 12;
const ROUNDS: usize = 60;

#[test]
fn each_has_its_page_and_each_hook_is_called_once() {
    let session = session();
    let pages = pages(&session, THREADS);
    // Neighbours alternate between two mappings of two devices.
    let files = [ring(&session, &pages), ring(&session, &pages)];
    for _ in 0..ROUNDS {
        let at = files.each_ref().map(|file| session.mmap(file, Map::shared(THREADS * PAGE)).unwrap());
        all_at_once(THREADS, |page| {
            for at in at {
                assert_eq!(load(&session, page_at(at, page)), Ok(number(page)));
            }
        });
        for at in at {
            session.munmap(at, THREADS * PAGE).unwrap();
        }
    }
    let counts = session.statistics();
    assert_eq!(counts.handler_calls, u64::try_from(2 * THREADS * ROUNDS).unwrap());
    assert_eq!((counts.inserted, counts.already_present, counts.refaults), (counts.handler_calls, 0, 0));
    assert_eq!(session.take_errors(), []);
}

/// A file with mappings to revoke, and this fault hook.
struct Revocable<F> {
    mappings: Arc<SharedObject<Uffd>>,
    state: Ref<OnFault<Uffd, Mixed, F>>,
}

impl<F> MmapFile for Revocable<F>
where
    F: for<'f> Fn(FaultCtx<'f, Uffd, Mixed>) -> VmFault<'f> + Send + Sync + 'static,
{
    type Platform = Uffd;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Uffd>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.writable().establish_shared(self.state.clone())?.fill_later())
    }

    fn object(&self) -> Option<&SharedObject<Uffd>> {
        Some(&self.mappings)
    }
}

/// Each hook takes the page before its own away, once in each round.
#[test]
fn what_the_next_hook_takes_away_is_asked_for_again() {
    let session = session();
    let may_sleep = session.memory().may_sleep();
    let pages = pages(&session, THREADS);
    let mappings = Arc::new(SharedObject::new(may_sleep).unwrap());
    let took: Arc<[AtomicBool]> = (0..THREADS).map(|_| AtomicBool::new(false)).collect();
    let (all, has_taken) = (Arc::clone(&mappings), Arc::clone(&took));
    let state = on_fault::<Uffd, Mixed, _>(move |ctx| {
        let own = ctx.pgoff().index();
        if let Some(before) = own.checked_sub(1) {
            if !has_taken[own].swap(true, Ordering::AcqRel) {
                all.unmap_once(PageOffset::new(before), PageCount::new(1), ctx.may_sleep());
            }
        }
        ctx.insert_page(&pages[own])
    });
    let file = session.file(Revocable { mappings: Arc::clone(&mappings), state: Ref::new(state) });
    let at = session.mmap(&file, Map::shared(THREADS * PAGE)).unwrap();
    for _ in 0..ROUNDS {
        took.iter().for_each(|took| took.store(false, Ordering::Release));
        mappings.unmap_once(PageOffset::ZERO, PageCount::new(THREADS), may_sleep);
        all_at_once(THREADS, |page| assert_eq!(load(&session, page_at(at, page)), Ok(number(page))));
    }
    assert_eq!(session.take_errors(), []);
}

/// Whoever gives up the lock may take as long as it likes.
#[test]
fn who_was_served_before_does_not_wait_for_a_hook_without_the_lock() {
    let session = session();
    let pages = pages(&session, THREADS);
    let (asked, done) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
    let have_it = Arc::clone(&done);
    let file = faulting::<Mixed, _, _>(&session, move |ctx| {
        let own = ctx.pgoff().index();
        if own % 3 != 0 || ctx.is_tried() {
            asked.fetch_add(1, Ordering::AcqRel);
            return ctx.insert_page(&pages[own]);
        }
        match ctx.release() {
            Release::Released(released) => {
                while have_it.load(Ordering::Acquire) < asked.load(Ordering::Acquire) {
                    thread::yield_now();
                }
                released.retry()
            }
            Release::NoWait(_) | Release::Keep(_) => unreachable!("a first try may be retried"),
        }
    });
    for _ in 0..ROUNDS {
        let at = session.mmap(&file, Map::shared(THREADS * PAGE)).unwrap();
        all_at_once(THREADS, |page| {
            assert_eq!(load(&session, page_at(at, page)), Ok(number(page)));
            done.fetch_add(1, Ordering::AcqRel);
        });
        session.munmap(at, THREADS * PAGE).unwrap();
    }
    assert_eq!(answers(&session).retry, u64::try_from(ROUNDS * THREADS.div_ceil(3)).unwrap());
    assert_eq!(session.take_errors(), []);
}
