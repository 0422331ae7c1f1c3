//! What may sleep is reported while a spin lock is held, with both places in the program, and nothing else is.

use std::{
    sync::{Arc, mpsc},
    thread,
};

use vmctx::{
    Backing, Errno, FaultCtx, FrameSource, Hooks, MapPagesCtx, Mixed, MmapCtx, Mutex as _, PageCount, PageMkwriteCtx,
    PageOffset, PfnMap, PfnMkwriteCtx, Platform, Release, Remapped, Revocable, RwLock as _, SharedObject,
    SpinLock as _, Spot, UniquePage, UserAddr, VmFault, VmOperations, WaitQueue as _,
};
use vmctx_hosted::{Ref, UserSide as _};
use vmctx_sim::{File, Limits, Machine, Map, MightSleep, Mutex, Page, Prot, Report, RwLock, Sim, SpinLock, WaitQueue};

use crate::{
    drivers::{PAGE, faulting, open, page_at, with_handles},
    users::in_threads,
};

/// The calls that were reported, each of which was in this file, with a lock that was taken in it.
fn calls(machine: &Machine) -> Vec<MightSleep> {
    let call = |report: &Report| match report {
        Report::SleptUnderSpinLock { taken, call, called } => {
            assert_eq!((taken.file(), called.file()), (file!(), file!()), "{report}");
            assert!(taken.line() < called.line(), "{report}");
            Some(*call)
        }
        // What is tested in `reports.rs`.
        Report::MmapLockUnderLock { .. } => None,
        other => panic!("{other}"),
    };
    machine.reports().iter().filter_map(call).collect()
}

fn spin_lock(machine: &Machine) -> SpinLock<u32> {
    vmctx::SpinLock::new(0, machine.may_sleep()).unwrap()
}

/// What is reported of this, done with a spin lock held, outside any hook.
fn reported(of: impl FnOnce(&Machine)) -> Vec<MightSleep> {
    let machine = Machine::new();
    let lock = spin_lock(&machine);
    let held = lock.lock();
    of(&machine);
    drop(held);
    calls(&machine)
}

#[test]
fn who_allocates_with_a_spin_lock_held_is_reported() {
    const ALLOCATES: [MightSleep; 1] = [MightSleep::Allocation];
    assert_eq!(reported(|on| drop(Sim::alloc_page(on, on.may_sleep()))), ALLOCATES);
    assert_eq!(reported(|on| drop(UniquePage::<Sim>::alloc(on, on.may_sleep()))), ALLOCATES);
    assert_eq!(reported(|on| drop(Sim::share(1, on.may_sleep()))), ALLOCATES);
    assert_eq!(reported(|on| drop(RwLock::new(1, on.may_sleep()))), ALLOCATES);
    assert_eq!(reported(|on| drop(<Mutex<_> as vmctx::Mutex<_>>::new(1, on.may_sleep()))), ALLOCATES);
    assert_eq!(reported(|on| drop(<SpinLock<_> as vmctx::SpinLock<_>>::new(1, on.may_sleep()))), ALLOCATES);
    assert_eq!(reported(|on| drop(WaitQueue::new(on.may_sleep()))), ALLOCATES);
    assert_eq!(reported(|on| drop(SharedObject::<Sim>::new(on.may_sleep()))), ALLOCATES);
}

#[test]
fn who_waits_for_a_lock_with_a_spin_lock_held_is_reported() {
    const WAITS: [MightSleep; 1] = [MightSleep::Lock];
    let machine = Machine::new();
    let shared = RwLock::new(1, machine.may_sleep()).unwrap();
    let mutex = <Mutex<_> as vmctx::Mutex<_>>::new(1, machine.may_sleep()).unwrap();
    assert_eq!(reported(|on| drop(shared.read(on.may_sleep()))), WAITS);
    assert_eq!(reported(|on| drop(shared.write(on.may_sleep()))), WAITS);
    assert_eq!(reported(|on| drop(mutex.lock(on.may_sleep()))), WAITS);
    // Trying does not sleep, and a spin lock is waited for without.
    assert_eq!(reported(|_| drop(shared.try_read())), []);
    assert_eq!(reported(|_| drop(shared.try_write())), []);
    assert_eq!(reported(|_| drop(mutex.try_lock())), []);
    let other = spin_lock(&machine);
    assert_eq!(reported(|_| drop(other.lock())), []);
    assert_eq!(reported(|_| drop(other.try_lock())), []);
}

