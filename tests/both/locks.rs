//! Locks of drivers: one at a time is in, whoever waits gets in, and faults change what they guard.

use std::{sync::mpsc, thread, time::Duration};

use vmctx::{
    Errno, FaultCtx, Mapped, Mixed, MmapCtx, MmapFile, Mutex as _, PageRef as _, Platform, RwLock as _, SpinLock as _,
    VmFault, VmOperations,
};
use vmctx_hosted::Map;

use crate::{
    beds::TestBed,
    drivers::{OnDrop, PAGE, RefOf, faulting, page_at, pages, share},
    kept,
    threads::all_at_once,
};

on_each_platform!(
    a_mutex_lets_one_in_at_a_time,
    a_spin_lock_lets_one_in_at_a_time,
    a_thread_that_reads_may_read_again_whoever_waits,
    faults_count_under_a_mutex_and_under_a_spin_lock,
    what_a_thread_keeps_for_itself_goes_with_it,
);

fn a_mutex_lets_one_in_at_a_time<B: TestBed>() {
    let bed = B::new();
    let mutex = <B::Platform as Platform>::Mutex::new(0, bed.may_sleep()).unwrap();
    let mut held = mutex.lock(bed.may_sleep());
    thread::scope(|scope| {
        assert!(scope.spawn(|| mutex.try_lock().is_none()).join().unwrap());
        let waits = scope.spawn(|| *mutex.lock(bed.may_sleep()));
        *held = 7;
        drop(held);
        assert_eq!(waits.join().unwrap(), 7);
    });
    assert_eq!(mutex.try_lock().map(|value| *value), Some(7));
    bed.assert_no_complaints();
}

fn a_spin_lock_lets_one_in_at_a_time<B: TestBed>() {
    let bed = B::new();
    let lock = <B::Platform as Platform>::SpinLock::new(0, bed.may_sleep()).unwrap();
    let mut held = lock.lock();
    thread::scope(|scope| {
        assert!(scope.spawn(|| lock.try_lock().is_none()).join().unwrap());
        let waits = scope.spawn(|| *lock.lock());
        *held = 7;
        drop(held);
        assert_eq!(waits.join().unwrap(), 7);
    });
    assert_eq!(lock.try_lock().map(|value| *value), Some(7));
    bed.assert_no_complaints();
}

/// Whoever waits to change the value waits for the thread that reads it, and must not be waited for by that.
fn a_thread_that_reads_may_read_again_whoever_waits<B: TestBed>() {
    let (tell, told) = mpsc::channel();
    let reading = thread::spawn(move || {
        let bed = B::new();
        let lock = <B::Platform as Platform>::RwLock::new(0, bed.may_sleep()).unwrap();
        thread::scope(|scope| {
            let first = lock.read(bed.may_sleep());
            scope.spawn(|| *lock.write(bed.may_sleep()) = 7);
            // From the moment on when somebody waits to change it, others do not get in.
            while scope.spawn(|| lock.try_read().is_some()).join().unwrap() {
                thread::yield_now();
            }
            let second = lock.read(bed.may_sleep());
            tell.send((*first, *second)).unwrap();
        });
        assert_eq!(*lock.read(bed.may_sleep()), 7);
        bed.assert_no_complaints();
    });
    assert_eq!(told.recv_timeout(Duration::from_secs(60)), Ok((0, 0)));
    reading.join().unwrap();
}

/// Counts its faults twice, without an atomic.
struct Counted<P: Platform> {
    pages: Vec<P::Page>,
    slow: P::Mutex<usize>,
    fast: P::SpinLock<usize>,
}

/// One more, with a look away in between, so that whoever comes in meanwhile is not counted.
fn one_more(count: &mut usize) {
    let before = *count;
    thread::yield_now();
    *count = before + 1;
}

impl<P: Platform> VmOperations for Counted<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        one_more(&mut self.slow.lock(ctx.may_sleep()));
        one_more(&mut self.fast.lock());
        ctx.insert_page_with(|at| at.pgoff().of(&self.pages).ok_or(Errno::ENXIO))
    }
}

struct CountedFile<P: Platform>(P::Ref<Counted<P>>);

impl<P: Platform> MmapFile for CountedFile<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.writable().establish_shared(self.0.clone())?.fill_later())
    }
}

fn faults_count_under_a_mutex_and_under_a_spin_lock<B: TestBed>() {
    const THREADS: usize = 8;
    const EACH: usize = 16;
    let bed = B::new();
    let state = Counted {
        pages: pages(&bed, THREADS * EACH),
        slow: vmctx::Mutex::new(0, bed.may_sleep()).unwrap(),
        fast: vmctx::SpinLock::new(0, bed.may_sleep()).unwrap(),
    };
    let counted: RefOf<B, Counted<B::Platform>> = share(&bed, state);
    let at = bed.mmap(&bed.open(CountedFile(counted.clone())), Map::shared(THREADS * EACH * PAGE));
    all_at_once(THREADS, |thread| {
        for page in 0..EACH {
            bed.load(page_at(at, thread * EACH + page)).unwrap();
        }
    });
    let calls = bed.counts().handler_calls;
    assert_eq!(calls, (THREADS * EACH) as u64, "each page was touched by one thread");
    assert_eq!(*counted.slow.try_lock().unwrap() as u64, calls);
    assert_eq!(*counted.fast.lock() as u64, calls);
    bed.assert_no_complaints();
}

fn what_a_thread_keeps_for_itself_goes_with_it<B: TestBed>() {
    let thread = thread::spawn(|| {
        kept::begin();
        let bed = B::new();
        let [page] = pages(&bed, 1).try_into().ok().unwrap();
        let locks: (<B::Platform as Platform>::SpinLock<usize>, <B::Platform as Platform>::Mutex<usize>) =
            (vmctx::SpinLock::new(0, bed.may_sleep()).unwrap(), vmctx::Mutex::new(0, bed.may_sleep()).unwrap());
        let shown = page.clone();
        let closed = OnDrop(move || {
            *locks.0.lock() += 1;
            *locks.1.try_lock().unwrap() += 1;
        });
        let file = faulting::<Mixed, _, _>(&bed, move |ctx| {
            let _ = &closed;
            ctx.insert_page(&shown)
        });
        let at = bed.mmap(&file, Map::shared(PAGE));
        bed.store(at, 7).unwrap();
        assert_eq!(B::references(&page), 3, "here, in the driver, and mapped");
        kept::keep((file, bed));
        page
    });
    let page = thread.join().unwrap();
    assert_eq!(B::references(&page), 1);
    let mut byte = [0];
    page.read(0, &mut byte).unwrap();
    assert_eq!(byte, [7]);
}
