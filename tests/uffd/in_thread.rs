//! Faults that are served by the thread that has them.

use std::{
    ptr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
};

use vmctx::{Mixed, PageOffset, WaitQueue as _};
use vmctx_uffd::{Map, Options, Session, Trap, WaitQueue};

use crate::{
    drivers::{OnDrop, PAGE, faulting, first_byte, number, page_at, pages, ring},
    kept,
    sessions::{load, open},
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
    let file = faulting::<Mixed, _, _>(&session, move |ctx| {
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
fn who_waits_inside_its_own_fault_is_interrupted_when_the_session_stops() {
    let session = session();
    let queue = Arc::new(WaitQueue::default());
    let (waiting, pages) = (Arc::clone(&queue), pages(&session, 2));
    let file = faulting::<Mixed, _, _>(&session, move |ctx| {
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
    let file = faulting::<Mixed, _, _>(&session, move |ctx| {
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

#[test]
fn what_a_thread_drops_at_its_end_is_served_as_well() {
    let session = Arc::new(session());
    let pages = pages(&*session, 2);
    let at = session.mmap(&ring(&*session, &pages), Map::shared(2 * PAGE)).unwrap();
    let (tell, told) = mpsc::channel();
    let user = Arc::clone(&session);
    let thread = thread::spawn(move || {
        kept::begin();
        assert_eq!(load(&user, at), Ok(number(0)));
        kept::keep(OnDrop(move || tell.send(load(&user, page_at(at, 1))).unwrap()));
    });
    thread.join().unwrap();
    assert_eq!(told.recv(), Ok(Ok(number(1))));
    assert_eq!((session.statistics().events, session.take_errors()), (2, Vec::new()));
}