/// Memory that moves, and does not.
struct Place(Page);

impl Backing for Place {
    type Platform = Sim;

    fn spot(&self, at: PageCount) -> Result<Spot<'_, Sim>, Errno> {
        if at == PageCount::ZERO { Ok(Spot::Page(&self.0)) } else { Err(Errno::ENXIO) }
    }
}

#[test]
fn who_unmaps_with_a_spin_lock_held_is_reported() {
    use MightSleep::{Lock, Unmapping};
    let machine = Machine::new();
    let object = SharedObject::<Sim>::new(machine.may_sleep()).unwrap();
    let page = machine.alloc_page().unwrap();
    let memory = Revocable::new(Place(page), &object, PageCount::new(1), machine.may_sleep()).unwrap();
    assert_eq!(reported(|on| object.unmap_once(PageOffset::ZERO, PageCount::new(1), on.may_sleep())), [Unmapping]);
    assert_eq!(reported(|on| drop(memory.resident(on.may_sleep()))), [Lock]);
    assert_eq!(reported(|on| drop(memory.revoke(on.may_sleep()))), [Lock, Unmapping]);
    assert_eq!(reported(|_| drop(memory.try_resident())), []);
}

#[test]
fn who_is_in_an_ioctl_with_a_spin_lock_held_is_reported() {
    use MightSleep::{Insertion, MmapLock, PageLock, Unmapping};
    let machine = Machine::new();
    let pages = [machine.alloc_page().unwrap(), machine.alloc_page().unwrap()];
    let (file, handles) = with_handles(&machine, |_| Ref::new(Idle));
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(4 * PAGE)).unwrap();
    let handle = handles.lock().unwrap().pop().unwrap();
    let lock = spin_lock(&machine);
    let slot = PageOffset::new;
    process
        .ioctl(|ctx| {
            let held = lock.lock();
            drop(ctx.lock_page(&pages[0]));
            drop(ctx.find::<Idle>(at));
            handle.try_zap(slot(0), PageCount::new(1), ctx.may_sleep()).unwrap();
            let mapping = handle.lock(ctx).unwrap();
            mapping.insert_page(slot(0), &pages[0]).unwrap();
            mapping.insert_pages(slot(1), &pages).unwrap();
            mapping.insert_zero_page(slot(3)).unwrap_err();
            mapping.write_protect(slot(0), PageCount::new(4));
            mapping.zap(slot(0), PageCount::new(4));
            drop(mapping);
            drop(held);
            // From here on nobody minds.
            let mapping = handle.lock(ctx).unwrap();
            mapping.insert_page(slot(0), &pages[0]).unwrap();
            mapping.zap(slot(0), PageCount::new(4));
        })
        .unwrap();
    let expected = [PageLock, MmapLock, Unmapping, MmapLock, Insertion, Insertion, Insertion, Unmapping, Unmapping];
    assert_eq!(calls(&machine), expected);
    // The lock is tried: whoever does not get it has not slept.
    let machine = Machine::new();
    let lock = spin_lock(&machine);
    machine
        .unlocked(|ctx| {
            let _held = lock.lock();
            drop(handle.try_lock(ctx));
        })
        .unwrap();
    assert_eq!(calls(&machine), []);
}

/// Pages that only an ioctl inserts.
struct Idle;

impl VmOperations for Idle {
    type Platform = Sim;
    type Kind = Mixed;
}

/// What is reported of a mmap hook that does this with a spin lock held.
fn reported_in_mmap(
    of: impl for<'m> Fn(MmapCtx<'m, Sim>, &Machine) -> Result<vmctx::Mapped<'m>, Errno> + Send + Sync + 'static,
) -> Vec<MightSleep> {
    let machine = Machine::new();
    let (lock, on) = (spin_lock(&machine), machine.clone());
    let file = open(&machine, move |ctx| {
        let _held = lock.lock();
        of(ctx, &on)
    });
    machine.process().mmap(&file, Map::shared(2 * PAGE).prot(Prot::READ)).unwrap();
    calls(&machine)
}

