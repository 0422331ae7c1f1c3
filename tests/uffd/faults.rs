//! Faults: what is inserted, what is answered, and who is woken.

use std::{
    sync::{
        Arc, Barrier,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use vmctx::{
    Errno, Handle, Mapped, Mixed, MmapCtx, MmapFile, Normal, PageOffset, PfnMap, Prefault, Release, VmFault,
    VmOperations, WaitQueue as _,
};
use vmctx_uffd::{Map, Options, Page, Prot, SessionError, Trap, Uffd, WaitQueue};

use crate::drivers::{
    PAGE, all_at_once, answers, faulting, first_byte, load, number, open, page_at, pages, ring, session,
};

#[test]
fn pages_that_lie_in_any_order_show_where_the_driver_put_them() {
    let session = session();
    let mut pages = pages(&session, 64);
    pages.reverse();
    pages.swap(3, 40);
    let file = ring(&session, &pages);
    let at = session.mmap(&file, Map::shared(64 * PAGE)).unwrap();
    for (index, page) in pages.iter().enumerate() {
        assert_eq!(load(&session, page_at(at, index)), Ok(first_byte(page)), "page {index}");
        session.write(page_at(at, index), &[200]).unwrap();
        assert_eq!(first_byte(page), 200, "page {index}");
    }
    session.munmap(at, 64 * PAGE).unwrap();
    assert!(pages.iter().all(|page| page.references() == 2), "the driver's and the test's");
}

#[test]
fn the_same_page_shows_in_many_slots() {
    let session = session();
    let page = pages(&session, 1).remove(0);
    let shown = page.clone();
    let file = faulting::<Mixed, _>(&session, move |ctx| ctx.insert_page(&shown));
    let at = session.mmap(&file, Map::shared(8 * PAGE)).unwrap();
    session.write(page_at(at, 5), &[99]).unwrap();
    assert!((0..8).all(|index| load(&session, page_at(at, index)) == Ok(99)));
    assert_eq!(page.references(), 10);
}

#[test]
fn one_fault_brings_its_neighbours_too() {
    let session = session();
    let pages = pages(&session, 16);
    let shown = pages.clone();
    let file = faulting::<Mixed, _>(&session, move |mut ctx| {
        for (index, page) in shown.iter().enumerate() {
            let expected =
                if PageOffset::new(index) == ctx.pgoff() { Prefault::TheFaultItself } else { Prefault::Inserted };
            assert_eq!(ctx.prefault_page(PageOffset::new(index), page), expected);
        }
        assert_eq!(ctx.prefault_page(PageOffset::new(16), &shown[0]), Prefault::OutsideMapping);
        let again = PageOffset::new(usize::from(ctx.pgoff() == PageOffset::ZERO));
        assert_eq!(ctx.prefault_page(again, &shown[0]), Prefault::AlreadyPresent);
        let own = ctx.pgoff().index();
        ctx.insert_page(&shown[own])
    });
    let at = session.mmap(&file, Map::shared(16 * PAGE)).unwrap();
    for index in 0..16 {
        assert_eq!(load(&session, page_at(at, (index + 7) % 16)), Ok(number((index + 7) % 16)));
    }
    let statistics = session.statistics();
    assert_eq!((statistics.events, statistics.handler_calls, statistics.inserted), (1, 1, 16));
    assert_eq!(session.take_errors(), []);
}

#[test]
fn neighbours_stay_if_the_fault_itself_fails() {
    let session = session();
    let pages = pages(&session, 2);
    let shown = pages.clone();
    let file = faulting::<Mixed, _>(&session, move |mut ctx| {
        ctx.prefault_page(PageOffset::new(1), &shown[1]);
        ctx.fail(Errno::EIO)
    });
    let at = session.mmap(&file, Map::shared(2 * PAGE)).unwrap();
    assert_eq!(load(&session, at), Err(Trap::Sigbus(at)));
    assert_eq!(load(&session, page_at(at, 1)), Ok(2));
    assert_eq!(session.statistics().handler_calls, 1);
}

#[test]
fn a_page_handed_back_is_mapped_with_its_reference() {
    let session = session();
    let pages = pages(&session, 2);
    let shown = pages.clone();
    let file = faulting::<Normal, _>(&session, move |ctx| {
        let page = shown[ctx.pgoff().index()].clone();
        if ctx.is_write() {
            let locked = ctx.lock_page(&page);
            ctx.deliver_locked(locked)
        } else {
            ctx.deliver(page)
        }
    });
    let at = session.mmap(&file, Map::shared(2 * PAGE)).unwrap();
    assert_eq!(load(&session, at), Ok(1));
    session.write(page_at(at, 1), &[50]).unwrap();
    assert_eq!((first_byte(&pages[1]), pages[0].references(), pages[1].references()), (50, 3, 3));
    let answers = answers(&session);
    assert_eq!((answers.page, answers.locked), (1, 1));
}

#[test]
fn stores_to_a_private_mapping_are_the_users_own() {
    let session = session();
    let pages = pages(&session, 4);
    let at = session.mmap(&ring(&session, &pages), Map::private(4 * PAGE)).unwrap();
    session.write(at, &[91]).unwrap();
    assert_eq!(load(&session, page_at(at, 1)), Ok(2));
    session.write(page_at(at, 1), &[92]).unwrap();
    assert_eq!((load(&session, at), load(&session, page_at(at, 1))), (Ok(91), Ok(92)));
    assert_eq!((first_byte(&pages[0]), first_byte(&pages[1])), (1, 2));
    // What was not written shows what the driver writes.
    assert_eq!(load(&session, page_at(at, 2)), Ok(3));
    vmctx::Page::write(&pages[2], 0, &[77]).unwrap();
    assert_eq!(load(&session, page_at(at, 2)), Ok(77));
}

#[test]
fn the_zero_page_is_for_who_cannot_write_it() {
    let session = session();
    let file = faulting::<Mixed, _>(&session, |ctx| ctx.insert_zero_page());
    let at = session.mmap(&file, Map::private(2 * PAGE)).unwrap();
    assert_eq!(load(&session, at), Ok(0));
    session.write(at, &[5]).unwrap();
    assert_eq!((load(&session, at), load(&session, page_at(at, 1))), (Ok(5), Ok(0)));
    let shared = session.mmap(&file, Map::shared(PAGE)).unwrap();
    assert_eq!(load(&session, shared), Err(Trap::Sigbus(shared)), "it could be written some day");
}

#[test]
fn frames_by_number_are_those_of_the_device() {
    let session = session();
    let device = session.memory().device_memory(vmctx::PageCount::new(4)).unwrap();
    let shown = device.clone();
    let file = faulting::<PfnMap, _>(&session, move |ctx| match vmctx::FrameSource::frame(&shown, ctx.pgoff()) {
        Some(frame) => ctx.insert_pfn(frame),
        None => ctx.fail(Errno::ENXIO),
    });
    assert_eq!(session.mmap(&file, Map::private(PAGE)).unwrap_err().errno(), Some(Errno::EINVAL), "copy-on-write");
    let at = session.mmap(&file, Map::shared(5 * PAGE)).unwrap();
    session.write(page_at(at, 3), b"register").unwrap();
    let mut bytes = [0; 8];
    vmctx::Iomem::read(&device, 3 * PAGE, &mut bytes).unwrap();
    assert_eq!(&bytes, b"register");
    let behind = page_at(at, 4);
    assert_eq!(load(&session, behind), Err(Trap::Sigbus(behind)));
}

#[test]
fn a_page_that_was_given_back_comes_again_as_zeros() {
    let session = session();
    let page = session.memory().alloc_page().unwrap();
    vmctx::Page::write(&page, 100, b"secret").unwrap();
    let pfn = page.pfn();
    drop(page);
    let page = session.memory().alloc_page().unwrap();
    let mut bytes = [1; PAGE];
    vmctx::Page::read(&page, 0, &mut bytes).unwrap();
    assert_eq!((page.pfn(), bytes), (pfn, [0; PAGE]));
}

#[test]
fn a_page_of_other_memory_is_not_mapped() {
    let (one, other) = (session(), session());
    let foreign = pages(&other, 1);
    let at = one.mmap(&ring(&one, &foreign), Map::shared(PAGE)).unwrap();
    assert_eq!(load(&one, at), Err(Trap::Sigbus(at)));
}

#[test]
fn memory_that_has_run_out_is_tried_again_and_then_a_sigbus() {
    let session = open(Options::default(), 3);
    let own = session.memory().clone();
    let kept: Vec<Page> = pages(&session, 3);
    let file = faulting::<Mixed, _>(&session, move |ctx| match own.alloc_page() {
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

/// userfaultfd-go took every error for the end, and left the descriptor open.
#[test]
fn a_driver_that_panics_is_a_sigbus_for_the_user_and_an_error_for_the_owner() {
    let session = session();
    let pages = pages(&session, 2);
    let file = faulting::<Mixed, _>(&session, move |ctx| {
        assert!(ctx.pgoff() != PageOffset::ZERO, "page {} is broken", ctx.pgoff());
        ctx.insert_page(&pages[1])
    });
    let at = session.mmap(&file, Map::shared(2 * PAGE)).unwrap();
    assert_eq!(load(&session, at), Err(Trap::Sigbus(at)));
    let errors = session.take_errors();
    assert!(
        matches!(&errors[..], [SessionError::Panicked { address, message, .. }]
            if *address == at && message == "page 0 is broken"),
        "{errors:?}"
    );
    assert_eq!(load(&session, page_at(at, 1)), Ok(2), "and the session goes on");
    session.munmap(at, 2 * PAGE).unwrap();
}

#[test]
fn a_handler_that_only_repeats_is_found_out() {
    let session = open(Options::default().refaults(50), 16);
    let file = faulting::<Mixed, _>(&session, |ctx| ctx.fail_or_refault(Errno::EAGAIN));
    let at = session.mmap(&file, Map::shared(PAGE)).unwrap();
    assert_eq!(load(&session, at), Err(Trap::Sigbus(at)));
    assert_eq!(session.take_errors(), [SessionError::RefaultsForever { address: at, refaults: 50 }]);
    assert_eq!(session.statistics().handler_calls, 50);
}

#[test]
fn user_memory_cannot_be_touched_from_inside_a_hook() {
    let session = Arc::new(session());
    let (inside, page) = (Arc::downgrade(&session), pages(&session, 1).remove(0));
    let seen = Arc::new(AtomicUsize::new(0));
    let told = Arc::clone(&seen);
    let file = faulting::<Mixed, _>(&session, move |ctx| {
        let session = inside.upgrade().unwrap();
        let touched = session.read(ctx.user_address_for_odd_page_sizes(), &mut [0]);
        assert!(matches!(touched, Err(Trap::InsideHook { .. })));
        assert!(session.munmap(ctx.user_address_for_odd_page_sizes(), PAGE).is_err());
        assert!(session.stop().is_err() && session.ioctl(|_| ()).is_err());
        told.fetch_add(1, Ordering::Relaxed);
        ctx.insert_page(&page)
    });
    let at = session.mmap(&file, Map::shared(PAGE)).unwrap();
    assert_eq!((load(&session, at), seen.load(Ordering::Relaxed)), (Ok(1), 1));
    assert_eq!(session.take_errors(), []);
}

#[test]
fn a_fault_that_gives_up_its_lock_is_served_again_as_one_that_was_tried() {
    let session = session();
    let page = pages(&session, 1).remove(0);
    let file = faulting::<Mixed, _>(&session, move |ctx| {
        if ctx.is_tried() {
            return ctx.insert_page(&page);
        }
        match ctx.release() {
            Release::Released(released) => released.retry(),
            Release::NoWait(_) | Release::Keep(_) => unreachable!("a first try may be retried"),
        }
    });
    let at = session.mmap(&file, Map::shared(PAGE)).unwrap();
    assert_eq!(load(&session, at), Ok(1));
    let answers = answers(&session);
    assert_eq!((answers.retry, answers.nopage), (1, 1));
    assert_eq!(session.take_errors(), []);
}

/// umap dropped the events of regions that it did not know.
#[test]
fn a_mapping_can_go_while_its_fault_waits_without_a_lock() {
    let session = session();
    let queue = Arc::new(WaitQueue::default());
    let (waiting, dropped) = (Arc::clone(&queue), Arc::new(AtomicBool::new(false)));
    let seen = Arc::clone(&dropped);
    let file = faulting::<Mixed, _>(&session, move |ctx| {
        let ticket = waiting.ticket();
        match ctx.release() {
            Release::Released(released) => {
                released.wait(ticket).unwrap();
                seen.store(true, Ordering::Release);
                released.retry()
            }
            Release::NoWait(answer) => answer,
            Release::Keep(ctx) => ctx.fail(Errno::EIO),
        }
    });
    let at = session.mmap(&file, Map::shared(PAGE)).unwrap();
    thread::scope(|scope| {
        let touch = scope.spawn(|| load(&session, at));
        while queue.sleepers() == 0 {
            thread::yield_now();
        }
        session.munmap(at, PAGE).unwrap();
        assert_eq!(session.mapping_count(), 0, "munmap did not wait for the fault");
        queue.wake_all();
        assert_eq!(touch.join().unwrap(), Err(Trap::Sigsegv(at)));
    });
    // The hook goes on, with a state that nobody else has.
    while !dropped.load(Ordering::Acquire) {
        thread::yield_now();
    }
}

#[test]
fn who_waits_inside_a_hook_for_another_fault_is_replaced() {
    let session = session();
    let pages = pages(&session, 2);
    let queue = Arc::new(WaitQueue::default());
    let (woken, came) = (Arc::clone(&queue), AtomicBool::new(false));
    let file = faulting::<Mixed, _>(&session, move |ctx| {
        if ctx.pgoff() == PageOffset::new(1) {
            came.store(true, Ordering::Release);
            woken.wake_all();
            return ctx.insert_page(&pages[1]);
        }
        let ticket = woken.ticket();
        if came.load(Ordering::Acquire) {
            return ctx.insert_page(&pages[0]);
        }
        match ctx.wait(ticket) {
            Ok(waited) => ctx.refault(waited),
            Err(errno) => ctx.fail_or_refault(errno),
        }
    });
    let at = session.mmap(&file, Map::shared(2 * PAGE)).unwrap();
    thread::scope(|scope| {
        let first = scope.spawn(|| load(&session, at));
        while queue.sleepers() == 0 {
            thread::yield_now();
        }
        assert_eq!(load(&session, page_at(at, 1)), Ok(2));
        assert_eq!(first.join().unwrap(), Ok(1));
    });
}

/// Events that were read together with that of a hook that waits do not wait with it.
#[test]
fn a_fault_can_wait_for_all_that_came_with_it() {
    const THREADS: usize = 12;
    let session = session();
    let pages = pages(&session, THREADS);
    let queue = Arc::new(WaitQueue::default());
    let (woken, came) = (Arc::clone(&queue), Arc::new(AtomicUsize::new(0)));
    let others = Arc::clone(&came);
    let file = faulting::<Mixed, _>(&session, move |ctx| {
        let own = ctx.pgoff().index();
        if own != 0 {
            others.fetch_add(1, Ordering::AcqRel);
            woken.wake_all();
            return ctx.insert_page(&pages[own]);
        }
        let ticket = woken.ticket();
        if others.load(Ordering::Acquire) >= THREADS - 1 {
            return ctx.insert_page(&pages[0]);
        }
        match ctx.wait(ticket) {
            Ok(waited) => ctx.refault(waited),
            Err(errno) => ctx.fail_or_refault(errno),
        }
    });
    for _ in 0..30 {
        came.store(0, Ordering::Release);
        let at = session.mmap(&file, Map::shared(THREADS * PAGE)).unwrap();
        all_at_once(THREADS, |page| assert_eq!(load(&session, page_at(at, page)), Ok(number(page))));
        session.munmap(at, THREADS * PAGE).unwrap();
    }
    assert_eq!(session.take_errors(), []);
}

/// A driver whose ioctl is faster than its fault.
struct Overtaken {
    pages: Vec<Page>,
    queue: Arc<WaitQueue>,
}

impl VmOperations for Overtaken {
    type Platform = Uffd;
    type Mapping = Mixed;

    fn fault<'f>(&self, ctx: vmctx::FaultCtx<'f, Uffd, Mixed>) -> VmFault<'f> {
        let ticket = self.queue.ticket();
        if ctx.wait(ticket).is_err() {
            return ctx.fail(Errno::EINTR);
        }
        let answer = ctx.insert_page(&self.pages[0]);
        assert!(answer.already_present());
        answer
    }
}

struct OvertakenFile {
    state: Arc<Overtaken>,
    handle: Arc<std::sync::Mutex<Option<Handle<Uffd, Mixed>>>>,
}

impl MmapFile for OvertakenFile {
    type Platform = Uffd;

    fn mmap<'m>(&self, ctx: MmapCtx<'m, Uffd>) -> Result<Mapped<'m>, Errno> {
        let ctx = ctx.establish_shared(Arc::clone(&self.state))?;
        *self.handle.lock().unwrap() = Some(ctx.handle()?);
        Ok(ctx.fill_later())
    }
}

/// fcvm #817 swallowed EEXIST without a wake-up; #17 died of it.
#[test]
fn a_page_that_came_another_way_wakes_the_fault_all_the_same() {
    let session = session();
    let pages = pages(&session, 2);
    let (queue, handle) = (Arc::new(WaitQueue::default()), Arc::default());
    let state = Arc::new(Overtaken { pages: pages.clone(), queue: Arc::clone(&queue) });
    let file = session.file(OvertakenFile { state, handle: Arc::clone(&handle) });
    let at = session.mmap(&file, Map::shared(PAGE)).unwrap();
    thread::scope(|scope| {
        let touch = scope.spawn(|| load(&session, at));
        while queue.sleepers() == 0 {
            thread::yield_now();
        }
        session
            .ioctl(|ctx| {
                let guard = handle.lock().unwrap();
                let mapped = guard.as_ref().unwrap().lock(ctx)?;
                mapped.insert_page(PageOffset::ZERO, &pages[1])?;
                assert_eq!(mapped.insert_page(PageOffset::ZERO, &pages[0]), Err(Errno::EBUSY));
                assert_eq!(mapped.insert_page(PageOffset::new(1), &pages[0]), Err(Errno::EFAULT));
                Ok::<(), Errno>(())
            })
            .unwrap()
            .unwrap();
        queue.wake_all();
        assert_eq!(touch.join().unwrap(), Ok(2));
    });
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
    let file = faulting::<Mixed, _>(&session, move |ctx| {
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

#[test]
fn a_part_can_be_unmapped_and_the_rest_goes_on() {
    let session = session();
    let pages = pages(&session, 6);
    let at = session.mmap(&ring(&session, &pages), Map::shared(6 * PAGE)).unwrap();
    assert_eq!(load(&session, page_at(at, 3)), Ok(4));
    session.munmap(page_at(at, 2), 2 * PAGE).unwrap();
    assert_eq!(session.mapping_count(), 2);
    for (index, expected) in [Ok(1), Ok(2), Err(()), Err(()), Ok(5), Ok(6)].into_iter().enumerate() {
        let address = page_at(at, index);
        assert_eq!(load(&session, address), expected.map_err(|()| Trap::Sigsegv(address)));
    }
    session.munmap(at, 6 * PAGE).unwrap();
    assert_eq!(session.mapping_count(), 0);
}
