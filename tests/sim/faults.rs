//! Faults: at once, one after the other, given up, repeated, gone wrong.

use std::{
    sync::{
        Arc, Barrier, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

use vmctx::{Errno, Mixed, Normal, PageCount, PageOffset, Release, WaitQueue as _};
use vmctx_hosted::hook;
use vmctx_sim::{
    AccessError, Hook, Injection, Machine, Map, MightSleep, Process, Signal, Sim, SyscallError, WaitQueue,
};

use crate::{
    drivers::{OnDrop, PAGE, faulting, on_fault, open, page_at, pages},
    users::in_threads,
};

#[test]
fn of_threads_that_race_for_one_page_one_inserts_and_all_see_it() {
    const THREADS: usize = 8;
    let machine = Machine::new();
    let page = pages(&machine, 1).remove(0);
    // Every handler is at work before the first inserts.
    let (all, inserted) = (Barrier::new(THREADS), page.clone());
    let lost = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&lost);
    let file = faulting::<Mixed, _, _>(&machine, move |ctx| {
        all.wait();
        let answer = ctx.insert_page(&inserted);
        count.fetch_add(usize::from(answer.already_present()), Ordering::SeqCst);
        answer
    });
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(PAGE)).unwrap();
    in_threads(&process, THREADS, |_, user| assert_eq!(user.read_u8(at), Ok(1)));

    let statistics = machine.statistics();
    assert_eq!((statistics.insertions, statistics.already_present), (1, THREADS as u64 - 1));
    assert_eq!(lost.load(Ordering::SeqCst), THREADS - 1);
    assert_eq!(statistics.refaults, 0);
    assert_eq!((page.references(), page.map_count()), (3, 1));
}

#[test]
fn of_threads_that_race_with_delivered_pages_the_losers_references_are_put() {
    const THREADS: usize = 8;
    let machine = Machine::new();
    let page = pages(&machine, 1).remove(0);
    let (all, delivered) = (Barrier::new(THREADS), page.clone());
    let file = faulting::<Normal, _, _>(&machine, move |ctx| {
        all.wait();
        ctx.deliver(delivered.clone())
    });
    let process = machine.process();
    let at = process.mmap(&file, Map::private(PAGE)).unwrap();
    in_threads(&process, THREADS, |index, user| {
        if index % 2 == 0 {
            assert_eq!(user.read_u8(at), Ok(1));
        } else {
            // A private copy, or a write to one: no frame is lost whoever is first.
            user.write_u8(at, 1).unwrap();
        }
    });
    assert_eq!(page.references(), 2 + page.map_count());
    process.munmap(at, PAGE).unwrap();
    assert_eq!((page.references(), machine.statistics().frames_in_use), (2, 1));
}

#[test]
fn faults_on_different_pages_do_not_wait_for_each_other() {
    let machine = Machine::new();
    let pages = pages(&machine, 2);
    // Each handler waits until the other runs: one after the other would never get through.
    let both = Barrier::new(2);
    let file = faulting::<Mixed, _, _>(&machine, move |ctx| {
        both.wait();
        let page = &pages[ctx.pgoff().index()];
        ctx.insert_page(page)
    });
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(2 * PAGE)).unwrap();
    in_threads(&process, 2, |index, user| {
        assert_eq!(usize::from(user.read_u8(page_at(at, index)).unwrap()), index + 1);
    });
}

#[test]
fn stores_to_a_page_go_on_while_another_page_faults() {
    let machine = Machine::new();
    let pages = pages(&machine, 2);
    let (entered, in_handler) = mpsc::channel();
    let (finish, finished) = mpsc::channel();
    let finished = Mutex::new(finished);
    let file = faulting::<Mixed, _, _>(&machine, move |ctx| {
        if ctx.pgoff() == PageOffset::new(1) {
            entered.send(()).unwrap();
            finished.lock().unwrap().recv().unwrap();
        }
        let page = &pages[ctx.pgoff().index()];
        ctx.insert_page(page)
    });
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(2 * PAGE)).unwrap();
    thread::scope(|scope| {
        let slow = process.thread();
        scope.spawn(move || assert_eq!(slow.read_u8(page_at(at, 1)), Ok(2)));
        in_handler.recv().unwrap();
        // The handler is inside, with the mmap lock held for read.
        let user = process.thread();
        user.write_u8(at, 9).unwrap();
        assert_eq!(user.read_u8(at), Ok(9));
        finish.send(()).unwrap();
    });
}

