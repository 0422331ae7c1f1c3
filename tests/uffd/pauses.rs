//! A session that is paused: faults wait, and are served when it goes on.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use vmctx::Mixed;
use vmctx_uffd::{Hook, Map, Options, Session, SyscallError, Trap};

use crate::{
    drivers::{PAGE, faulting, number, page_at, pages, ring},
    sessions::{load, open},
};

const PAGES: usize = 6;

fn each_way(test: impl Fn(Session)) {
    for options in [Options::default(), Options::default().readers(3), Options::default().in_thread()] {
        test(open(options, 64));
    }
}

/// Enough for a fault that does not wait to be served.
fn a_while() {
    (0..2000).for_each(|_| thread::yield_now());
}

#[test]
fn faults_wait_until_the_session_goes_on() {
    each_way(|session| {
        let file = ring(&session, &pages(&session, PAGES));
        for round in 0..3 {
            let at = session.mmap(&file, Map::shared(PAGES * PAGE)).unwrap();
            assert_eq!(load(&session, at), Ok(number(0)));
            session.pause().unwrap();
            session.pause().unwrap();
            let served = AtomicUsize::new(0);
            thread::scope(|scope| {
                for page in 1..PAGES {
                    let (session, served) = (&session, &served);
                    scope.spawn(move || {
                        assert_eq!(load(session, page_at(at, page)), Ok(number(page)));
                        served.fetch_add(1, Ordering::SeqCst);
                    });
                }
                let calls = session.statistics().handler_calls;
                a_while();
                assert_eq!((served.load(Ordering::SeqCst), session.statistics().handler_calls), (0, calls));
                // What is there is used, and what can be called is called.
                assert_eq!(load(&session, at), Ok(number(0)));
                let other = session.mmap(&file, Map::shared(PAGE)).unwrap();
                session.munmap(other, PAGE).unwrap();
                assert_eq!(session.ioctl(|_| ()), Ok(()));
                session.resume();
            });
            assert_eq!(served.load(Ordering::SeqCst), PAGES - 1, "round {round}");
            session.munmap(at, PAGES * PAGE).unwrap();
        }
        assert_eq!(session.take_errors(), []);
    });
}

#[test]
fn a_pause_waits_for_the_hook_that_is_being_called() {
    each_way(|session| {
        let pages = pages(&session, 1);
        let (entered, go_on) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (tells, waits) = (Arc::clone(&entered), Arc::clone(&go_on));
        let file = faulting::<Mixed, _, _>(&session, move |ctx| {
            tells.store(true, Ordering::SeqCst);
            while !waits.load(Ordering::SeqCst) {
                thread::yield_now();
            }
            ctx.insert_page(&pages[0])
        });
        let at = session.mmap(&file, Map::shared(PAGE)).unwrap();
        let paused = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| assert_eq!(load(&session, at), Ok(number(0))));
            while !entered.load(Ordering::SeqCst) {
                thread::yield_now();
            }
            scope.spawn(|| {
                session.pause().unwrap();
                paused.store(true, Ordering::SeqCst);
            });
            a_while();
            assert!(!paused.load(Ordering::SeqCst), "the hook has not returned");
            go_on.store(true, Ordering::SeqCst);
        });
        assert!(paused.load(Ordering::SeqCst));
        session.resume();
    });
}

#[test]
fn who_waits_while_a_session_is_paused_gets_a_signal_when_it_ends() {
    each_way(|session| {
        let at = session.mmap(&ring(&session, &pages(&session, PAGES)), Map::shared(PAGES * PAGE)).unwrap();
        session.pause().unwrap();
        thread::scope(|scope| {
            let session = &session;
            let touches: Vec<_> =
                (0..PAGES).map(|page| scope.spawn(move || load(session, page_at(at, page)))).collect();
            a_while();
            session.stop().unwrap();
            for (page, touch) in touches.into_iter().enumerate() {
                assert_eq!(touch.join().unwrap(), Err(Trap::Sigbus(page_at(at, page))));
            }
        });
        assert_eq!(session.pause(), Err(SyscallError::Stopped));
        session.resume();
        assert_eq!(load(&session, at), Err(Trap::Sigbus(at)));
    });
    // And one that nobody waits for.
    each_way(|session| session.pause().unwrap());
}

#[test]
fn a_hook_cannot_pause_its_own_session() {
    each_way(|session| {
        let session = Arc::new(session);
        let (inside, pages) = (Arc::downgrade(&session), pages(&*session, 1));
        let file = faulting::<Mixed, _, _>(&*session, move |ctx| {
            assert_eq!(inside.upgrade().unwrap().pause(), Err(SyscallError::InsideHook { hook: Hook::Fault }));
            ctx.insert_page(&pages[0])
        });
        let at = session.mmap(&file, Map::shared(PAGE)).unwrap();
        assert_eq!(load(&session, at), Ok(number(0)));
        assert_eq!(session.take_errors(), []);
    });
}