#[test]
fn who_inserts_at_mmap_with_a_spin_lock_held_is_reported() {
    use MightSleep::{Allocation, Insertion};
    assert_eq!(reported_in_mmap(|ctx, _| Ok(ctx.establish(Idle)?.fill_later())), [Allocation]);
    let one_by_one = reported_in_mmap(|ctx, on| {
        let (first, second) = (on.alloc_page()?, on.alloc_page()?);
        ctx.without_faults::<Mixed>()?.insert_page(&first)?.insert_page_with(|_| Ok(second))?.finish()
    });
    assert_eq!(one_by_one, [Allocation, Allocation, Insertion, Insertion]);
    let at_once = reported_in_mmap(|ctx, on| {
        let pages = [on.alloc_page()?, on.alloc_page()?];
        ctx.without_faults::<Mixed>()?.fill_at_pgoff(&pages)
    });
    assert_eq!(at_once, [Allocation, Allocation, Insertion], "one call, one place");
    let machine = Machine::new();
    let memory = machine.device_memory(PageCount::new(2)).unwrap();
    let lock = spin_lock(&machine);
    let file = machine.open(Bar { memory, lock });
    machine.process().mmap(&file, Map::shared(2 * PAGE).prot(Prot::READ)).unwrap();
    assert_eq!(calls(&machine), [Insertion]);
}

struct Bar {
    memory: vmctx_sim::DeviceMemory,
    lock: SpinLock<u32>,
}

impl vmctx::MmapFile for Bar {
    type Platform = Sim;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Sim>) -> Result<vmctx::Mapped<'m>, Errno> {
        let all = self.memory.range(PageOffset::ZERO, self.memory.count()).ok_or(Errno::EIO)?;
        let _held = self.lock.lock();
        ctx.without_faults::<Remapped>()?.remap_from_first(all)
    }
}

/// What is reported of a fault hook that does this with a spin lock held.
fn reported_in_fault(
    of: impl for<'f> Fn(FaultCtx<'f, Sim, Mixed>, &Page, &WaitQueue) -> VmFault<'f> + Send + Sync + 'static,
) -> Vec<MightSleep> {
    let machine = Machine::new();
    let (lock, page) = (spin_lock(&machine), machine.alloc_page().unwrap());
    let queue = WaitQueue::new(machine.may_sleep()).unwrap();
    let file = faulting::<Mixed, _, _>(&machine, move |ctx| {
        if ctx.is_tried() {
            return ctx.insert_page(&page);
        }
        let _held = lock.lock();
        of(ctx, &page, &queue)
    });
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(2 * PAGE)).unwrap();
    process.thread().read_u8(at).unwrap();
    calls(&machine)
}

#[test]
fn who_sleeps_in_a_fault_with_a_spin_lock_held_is_reported() {
    use MightSleep::{Insertion, PageLock, Wait};
    assert_eq!(reported_in_fault(|ctx, page, _| ctx.insert_page(page)), [Insertion]);
    assert_eq!(reported_in_fault(|ctx, page, _| ctx.insert_page_with(|_| Ok(page))), [Insertion]);
    let around = reported_in_fault(|mut ctx, page, _| {
        ctx.prefault_page(PageOffset::new(1), page);
        ctx.prefault_pages(PageOffset::new(1), &[page.clone(), page.clone()]);
        ctx.insert_page(page)
    });
    assert_eq!(around, [Insertion; 3]);
    let locked = reported_in_fault(|ctx, page, _| {
        drop(ctx.lock_page(page));
        ctx.insert_page(page)
    });
    assert_eq!(locked, [PageLock, Insertion]);
    let waited = reported_in_fault(|ctx, _, queue| {
        let ticket = queue.ticket();
        queue.wake_all();
        match ctx.release() {
            Release::Released(released) => {
                released.wait(ticket).unwrap();
                released.retry()
            }
            Release::NoWait(answer) => answer,
            Release::Keep(ctx) => ctx.fail(Errno::EIO),
        }
    });
    assert_eq!(waited, [Wait], "giving a lock up does not sleep, and answering does not either");
}