#[test]
fn a_fault_that_must_not_be_retried_or_waited_for_is_not() {
    let machine = Machine::new();
    let page = machine.alloc_page().unwrap();
    let tries = Arc::new(Mutex::new(Vec::new()));
    let tell = Arc::clone(&tries);
    let file = faulting::<Mixed, _, _>(&machine, move |ctx| {
        tell.lock().unwrap().push(ctx.is_tried());
        match ctx.release() {
            Release::Released(gone) => gone.retry(),
            Release::Keep(ctx) => ctx.insert_page(&page),
            Release::NoWait(answer) => answer,
        }
    });
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(PAGE)).unwrap();
    // Not to be retried at all: one call. Not to be waited for: two, and the lock is not given up in between.
    for (injection, expected) in [(Injection::NoRetry, vec![false]), (Injection::RetryNoWait, vec![false, true])] {
        machine.inject(injection);
        assert_eq!(process.thread().read_u8(at), Ok(0));
        assert_eq!(*tries.lock().unwrap(), expected);
        tries.lock().unwrap().clear();
        file.unmap_mapping_range(PageOffset::ZERO, PageCount::ZERO, true);
    }
}

#[test]
fn what_went_wrong_decides_the_signal() {
    let machine = Machine::new();
    let errnos = [Errno::ENOMEM, Errno::EHWPOISON, Errno::ENXIO, Errno::EBUSY];
    let file = faulting::<Normal, _, _>(&machine, move |ctx| {
        ctx.account_major();
        let errno = errnos[ctx.pgoff().index()];
        ctx.fail(errno)
    });
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(4 * PAGE)).unwrap();
    let signal = |page| process.thread().read_u8(page_at(at, page)).unwrap_err().signal().unwrap();
    assert_eq!(signal(0), Signal::Killed(at));
    for page in 1..4 {
        assert_eq!(signal(page), Signal::Sigbus(page_at(at, page)));
    }
    let statistics = machine.statistics();
    let answers = statistics.answers;
    assert_eq!((answers.oom, answers.hwpoison, answers.sigbus, statistics.major_faults), (1, 1, 2, 4));
    assert_eq!((statistics.signals.killed, statistics.signals.sigbus), (1, 3));
}

#[test]
fn a_fault_waits_until_it_is_woken() {
    let machine = Machine::new();
    let queue = WaitQueue::new(machine.may_sleep()).unwrap();
    let ready = Arc::new(AtomicBool::new(false));
    let page = machine.alloc_page().unwrap();
    let (waiting, is_ready) = (queue.clone(), Arc::clone(&ready));
    let file = faulting::<Mixed, _, _>(&machine, move |ctx| {
        let ticket = waiting.ticket();
        if is_ready.load(Ordering::SeqCst) {
            return ctx.insert_page(&page);
        }
        match ctx.wait(ticket) {
            Ok(waited) => ctx.refault(waited),
            Err(errno) => ctx.fail_or_refault(errno),
        }
    });
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(PAGE)).unwrap();
    // Woken when it has looked, and does not sleep yet.
    let hold = machine.hold(MightSleep::Wait);
    thread::scope(|scope| {
        let user = process.thread();
        scope.spawn(move || assert_eq!(user.read_u8(at), Ok(0)));
        hold.reached();
        ready.store(true, Ordering::SeqCst);
        queue.wake_all();
        hold.go_on();
    });
    assert_eq!(queue.sleepers(), 0);

    // Somebody who is killed does not wait for what never comes.
    ready.store(false, Ordering::SeqCst);
    file.unmap_mapping_range(PageOffset::ZERO, PageCount::ZERO, true);
    thread::scope(|scope| {
        let user = process.thread();
        scope.spawn(move || assert_eq!(user.read_u8(at).unwrap_err().signal(), Some(Signal::Killed(at))));
        while queue.sleepers() == 0 {
            thread::yield_now();
        }
        process.kill();
    });
    assert_eq!(queue.sleepers(), 0);
    assert_eq!(process.thread().read_u8(at).unwrap_err().signal(), Some(Signal::Killed(at)));
}

#[test]
fn a_hook_can_neither_fork_nor_end_its_process() {
    let machine = Machine::new();
    let page = machine.alloc_page().unwrap();
    let process = machine.process();
    let tries = |process: &Process, hook: Hook| {
        let refused = Err(SyscallError::InsideHook { hook });
        assert_eq!(process.fork().map(drop), refused);
        assert_eq!(process.exit(), refused);
        assert_eq!(process.mapping_count().map(drop), refused);
    };
    let (me, tried) = (process.clone(), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&tried);
    let tries = Arc::new(move |hook| {
        tries(&me, hook);
        // Nor is it let through when it says that it is an ioctl.
        hook::enter(Hook::Ioctl, || tries(&me, hook));
        count.fetch_add(1, Ordering::SeqCst);
    });
    let file = open(&machine, move |ctx| {
        tries(Hook::Mmap);
        let (in_fault, in_close, page) = (Arc::clone(&tries), Arc::clone(&tries), page.clone());
        let on_drop = OnDrop(move || in_close(Hook::Close));
        let state = on_fault::<Sim, Mixed, _>(move |ctx| {
            let _ = &on_drop;
            in_fault(Hook::Fault);
            ctx.insert_page(&page)
        });
        Ok(ctx.writable().establish(state)?.fill_later())
    });
    let at = process.mmap(&file, Map::shared(PAGE)).unwrap();
    assert_eq!(process.thread().read_u8(at), Ok(0));
    process.munmap(at, PAGE).unwrap();
    assert_eq!(tried.load(Ordering::SeqCst), 3);
    drop(file);
}

