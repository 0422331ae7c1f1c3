//! Faults that wait: for each other, for an ioctl, and while their mapping goes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use vmctx::{Errno, FaultCtx, Mixed, PageOffset, Platform, Release, VmFault, VmOperations, WaitQueue as _};
use vmctx_hosted::{Map, Trap, UserSide as _, WaitQueue};

use crate::{
    beds::{TestBed, if_told},
    drivers::{OnDrop, PAGE, faulting, number, on_fault, open, page_at, pages, share, with_handles},
    threads::all_at_once,
};

on_each_platform!(
    who_waits_inside_a_hook_for_another_fault_keeps_it_from_nothing,
    a_fault_can_wait_for_all_that_came_with_it,
    a_page_that_came_another_way_wakes_the_fault_all_the_same,
    a_mapping_can_go_while_its_fault_waits_without_a_lock,
    who_waits_where_it_is_unmapped_gets_a_sigsegv,
);

fn until_somebody_sleeps(queue: &WaitQueue) {
    while queue.sleepers() == 0 {
        thread::yield_now();
    }
}

fn who_waits_inside_a_hook_for_another_fault_keeps_it_from_nothing<B: TestBed>() {
    let bed = B::new();
    let pages = pages(&bed, 2);
    let queue = Arc::new(WaitQueue::default());
    let (woken, came) = (Arc::clone(&queue), AtomicBool::new(false));
    let file = faulting::<Mixed, _, _>(&bed, move |ctx| {
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
    let at = bed.mmap(&file, Map::shared(2 * PAGE));
    thread::scope(|scope| {
        let first = scope.spawn(|| bed.load(at));
        until_somebody_sleeps(&queue);
        assert_eq!(bed.load(page_at(at, 1)), Ok(2));
        assert_eq!(first.join().unwrap(), Ok(1));
    });
    bed.assert_no_complaints();
}

/// On `uffd`, events that were read together with that of a hook that waits do not wait with it.
fn a_fault_can_wait_for_all_that_came_with_it<B: TestBed>() {
    const THREADS: usize = 12;
    let bed = B::new();
    let pages = pages(&bed, THREADS);
    let queue = Arc::new(WaitQueue::default());
    let (woken, came) = (Arc::clone(&queue), Arc::new(AtomicUsize::new(0)));
    let others = Arc::clone(&came);
    let file = faulting::<Mixed, _, _>(&bed, move |ctx| {
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
        let at = bed.mmap(&file, Map::shared(THREADS * PAGE));
        all_at_once(THREADS, |page| assert_eq!(bed.load(page_at(at, page)), Ok(number(page))));
        bed.munmap(at, THREADS * PAGE);
    }
    bed.assert_no_complaints();
}

/// A driver whose ioctl is faster than its fault.
struct Overtaken<P: Platform> {
    page: P::Page,
    queue: Arc<WaitQueue>,
}

impl<P: Platform<WaitQueue = WaitQueue>> VmOperations for Overtaken<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let ticket = self.queue.ticket();
        if ctx.wait(ticket).is_err() {
            return ctx.fail(Errno::EINTR);
        }
        let answer = ctx.insert_page(&self.page);
        assert!(answer.already_present());
        answer
    }
}

/// fcvm #817 swallowed EEXIST without a wake-up; #17 died of it.
fn a_page_that_came_another_way_wakes_the_fault_all_the_same<B: TestBed>() {
    let bed = B::new();
    let pages = pages(&bed, 2);
    let queue = Arc::new(WaitQueue::default());
    let state = share(&bed, Overtaken::<B::Platform> { page: pages[0].clone(), queue: Arc::clone(&queue) });
    let (file, handles) = with_handles(&bed, move |_| state.clone());
    let at = bed.mmap(&file, Map::shared(PAGE));
    let handle = handles.lock().unwrap().pop().unwrap();
    thread::scope(|scope| {
        let touch = scope.spawn(|| bed.load(at));
        until_somebody_sleeps(&queue);
        bed.user()
            .ioctl(|ctx| {
                let mapped = handle.lock(ctx)?;
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
    bed.assert_no_complaints();
}

/// umap dropped the events of regions that it did not know.
fn a_mapping_can_go_while_its_fault_waits_without_a_lock<B: TestBed>() {
    let bed = B::new();
    let queue = Arc::new(WaitQueue::default());
    let (dropped, seen_by_hook) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(true)));
    let file = open(&bed, {
        let (queue, dropped, seen_by_hook) = (Arc::clone(&queue), Arc::clone(&dropped), Arc::clone(&seen_by_hook));
        move |ctx| {
            let (waiting, seen) = (Arc::clone(&queue), Arc::clone(&seen_by_hook));
            let (tell, look) = (Arc::clone(&dropped), Arc::clone(&dropped));
            let on_drop = OnDrop(move || tell.store(true, Ordering::Release));
            let state = on_fault::<B::Platform, Mixed, _>(move |ctx| {
                let _ = &on_drop;
                let ticket = waiting.ticket();
                let Release::Released(released) = ctx.release() else { panic!("a first try can be released") };
                released.wait(ticket).unwrap();
                seen.store(look.load(Ordering::Acquire), Ordering::Release);
                released.retry()
            });
            Ok(ctx.writable().establish(state)?.fill_later())
        }
    });
    let at = bed.mmap(&file, Map::shared(PAGE));
    thread::scope(|scope| {
        let touch = scope.spawn(|| bed.load(at));
        until_somebody_sleeps(&queue);
        bed.munmap(at, PAGE);
        assert_eq!(bed.mapping_count(), 0, "munmap did not wait for the fault");
        queue.wake_all();
        // The fault begins anew, and finds nothing mapped.
        assert_eq!(touch.join().unwrap(), Err(Trap::Sigsegv(at)));
    });
    // The hook goes on, with a state that nobody else has.
    while !dropped.load(Ordering::Acquire) {
        thread::yield_now();
    }
    assert!(!seen_by_hook.load(Ordering::Acquire), "dropped under the running hook");
    if_told(bed.retries(), 1);
}

/// munmap does not wake who waits at a userfaultfd: the session does.
fn who_waits_where_it_is_unmapped_gets_a_sigsegv<B: TestBed>() {
    let bed = B::new();
    let queue = Arc::new(WaitQueue::default());
    let (waiting, pages) = (Arc::clone(&queue), pages(&bed, 1));
    let file = faulting::<Mixed, _, _>(&bed, move |ctx| {
        let ticket = waiting.ticket();
        if ctx.pgoff() == PageOffset::ZERO && waiting.wakes() == 0 {
            // Keeps the lock, and the others from being served.
            let _ = ctx.wait(ticket);
        }
        if ctx.pgoff() == PageOffset::ZERO { ctx.insert_page(&pages[0]) } else { ctx.fail(Errno::EIO) }
    });
    let at = bed.mmap(&file, Map::shared(4 * PAGE));
    thread::scope(|scope| {
        let touch = scope.spawn(|| bed.load(at));
        until_somebody_sleeps(&queue);
        let unmap = scope.spawn(|| bed.user().munmap(at, 4 * PAGE));
        queue.wake_all();
        unmap.join().unwrap().unwrap();
        let got = touch.join().unwrap();
        assert!(got == Ok(1) || got == Err(Trap::Sigsegv(at)), "{got:?}");
    });
}