#[test]
fn frames_are_inserted_without_a_spin_lock_too() {
    struct Frames(vmctx_sim::DeviceMemory, SpinLock<u32>);

    impl VmOperations for Frames {
        type Platform = Sim;
        type Kind = PfnMap;

        fn fault<'f>(&'f self, ctx: FaultCtx<'f, Sim, PfnMap>) -> VmFault<'f> {
            let _held = self.1.lock();
            ctx.insert_pfn_with(|at| self.0.frame(at.pgoff()).ok_or(Errno::ENXIO))
        }
    }

    let machine = Machine::new();
    let frames = Ref::new(Frames(machine.device_memory(PageCount::new(1)).unwrap(), spin_lock(&machine)));
    let file = open(&machine, move |ctx| Ok(ctx.establish_shared(frames.clone())?.fill_later()));
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(PAGE).prot(Prot::READ)).unwrap();
    process.thread().read_u8(at).unwrap();
    assert_eq!(calls(&machine), [MightSleep::Insertion]);
}

#[test]
fn who_allows_a_store_with_a_spin_lock_held_is_reported() {
    struct Told {
        page: Page,
        lock: SpinLock<u32>,
    }

    impl VmOperations for Told {
        type Platform = Sim;
        type Kind = Mixed;
        const HOOKS: Hooks<Self> = Hooks::NONE.page_mkwrite(|state: &Self, ctx: PageMkwriteCtx<'_, Sim, Mixed>| {
            let _held = state.lock.lock();
            ctx.allow()
        });

        fn fault<'f>(&'f self, ctx: FaultCtx<'f, Sim, Mixed>) -> VmFault<'f> {
            ctx.insert_page(&self.page)
        }
    }

    struct FramesTold(vmctx_sim::DeviceMemory, SpinLock<u32>);

    impl FramesTold {
        fn pfn_mkwrite<'f>(&'f self, ctx: PfnMkwriteCtx<'f, Sim, Mixed>) -> VmFault<'f> {
            let _held = self.1.lock();
            match self.0.frame(ctx.pgoff()) {
                Some(frame) => ctx.insert_mixed_mkwrite(frame),
                None => ctx.fail(Errno::ENXIO),
            }
        }
    }

    impl VmOperations for FramesTold {
        type Platform = Sim;
        type Kind = Mixed;
        const HOOKS: Hooks<Self> = Hooks::NONE.pfn_mkwrite(Self::pfn_mkwrite);

        fn fault<'f>(&'f self, ctx: FaultCtx<'f, Sim, Mixed>) -> VmFault<'f> {
            ctx.insert_mixed_with(|at| self.0.frame(at.pgoff()).ok_or(Errno::ENXIO))
        }
    }

    let machine = Machine::new();
    let told = Ref::new(Told { page: machine.alloc_page().unwrap(), lock: spin_lock(&machine) });
    let frames = Ref::new(FramesTold(machine.device_memory(PageCount::new(1)).unwrap(), spin_lock(&machine)));
    let process = machine.process();
    let of_pages = open(&machine, move |ctx| Ok(ctx.writable().establish_shared(told.clone())?.fill_later()));
    let of_frames = open(&machine, move |ctx| Ok(ctx.writable().establish_shared(frames.clone())?.fill_later()));
    for file in [of_pages, of_frames] {
        let at = process.mmap(&file, Map::shared(PAGE)).unwrap();
        process.thread().read_u8(at).unwrap();
        process.thread().write_u8(at, 1).unwrap();
    }
    assert_eq!(calls(&machine), [MightSleep::PageLock, MightSleep::Insertion]);
}

/// The right to sleep of a machine can be had anywhere: a machine is a driver's `Memory`, and tests set devices up.
#[test]
fn who_sleeps_in_map_pages_is_reported_whosever_right_it_was() {
    struct Sleepy(Machine);

    impl VmOperations for Sleepy {
        type Platform = Sim;
        type Kind = Mixed;
        const HOOKS: Hooks<Self> = Hooks::NONE.map_pages(|state: &Self, ctx| {
            drop(Sim::alloc_page(&state.0, state.0.may_sleep()));
            ctx.finish()
        });

        fn fault<'f>(&'f self, ctx: FaultCtx<'f, Sim, Mixed>) -> VmFault<'f> {
            ctx.insert_page_with(|at| Sim::alloc_page(&self.0, at.may_sleep()))
        }
    }

    let machine = Machine::new();
    let state = Ref::new(Sleepy(machine.clone()));
    let file = open(&machine, move |ctx| Ok(ctx.establish_shared(state.clone())?.fill_later()));
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(PAGE).prot(Prot::READ)).unwrap();
    process.thread().read_u8(at).unwrap();
    assert_eq!(machine.statistics().map_pages_calls, 1);
    let reports = machine.reports();
    let [Report::SleptInMapPages { call: MightSleep::Allocation, called }] = &reports[..] else {
        panic!("{reports:?}");
    };
    assert_eq!(called.file(), file!());
    // The process tells it as well, once.
    assert_eq!(process.complaints(), [reports[0].to_string()]);
    assert_eq!((machine.reports(), process.complaints()), (Vec::new(), Vec::new()));
}