/// A fault may have several pages locked, each until it unlocks it.
#[test]
fn a_fault_locks_two_pages_and_hands_back_one() {
    let machine = Machine::new();
    let own = pages(&machine, 2);
    let locked = own.clone();
    let file = faulting::<Normal, _, _>(&machine, move |ctx| {
        let (first, second) = (ctx.lock_page(&locked[0]), ctx.lock_page(&locked[1]));
        drop(first);
        ctx.deliver_locked(second)
    });
    let process = machine.process();
    // Twice: whatever were left locked would be waited for.
    for _ in 0..2 {
        let at = process.mmap(&file, Map::shared(PAGE)).unwrap();
        assert_eq!(process.thread().read_u8(at), Ok(2));
    }
    assert_eq!([own[0].map_count(), own[1].map_count()], [0, 2]);
}

/// A page that was unlocked again can be locked once more in the same fault.
#[test]
fn a_fault_unlocks_a_page_and_locks_it_again() {
    let machine = Machine::new();
    let page = pages(&machine, 1).remove(0);
    let file = faulting::<Normal, _, _>(&machine, move |ctx| {
        drop(ctx.lock_page(&page));
        let again = ctx.lock_page(&page);
        ctx.deliver_locked(again)
    });
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(PAGE)).unwrap();
    assert_eq!(process.thread().read_u8(at), Ok(1));
}

#[test]
fn a_page_that_is_locked_twice_is_reported() {
    let machine = Machine::new();
    let page = machine.alloc_page().unwrap();
    let twice = page.clone();
    let file = faulting::<Normal, _, _>(&machine, move |ctx| {
        let _first = ctx.lock_page(&twice);
        let second = ctx.lock_page(&twice);
        ctx.deliver_locked(second)
    });
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(PAGE)).unwrap();
    assert_eq!(process.thread().read_u8(at), Err(AccessError::PageLockedTwice { address: at }));
    assert_eq!(page.references(), 2);
}

#[test]
fn accesses_go_on_while_everything_changes_under_them() {
    const PAGES: usize = 8;
    let machine = Machine::new();
    let pages = pages(&machine, PAGES);
    let inserted = pages.clone();
    let file = faulting::<Mixed, _, _>(&machine, move |ctx| {
        let page = &inserted[ctx.pgoff().index()];
        ctx.insert_page(page)
    });
    let process = machine.process();
    let shared = process.mmap(&file, Map::shared(PAGES * PAGE)).unwrap();
    let private = process.mmap(&file, Map::private(PAGES * PAGE)).unwrap();
    let done = AtomicUsize::new(0);
    in_threads(&process, 5, |index, user| {
        if index == 0 {
            let mut round = 0;
            while done.load(Ordering::SeqCst) < 4 {
                round += 1;
                file.unmap_mapping_range(PageOffset::new(round % PAGES), PageCount::new(2), round % 3 == 0);
                let child = process.fork().unwrap();
                child.thread().write_u8(page_at(private, round % PAGES), 99).unwrap();
                let page = page_at(shared, round % PAGES);
                process.munmap(page, PAGE).unwrap();
                let there = Map::shared(PAGE).pgoff(PageOffset::new(round % PAGES)).at(page);
                process.mmap(&file, there).unwrap();
            }
            return;
        }
        for turn in 0..400 {
            let page = (turn * index) % PAGES;
            let expected = u8::try_from(page + 1).unwrap();
            // Shared pages are unmapped for a moment now and then; private ones never.
            if let Ok(byte) = user.read_u8(page_at(shared, page)) {
                assert_eq!(byte, expected);
            }
            user.write_u8(page_at(private, page), expected).unwrap();
            assert_eq!(user.read_u8(page_at(private, page)), Ok(expected));
        }
        done.fetch_add(1, Ordering::SeqCst);
    });
    process.exit().unwrap();
    let statistics = machine.statistics();
    assert_eq!((statistics.frames_in_use, statistics.page_tables_in_use), (PAGES, 0));
    assert!(pages.iter().all(|page| (page.references(), page.map_count()) == (2, 0)));
}
