//! Faults: what is inserted, what is answered, and who is woken.

use std::{
    sync::{
        Arc, Barrier,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use vmctx::{Mixed, WaitQueue as _};
use vmctx_uffd::{Map, Options, Page, Prot, SessionError, Trap, WaitQueue};

use crate::{
    drivers::{PAGE, faulting, first_byte, page_at, pages, ring},
    sessions::{answers, load, open, session},
};

#[test]
fn a_page_that_was_given_back_comes_again_as_zeros() {
    let session = session();
    let page = session.memory().alloc_page().unwrap();
    vmctx::PageRef::write(&page, 100, b"secret").unwrap();
    let pfn = page.pfn();
    drop(page);
    let page = session.memory().alloc_page().unwrap();
    let mut bytes = [1; PAGE];
    vmctx::PageRef::read(&page, 0, &mut bytes).unwrap();
    assert_eq!((page.pfn(), bytes), (pfn, [0; PAGE]));
}

#[test]
fn memory_that_has_run_out_is_tried_again_and_then_a_sigbus() {
    let session = open(Options::default(), 3);
    let own = session.memory().clone();
    let kept: Vec<Page> = pages(&session, 3);
    let file = faulting::<Mixed, _, _>(&session, move |ctx| match own.alloc_page() {
        Ok(page) => ctx.insert_page(&page),
        Err(errno) => ctx.fail(errno),
    });
    let at = session.mmap(&file, Map::shared(2 * PAGE)).unwrap();
    assert_eq!(load(&session, at), Err(Trap::Sigbus(at)));
    assert_eq!(session.take_errors(), [SessionError::OutOfMemory { address: at }]);
    assert!(answers(&session).oom > 1);
    drop(kept);
    assert_eq!(load(&session, at), Ok(0), "the next touch asks anew");
}

#[test]
fn a_hook_cannot_stop_its_session() {
    let session = Arc::new(session());
    let (inside, page) = (Arc::downgrade(&session), pages(&*session, 1).remove(0));
    let seen = Arc::new(AtomicUsize::new(0));
    let told = Arc::clone(&seen);
    let file = faulting::<Mixed, _, _>(&*session, move |ctx| {
        assert!(inside.upgrade().unwrap().stop().is_err());
        told.fetch_add(1, Ordering::Relaxed);
        ctx.insert_page(&page)
    });
    let at = session.mmap(&file, Map::shared(PAGE)).unwrap();
    assert_eq!((load(&session, at), seen.load(Ordering::Relaxed)), (Ok(1), 1));
    assert_eq!(session.take_errors(), []);
}

/// A thread that is interrupted by signals while it waits has its event told again and again.
#[test]
fn signals_repeat_events_and_do_no_harm() {
    extern "C" fn nothing(_: libc::c_int) {}
    const SIGNALS: u64 = 50;
    let session = session();
    let pages = pages(&session, 2);
    let queue = Arc::new(WaitQueue::default());
    let (woken, open) = (Arc::clone(&queue), Arc::new(AtomicBool::new(false)));
    let is_open = Arc::clone(&open);
    let file = faulting::<Mixed, _, _>(&session, move |ctx| {
        let ticket = woken.ticket();
        if is_open.load(Ordering::Acquire) {
            let page = &pages[ctx.pgoff().index()];
            return ctx.insert_page(page);
        }
        match ctx.wait(ticket) {
            Ok(waited) => ctx.refault(waited),
            Err(errno) => ctx.fail_or_refault(errno),
        }
    });
    let at = session.mmap(&file, Map::shared(2 * PAGE)).unwrap();
    let thread_id = AtomicUsize::new(0);
    // SAFETY: the handler does nothing.
    #[expect(unsafe_code, reason = "a handler for a signal that nobody else uses")]
    unsafe {
        libc::signal(libc::SIGUSR2, nothing as *const () as libc::sighandler_t);
    }
    thread::scope(|scope| {
        let touch = scope.spawn(|| {
            // SAFETY: asks for a number.
            #[expect(unsafe_code, reason = "asks for a number")]
            let id = unsafe { libc::pthread_self() };
            thread_id.store(usize::try_from(id).unwrap(), Ordering::Release);
            load(&session, at)
        });
        while queue.sleepers() == 0 {
            thread::yield_now();
        }
        let mut told = session.statistics().events;
        for _ in 0..SIGNALS {
            // SAFETY: the thread lives until it is joined below.
            #[expect(unsafe_code, reason = "interrupts the thread that waits")]
            unsafe {
                libc::pthread_kill(thread_id.load(Ordering::Acquire) as libc::pthread_t, libc::SIGUSR2);
            }
            // Told again, which takes a thread each time, until there are no more of them.
            while session.statistics().events == told && told < 8 {
                thread::yield_now();
            }
            told = session.statistics().events;
        }
        open.store(true, Ordering::Release);
        queue.wake_all();
        assert_eq!(touch.join().unwrap(), Ok(1));
    });
    assert_eq!(load(&session, page_at(at, 1)), Ok(2));
    assert_eq!(session.take_errors(), []);
}

#[test]
fn thousands_of_racing_touches_and_none_is_stranded() {
    const THREADS: usize = 8;
    const PAGES: usize = 64;
    const ROUNDS: usize = 40;
    let session = open(Options::default().readers(2), 256);
    let pages = pages(&session, PAGES);
    let mut shown = pages.clone();
    shown.swap(10, 20);
    let file = ring(&session, &shown);
    for round in 0..ROUNDS {
        let at = session.mmap(&file, Map::shared(PAGES * PAGE)).unwrap();
        let start = Barrier::new(THREADS + 1);
        thread::scope(|scope| {
            for thread in 0..THREADS {
                let (session, shown, start) = (&session, &shown, &start);
                scope.spawn(move || {
                    start.wait();
                    for step in 0..PAGES {
                        let index = (step * (2 * thread + 1) + round) % PAGES;
                        assert_eq!(load(session, page_at(at, index)), Ok(first_byte(&shown[index])));
                    }
                });
            }
            // Meanwhile it is taken away under them, again and again.
            start.wait();
            for part in 0..16 {
                session.mprotect(page_at(at, part), PAGE, Prot::READ).unwrap();
            }
        });
        session.munmap(at, PAGES * PAGE).unwrap();
    }
    assert!(session.statistics().events >= (ROUNDS * PAGES) as u64);
    assert!(pages.iter().all(|page| page.references() == 3));
    assert_eq!(session.take_errors(), []);
}

/// What a hook panics with. Its drop wants to take a mapping away, as a driver's value could.
struct Payload {
    session: std::sync::Weak<vmctx_uffd::Session>,
    address: vmctx::UserAddr,
    said: Arc<std::sync::Mutex<Vec<Result<(), vmctx_uffd::SyscallError>>>>,
}

impl Drop for Payload {
    fn drop(&mut self) {
        let session = self.session.upgrade().unwrap();
        self.said.lock().unwrap().push(session.munmap(self.address, PAGE));
    }
}

#[test]
fn what_a_hook_panics_with_is_dropped_inside_the_hook() {
    let session = Arc::new(session());
    let said = Arc::default();
    let other = session.mmap(&ring(&*session, &pages(&*session, 1)), Map::shared(PAGE)).unwrap();
    let (inside, told) = (Arc::downgrade(&session), Arc::clone(&said));
    let file = faulting::<Mixed, _, _>(&*session, move |_| {
        std::panic::panic_any(Payload { session: inside.clone(), address: other, said: Arc::clone(&told) })
    });
    let at = session.mmap(&file, Map::shared(PAGE)).unwrap();
    assert_eq!(load(&session, at), Err(Trap::Sigbus(at)));
    // It would have waited for the mmap lock that its own fault holds.
    let inside = vmctx_uffd::SyscallError::InsideHook { hook: vmctx_uffd::Hook::Fault };
    assert_eq!(*said.lock().unwrap(), [Err(inside)]);
    assert_eq!(load(&session, other), Ok(1));
}

/// What its own process knows this thread by.
fn this_thread() -> u32 {
    // SAFETY: asks for a number.
    #[expect(unsafe_code, reason = "asks for a number")]
    let id = unsafe { libc::gettid() };
    u32::try_from(id).unwrap()
}

#[test]
fn a_hook_knows_for_whom_it_is_called() {
    const THREADS: usize = 4;
    assert_eq!(vmctx_uffd::faulting_thread(), None);
    for options in [Options::default(), Options::default().readers(3), Options::default().in_thread()] {
        let session = open(options, 64);
        let pages = pages(&session, THREADS);
        let seen = Arc::new(std::sync::Mutex::new(vec![None; THREADS]));
        let told = Arc::clone(&seen);
        let file = faulting::<Mixed, _, _>(&session, move |ctx| {
            let at = ctx.pgoff().index();
            told.lock().unwrap()[at] = vmctx_uffd::faulting_thread();
            ctx.insert_page(&pages[at])
        });
        let at = session.mmap(&file, Map::shared(THREADS * PAGE)).unwrap();
        thread::scope(|scope| {
            for page in 0..THREADS {
                let (session, seen) = (&session, &seen);
                scope.spawn(move || {
                    load(session, page_at(at, page)).unwrap();
                    assert_eq!(seen.lock().unwrap()[page], Some(this_thread()));
                });
            }
        });
    }
}