#[test]
fn a_report_names_the_last_lock_that_was_taken_and_both_lines() {
    let machine = Machine::new();
    let (first, second) = (spin_lock(&machine), spin_lock(&machine));
    let _first = first.lock();
    let held = second.try_lock().unwrap();
    let _page = machine.alloc_page();
    let line = line!();
    drop(held);
    let _page = machine.alloc_page();
    let places = |report: &Report| match report {
        Report::SleptUnderSpinLock { taken, called, .. } => (taken.line(), called.line()),
        other => panic!("{other}"),
    };
    let reports = machine.reports();
    let expected = [(line - 2, line - 1), (line - 3, line + 2)];
    assert_eq!(reports.iter().map(places).collect::<Vec<_>>(), expected);
    let said = reports[0].to_string();
    assert!(said.starts_with(&format!("the allocation at {}:{}:", file!(), line - 1)));
    assert!(said.contains(&format!("the spin lock taken at {}:{}:", file!(), line - 2)));
}

#[test]
fn what_happens_again_is_reported_once() {
    let machine = Machine::with_limits(Limits::default());
    let lock = spin_lock(&machine);
    let page = machine.alloc_page().unwrap();
    let file = faulting::<Mixed, _, _>(&machine, move |ctx| {
        let _held = lock.lock();
        ctx.insert_page(&page)
    });
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(64 * PAGE)).unwrap();
    in_threads(&process, 4, |thread, user| {
        for page in 0..16 {
            user.read_u8(page_at(at, 16 * thread + page)).unwrap();
        }
    });
    assert_eq!(machine.statistics().handler_calls, 64);
    assert_eq!(calls(&machine), [MightSleep::Insertion]);
}

/// A lock that somebody else holds is none of this thread's, and another machine's reports are none of this one's.
#[test]
fn threads_and_machines_are_reported_apart() {
    let (machine, other) = (Machine::new(), Machine::new());
    let lock = spin_lock(&machine);
    let held = lock.lock();
    thread::scope(|scope| {
        scope.spawn(|| machine.alloc_page().unwrap());
        scope.spawn(|| {
            let lock = spin_lock(&other);
            let _held = lock.lock();
            let _page = other.alloc_page().unwrap();
        });
    });
    drop(held);
    assert_eq!(calls(&machine), []);
    assert_eq!(calls(&other), [MightSleep::Allocation]);
}

/// Pages behind a spin lock, which `map_pages` waits for.
struct Cache {
    pages: SpinLock<Vec<Option<Page>>>,
    asked: mpsc::SyncSender<()>,
}

impl Cache {
    fn map_pages<'f>(&'f self, mut ctx: MapPagesCtx<'f, Sim, Mixed>) -> VmFault<'f> {
        let _ = self.asked.try_send(());
        let pages = self.pages.lock();
        for at in ctx.wanted() {
            if let Some(page) = pages.get(at.index()).and_then(Option::as_ref) {
                ctx.prefault_page(at, page);
            }
        }
        ctx.finish()
    }
}

impl VmOperations for Cache {
    type Platform = Sim;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.map_pages(Self::map_pages);

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Sim, Mixed>) -> VmFault<'f> {
        ctx.insert_page_with(|at| self.pages.lock().get(at.pgoff().index()).cloned().flatten().ok_or(Errno::ENXIO))
    }
}

