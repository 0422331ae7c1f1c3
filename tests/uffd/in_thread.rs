//! Faults that are served by the thread that has them.

use std::{
    ptr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use vmctx::{Errno, Mixed, Normal, PageOffset, WaitQueue as _};
use vmctx_uffd::{Map, Options, Session, SessionError, Trap, WaitQueue};

use crate::{
    drivers::{PAGE, all_at_once, faulting, first_byte, load, number, open, page_at, pages, ring},
    mkwrite,
};

fn session() -> Session {
    open(Options::default().in_thread(), 1 << 12)
}

#[test]
fn the_hook_runs_in_the_thread_that_touches() {
    let session = session();
    let pages = pages(&session, 2);
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let (shown, told) = (pages.clone(), Arc::clone(&seen));
    let file = faulting::<Mixed, _>(&session, move |ctx| {
        told.lock().unwrap().push((thread::current().id(), ctx.is_write()));
        let page = &shown[ctx.pgoff().index()];
        ctx.insert_page(page)
    });
    let at = session.mmap(&file, Map::shared(2 * PAGE)).unwrap();
    let toucher = thread::scope(|scope| {
        let touch = scope.spawn(|| {
            // Plain accesses, which know nothing of the session.
            // SAFETY: mapped, and served as long as the session lives.
            #[expect(unsafe_code, reason = "a plain load and a plain store")]
            unsafe {
                ptr::write_volatile(page_at(at, 1).get() as *mut u8, 88);
                assert_eq!(ptr::read_volatile(at.get() as *const u8), 1);
            }
            thread::current().id()
        });
        touch.join().unwrap()
    });
    assert_eq!(*seen.lock().unwrap(), [(toucher, true), (toucher, false)]);
    assert_eq!(first_byte(&pages[1]), 88);
    assert_eq!(session.take_errors(), []);
}

#[test]
fn what_is_not_there_is_a_sigbus_and_what_is_not_mapped_a_sigsegv() {
    let session = session();
    let pages = pages(&session, 1);
    let at = session.mmap(&ring(&session, &pages), Map::shared(2 * PAGE)).unwrap();
    let behind = page_at(at, 1);
    for tries in 1..=3 {
        assert_eq!(load(&session, behind), Err(Trap::Sigbus(behind)));
        assert_eq!(session.statistics().answers.sigbus, tries);
    }
    assert_eq!(load(&session, at), Ok(1));
    session.munmap(at, 2 * PAGE).unwrap();
    assert_eq!(load(&session, at), Err(Trap::Sigsegv(at)));
    assert_eq!(pages[0].references(), 1);
}

#[test]
fn first_stores_are_told_or_refused_as_elsewhere() {
    mkwrite::tells_the_first_store_and_no_other(&session());
    mkwrite::refuses_a_store(&session());
}

#[test]
fn stores_to_a_private_mapping_are_the_users_own() {
    let session = session();
    let pages = pages(&session, 2);
    let shown = pages.clone();
    let file = faulting::<Normal, _>(&session, move |ctx| {
        let page = shown[ctx.pgoff().index()].clone();
        ctx.deliver(page)
    });
    let at = session.mmap(&file, Map::private(2 * PAGE)).unwrap();
    session.write(at, &[91]).unwrap();
    assert_eq!(load(&session, page_at(at, 1)), Ok(2));
    session.write(page_at(at, 1), &[92]).unwrap();
    assert_eq!((load(&session, at), load(&session, page_at(at, 1))), (Ok(91), Ok(92)));
    assert_eq!((first_byte(&pages[0]), first_byte(&pages[1])), (1, 2));
}

#[test]
fn a_panic_is_a_sigbus_and_a_handler_that_only_repeats_is_found_out() {
    let session = open(Options::default().in_thread().refaults(50), 16);
    let file = faulting::<Mixed, _>(&session, |ctx| {
        assert!(ctx.pgoff() == PageOffset::ZERO, "broken");
        ctx.fail_or_refault(Errno::EAGAIN)
    });
    let at = session.mmap(&file, Map::shared(2 * PAGE)).unwrap();
    assert_eq!(load(&session, at), Err(Trap::Sigbus(at)));
    assert_eq!(session.take_errors(), [SessionError::RefaultsForever { address: at, refaults: 50 }]);
    let second = page_at(at, 1);
    assert_eq!(load(&session, second), Err(Trap::Sigbus(second)));
    assert!(matches!(&session.take_errors()[..], [SessionError::Panicked { address, .. }] if *address == second));
}

#[test]
fn threads_race_and_each_finds_its_page() {
    const THREADS: usize = 8;
    const PAGES: usize = 64;
    let session = session();
    let mut shown = pages(&session, PAGES);
    shown.swap(10, 20);
    let file = ring(&session, &shown);
    for round in 0..40 {
        let at = session.mmap(&file, Map::shared(PAGES * PAGE)).unwrap();
        all_at_once(THREADS, |thread| {
            for step in 0..PAGES {
                let index = (step * (2 * thread + 1) + round) % PAGES;
                assert_eq!(load(&session, page_at(at, index)), Ok(first_byte(&shown[index])));
            }
        });
        session.munmap(at, PAGES * PAGE).unwrap();
    }
    assert!(shown.iter().all(|page| page.references() == 2));
    assert_eq!(session.take_errors(), []);
}

#[test]
fn who_waits_inside_its_own_fault_is_interrupted_when_the_session_stops() {
    let session = session();
    let queue = Arc::new(WaitQueue::default());
    let (waiting, pages) = (Arc::clone(&queue), pages(&session, 2));
    let file = faulting::<Mixed, _>(&session, move |ctx| {
        if ctx.pgoff() == PageOffset::ZERO {
            return ctx.insert_page(&pages[0]);
        }
        let ticket = waiting.ticket();
        match ctx.wait(ticket) {
            Ok(waited) => ctx.refault(waited),
            Err(errno) => ctx.fail_or_refault(errno),
        }
    });
    let at = session.mmap(&file, Map::shared(2 * PAGE)).unwrap();
    assert_eq!(load(&session, at), Ok(number(0)));
    let second = page_at(at, 1);
    thread::scope(|scope| {
        let touch = scope.spawn(|| load(&session, second));
        while queue.sleepers() == 0 {
            thread::yield_now();
        }
        session.stop().unwrap();
        assert_eq!(touch.join().unwrap(), Err(Trap::Sigbus(second)));
    });
    assert_eq!((load(&session, at), load(&session, second)), (Ok(number(0)), Err(Trap::Sigbus(second))));
}

/// The error number of whoever is interrupted is its own.
#[test]
fn a_fault_changes_no_errno() {
    let session = session();
    let pages = pages(&session, 1);
    let failed = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&failed);
    let file = faulting::<Mixed, _>(&session, move |ctx| {
        told.store(std::fs::File::open("/nowhere").is_err(), Ordering::Relaxed);
        ctx.insert_page(&pages[0])
    });
    let at = session.mmap(&file, Map::shared(PAGE)).unwrap();
    // SAFETY: this thread's error number, and a load of what is mapped and served.
    #[expect(unsafe_code, reason = "a plain load, and the error number around it")]
    let after = unsafe {
        *libc::__errno_location() = libc::EXDEV;
        ptr::read_volatile(at.get() as *const u8);
        *libc::__errno_location()
    };
    assert_eq!((after, failed.load(Ordering::Relaxed)), (libc::EXDEV, true));
}
