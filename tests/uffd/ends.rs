//! How a session ends: nobody is handed what nobody serves.

use std::{
    sync::{
        Arc, Barrier, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use vmctx::{Mixed, WaitQueue as _};
use vmctx_uffd::{Map, Options, SyscallError, Trap, WaitQueue};

use crate::{
    drivers::{OnDrop, PAGE, faulting, page_at, pages, ring},
    sessions::{load, open, session},
    system_call::finds_nothing_at,
};

#[test]
fn who_waits_when_the_session_stops_gets_a_signal_and_no_zeros() {
    let session = session();
    let queue = Arc::new(WaitQueue::default());
    let waiting = Arc::clone(&queue);
    let file = faulting::<Mixed, _, _>(&session, move |ctx| {
        let ticket = waiting.ticket();
        match ctx.wait(ticket) {
            Ok(waited) => ctx.refault(waited),
            Err(errno) => ctx.fail_or_refault(errno),
        }
    });
    let at = session.mmap(&file, Map::shared(8 * PAGE)).unwrap();
    thread::scope(|scope| {
        let session = &session;
        let touches: Vec<_> = (0..8).map(|page| scope.spawn(move || load(session, page_at(at, page)))).collect();
        while queue.sleepers() == 0 {
            thread::yield_now();
        }
        session.stop().unwrap();
        for (page, touch) in touches.into_iter().enumerate() {
            assert_eq!(touch.join().unwrap(), Err(Trap::Sigbus(page_at(at, page))));
        }
    });
    assert_eq!(session.mmap(&file, Map::shared(PAGE)), Err(SyscallError::Stopped));
    assert_eq!(session.ioctl(|_| ()), Err(SyscallError::Stopped));
    // Again, and for good.
    session.stop().unwrap();
    assert_eq!(load(&session, at), Err(Trap::Sigbus(at)));
    session.munmap(at, 8 * PAGE).unwrap();
}

#[test]
fn what_is_mapped_when_the_session_stops_stays() {
    let session = session();
    let pages = pages(&session, 3);
    let at = session.mmap(&ring(&session, &pages), Map::shared(3 * PAGE)).unwrap();
    session.write(page_at(at, 1), &[66]).unwrap();
    session.stop().unwrap();
    assert_eq!(load(&session, page_at(at, 1)), Ok(66));
    for page in [0, 2] {
        let address = page_at(at, page);
        assert_eq!(load(&session, address), Err(Trap::Sigbus(address)));
    }
}

#[test]
fn a_session_can_be_stopped_while_all_its_users_run() {
    const THREADS: usize = 6;
    const PAGES: usize = 256;
    for round in 0..30 {
        let session = session();
        let pages = pages(&session, PAGES);
        let at = session.mmap(&ring(&session, &pages), Map::shared(PAGES * PAGE)).unwrap();
        let start = Barrier::new(THREADS + 1);
        thread::scope(|scope| {
            for thread in 0..THREADS {
                let (session, start) = (&session, &start);
                scope.spawn(move || {
                    start.wait();
                    for step in 0..PAGES {
                        let index = (step * (2 * thread + 1)) % PAGES;
                        let (address, number) = (page_at(at, index), crate::drivers::number(index));
                        let got = load(session, address);
                        assert!(got == Ok(number) || got == Err(Trap::Sigbus(address)), "{got:?} at page {index}");
                    }
                });
            }
            start.wait();
            while session.statistics().events < round * 8 {
                thread::yield_now();
            }
            session.stop().unwrap();
        });
        drop(session);
        assert!(pages.iter().all(|page| page.references() == 1), "the driver has gone, and its mappings");
    }
}

#[test]
fn states_are_dropped_with_the_session_after_their_pages() {
    let dropped = Arc::new(AtomicBool::new(false));
    let session = session();
    let pages = pages(&session, 1);
    let (tell, shown) = (Arc::clone(&dropped), pages.clone());
    let on_drop = OnDrop(move || tell.store(true, Ordering::Release));
    let file = faulting::<Mixed, _, _>(&session, move |ctx| {
        let _ = &on_drop;
        ctx.insert_page(&shown[0])
    });
    let at = session.mmap(&file, Map::shared(PAGE)).unwrap();
    drop(file);
    assert_eq!(load(&session, at), Ok(1));
    assert!(!dropped.load(Ordering::Acquire));
    drop(session);
    assert!(dropped.load(Ordering::Acquire));
    assert_eq!(pages[0].references(), 1);
}

/// A child has no such mappings: with them it would be handed zeros, because nobody serves it.
#[test]
fn a_child_of_fork_has_no_such_mapping() {
    let session = session();
    let pages = pages(&session, 2);
    let at = session.mmap(&ring(&session, &pages), Map::shared(2 * PAGE)).unwrap();
    assert_eq!(load(&session, at), Ok(1));
    // SAFETY: the child asks the kernel whether anything is mapped, and ends; nothing else of it runs.
    #[expect(unsafe_code, reason = "fork, and system calls alone in the child")]
    let status = unsafe {
        let child = libc::fork();
        if child == 0 {
            let mut present = [0_u8; 2];
            let found = libc::mincore(at.get() as *mut _, 2 * PAGE, present.as_mut_ptr());
            libc::_exit(i32::from(found == 0));
        }
        let mut status = -1;
        assert_eq!(libc::waitpid(child, &raw mut status, 0), child);
        status
    };
    assert_eq!(status, 0, "ENOMEM: nothing is mapped there");
}

/// A hook has the last share of a session whose faults are served by the threads that have them: no thread of its own keeps
/// it. What its driver has not inserted is somebody else's.
#[test]
fn a_session_that_is_dropped_in_a_hook_hands_nobody_what_is_not_mapped() {
    let inner = open(Options::default().in_thread(), 1 << 12);
    let pages = pages(&inner, 2);
    let at = inner.mmap(&ring(&inner, &pages[..1]), Map::shared(2 * PAGE)).unwrap();
    assert_eq!(load(&inner, at), Ok(1));
    assert!(finds_nothing_at(page_at(at, 1).get()));

    let outer = session();
    let inner = Mutex::new(Some(inner));
    let shown = crate::drivers::pages(&outer, 1);
    let file = faulting::<Mixed, _, _>(&outer, move |ctx| {
        drop(inner.lock().unwrap().take());
        ctx.insert_page(&shown[0])
    });
    let there = outer.mmap(&file, Map::shared(PAGE)).unwrap();
    assert_eq!(load(&outer, there), Ok(1));
    assert!(finds_nothing_at(page_at(at, 1).get()));
}