#[test]
fn map_pages_waits_for_a_spin_lock_and_inserts_under_it() {
    let machine = Machine::new();
    let pages = (0..2).map(|_| machine.alloc_page().ok()).collect();
    let (asked, comes) = mpsc::sync_channel(8);
    let cache = Ref::new(Cache { pages: vmctx::SpinLock::new(pages, machine.may_sleep()).unwrap(), asked });
    let file: File = open(&machine, {
        let cache = cache.clone();
        move |ctx| Ok(ctx.writable().establish_shared(cache.clone())?.fill_later())
    });
    let process = machine.process();
    // Two mappings in one page table, so that `map_pages` can insert into the second.
    let map = |at| process.mmap(&file, Map::shared(2 * PAGE).at(UserAddr::new(at))).unwrap();
    let (first, second) = (map(0x4000_0000), map(0x4001_0000));
    process.thread().read_u8(first).unwrap();
    let before = machine.statistics().handler_calls;
    comes.try_iter().count();
    let held = cache.pages.lock();
    thread::scope(|scope| {
        let load = scope.spawn(|| process.thread().read_u8(second));
        comes.recv().unwrap();
        assert_eq!(process.mapped_pages(second, 2 * PAGE), PageCount::ZERO);
        drop(held);
        load.join().unwrap().unwrap();
    });
    assert_eq!(process.mapped_pages(second, 2 * PAGE), PageCount::new(2));
    assert_eq!(machine.statistics().handler_calls, before, "the fault hook had nothing to do");
    assert_eq!(calls(&machine), []);
}

/// A device whose fault hook takes a mutex, and a spin lock.
struct Guarded {
    mutex: Mutex<()>,
    spin: SpinLock<u32>,
    page: Page,
}

impl VmOperations for Guarded {
    type Platform = Sim;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Sim, Mixed>) -> VmFault<'f> {
        let _mutex = self.mutex.lock(ctx.may_sleep());
        *self.spin.lock() += 1;
        ctx.insert_page(&self.page)
    }
}

#[test]
fn a_mutex_and_a_spin_lock_that_a_hook_takes_come_after_the_mmap_lock() {
    let machine = Machine::new();
    let page = machine.alloc_page().unwrap();
    let guarded = Ref::new(Guarded {
        mutex: vmctx::Mutex::new((), machine.may_sleep()).unwrap(),
        spin: spin_lock(&machine),
        page,
    });
    let (file, handles) = with_handles(&machine, {
        let guarded = guarded.clone();
        move |_| guarded.clone()
    });
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(PAGE)).unwrap();
    let handle = handles.lock().unwrap().pop().unwrap();
    let with_mutex = || {
        process
            .ioctl(|ctx| {
                let right = machine.may_sleep();
                let _held = guarded.mutex.lock(right);
                handle.lock(ctx).map(drop)
            })
            .unwrap()
    };
    let with_spin_lock = || {
        process
            .ioctl(|ctx| {
                let _held = guarded.spin.try_lock().unwrap();
                handle.lock(ctx).map(drop)
            })
            .unwrap()
    };
    // Nobody knows yet that a hook takes them.
    assert_eq!((with_mutex(), with_spin_lock()), (Ok(()), Ok(())));
    process.thread().read_u8(at).unwrap();
    assert_eq!((with_mutex(), with_spin_lock()), (Err(Errno::EDEADLK), Err(Errno::EDEADLK)));
    assert_eq!(*guarded.spin.lock(), 1);
    // That one was waited for with a spin lock held was reported as well.
    assert_eq!(calls(&machine), [MightSleep::MmapLock]);
}

#[test]
fn a_driver_that_panics_gives_its_locks_back() {
    let machine = Machine::new();
    let lock = Arc::new(spin_lock(&machine));
    let mutex = Arc::new(<Mutex<_> as vmctx::Mutex<_>>::new(0, machine.may_sleep()).unwrap());
    let (spinning, sleeping) = (Arc::clone(&lock), Arc::clone(&mutex));
    let file = faulting::<Mixed, _, _>(&machine, move |ctx| {
        let _mutex = sleeping.lock(ctx.may_sleep());
        let _held = spinning.lock();
        panic!("as it likes")
    });
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(PAGE)).unwrap();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| process.thread().read_u8(at)));
    assert!(panicked.is_err());
    assert!(lock.try_lock().is_some() && mutex.try_lock().is_some());
    let _page = machine.alloc_page().unwrap();
    assert_eq!(calls(&machine), [], "the lock is not held any more");
}
