//! What is reported although nothing has come of it, and threads that are held where it would.

use std::{
    array,
    panic::{AssertUnwindSafe, Location, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use vmctx::{
    Errno, FaultCtx, Handle, Kind, Mixed, Mutex as _, Normal, PageCount, PageOffset, Platform, RwLock as _,
    SpinLock as _, UserAddr, VmFault, VmOperations, kind::FilledLater,
};
use vmctx_sim::{
    File, HoldAt, Hook, Machine, Map, MightSleep, Page, Process, Prot, Ref, Report, Sim, SyscallError, pass,
};

use crate::drivers::{PAGE, faulting, on_fault, open, pages, ring, with_handles};

type RwLock<T> = <Sim as Platform>::RwLock<T>;
type Mutex<T> = <Sim as Platform>::Mutex<T>;
type SpinLock<T> = <Sim as Platform>::SpinLock<T>;

/// The line of a place, which is in this file.
fn line(place: &Location<'_>) -> u32 {
    assert_eq!(place.file(), file!());
    place.line()
}

/// A page behind a lock that its fault hook takes.
struct Guarded {
    lock: RwLock<()>,
    page: Page,
}

/// The line in which it does.
const IN_HOOK: u32 = line!() + 7;

impl VmOperations for Guarded {
    type Platform = Sim;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Sim, Mixed>) -> VmFault<'f> {
        let _held = self.lock.read(ctx.may_sleep()); // Here.
        ctx.insert_page(&self.page)
    }
}

/// A process that has a guarded page mapped, and some other page.
struct Scene {
    machine: Machine,
    process: Process,
    guarded: Ref<Guarded>,
    at: UserAddr,
    handle: Handle<Sim, Mixed>,
    /// Mapped already, so that a load does not fault.
    other: UserAddr,
}

fn scene() -> Scene {
    let machine = Machine::new();
    let lock = RwLock::new((), machine.may_sleep()).unwrap();
    let guarded = Ref::new(Guarded { lock, page: machine.alloc_page().unwrap() });
    let (file, handles) = with_handles(&machine, {
        let guarded = guarded.clone();
        move |_| guarded.clone()
    });
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(PAGE)).unwrap();
    let handle = handles.lock().unwrap().pop().unwrap();
    let other = process.mmap(&ring(&machine, &pages(&machine, 1)), Map::shared(PAGE)).unwrap();
    process.thread().read_u8(other).unwrap();
    Scene { machine, process, guarded, at, handle, other }
}

#[test]
fn user_memory_under_a_lock_that_a_hook_takes_is_reported_in_either_order() {
    for hook_first in [false, true] {
        let Scene { machine, process, guarded, at, other, .. } = scene();
        let in_hook = || process.thread().read_u8(at).unwrap();
        if hook_first {
            in_hook();
        }
        let user = process.thread();
        let seen = process.ioctl(|ctx| {
            let held = guarded.lock.write(ctx.may_sleep());
            let seen = user.read_u8(other);
            drop(held);
            user.read_u8(other).unwrap();
            seen
        });
        assert_eq!(seen, Ok(Ok(1)), "nothing has come of it");
        let loaded = line!() - 6;
        if !hook_first {
            assert_eq!(machine.reports(), [], "as yet nothing can go wrong");
            in_hook();
        }
        let reports = machine.reports();
        let [Report::UserMemoryUnderLock { taken, touched, hook: Hook::Fault, in_hook }] = &reports[..] else {
            panic!("{reports:?}");
        };
        assert_eq!((line(taken), line(touched), line(in_hook)), (loaded - 1, loaded, IN_HOOK));
        let said = reports[0].to_string();
        assert!(said.contains(&format!("user memory at {}:{loaded}:", file!())), "{said}");
        assert!(said.contains(&format!("the fault waits for that lock at {}:{IN_HOOK}:", file!())), "{said}");
    }
}

#[test]
fn so_are_system_calls_and_debuggers() {
    type Call = (&'static str, fn(&Scene));
    let calls: [Call; 6] = [
        ("store", |scene| scene.process.thread().write_u8(scene.other, 1).unwrap()),
        ("peek", |scene| scene.process.peek(scene.other, &mut [0]).unwrap()),
        ("munmap", |scene| scene.process.munmap(scene.other, PAGE).unwrap()),
        ("mprotect", |scene| scene.process.mprotect(scene.other, PAGE, Prot::READ).unwrap()),
        ("mremap", |scene| _ = scene.process.mremap(scene.other, PAGE, PAGE, true).unwrap()),
        ("fork", |scene| drop(scene.process.fork().unwrap())),
    ];
    let first = line!() - 7;
    for (call, (name, run)) in (first..).zip(calls) {
        let scene = scene();
        scene.process.thread().read_u8(scene.at).unwrap();
        let held = scene.guarded.lock.try_write().unwrap();
        run(&scene);
        drop(held);
        let reports = scene.machine.reports();
        let [Report::UserMemoryUnderLock { touched, .. }] = &reports[..] else { panic!("{name}: {reports:?}") };
        assert_eq!(line(touched), call, "{name}");
    }
}

/// The bug at its worst: the access faults, and the hook waits for the lock that this thread has. It does not hang.
#[test]
fn a_hook_that_waits_for_its_own_user_panics() {
    let machine = Machine::new();
    let lock = Ref::new(Mutex::new((), machine.may_sleep()).unwrap());
    let page = machine.alloc_page().unwrap();
    let file = faulting::<Mixed, _, _>(&machine, {
        let lock = lock.clone();
        move |ctx| {
            let _held = lock.lock(ctx.may_sleep());
            ctx.insert_page(&page)
        }
    });
    let waited = line!() - 4;
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(PAGE)).unwrap();
    let user = process.thread();
    let ioctl = || {
        process.ioctl(|ctx| {
            let _held = lock.lock(ctx.may_sleep());
            user.read_u8(at)
        })
    };
    let taken = line!() - 4;
    let panic = catch_unwind(AssertUnwindSafe(ioctl)).unwrap_err();
    let said = panic.downcast_ref::<String>().unwrap();
    assert!(said.contains(&format!("waited for at {}:{waited}:", file!())), "{said}");
    assert!(said.contains(&format!("taken it at {}:{taken}:", file!())), "{said}");
    let reports = machine.reports();
    let [Report::UserMemoryUnderLock { taken: lock_taken, touched, in_hook, .. }] = &reports[..] else {
        panic!("{reports:?}");
    };
    assert_eq!((line(lock_taken), line(touched), line(in_hook)), (taken, taken + 1, waited));
    // The lock was given back, by both.
    assert!(lock.try_lock().is_some());
    assert_eq!(process.thread().read_u8(at), Ok(0));
}

#[test]
fn the_mmap_lock_under_a_lock_that_a_hook_takes_is_reported_in_either_order() {
    for hook_first in [false, true] {
        let Scene { machine, process, guarded, at, handle, .. } = scene();
        let in_hook = || process.thread().read_u8(at).unwrap();
        if hook_first {
            in_hook();
        }
        let locked = process.ioctl(|ctx| {
            let right = machine.may_sleep();
            let _held = guarded.lock.read(right);
            handle.lock(ctx).map(drop)
        });
        let called = line!() - 2;
        assert_eq!(locked, Ok(if hook_first { Err(Errno::EDEADLK) } else { Ok(()) }));
        if !hook_first {
            assert_eq!(machine.reports(), [], "as yet nothing can go wrong");
            in_hook();
        }
        let reports = machine.reports();
        let [Report::MmapLockUnderLock { taken, called: waited, hook: Hook::Fault, in_hook }] = &reports[..] else {
            panic!("{reports:?}");
        };
        assert_eq!((line(taken), line(waited), line(in_hook)), (called - 1, called, IN_HOOK));
    }
}

/// An ioctl that has a mapping locked has the mmap lock, as a hook has it.
#[test]
fn a_lock_that_is_waited_for_with_a_mapping_locked_comes_after_the_mmap_lock() {
    let Scene { machine, process, guarded, handle, other, .. } = scene();
    process
        .ioctl(|ctx| {
            let right = machine.may_sleep();
            let mapping = handle.lock(ctx).unwrap();
            drop(guarded.lock.read(right));
            drop(mapping);
        })
        .unwrap();
    let in_ioctl = line!() - 4;
    let held = guarded.lock.read(machine.may_sleep());
    process.thread().read_u8(other).unwrap();
    drop(held);
    let reports = machine.reports();
    let [Report::UserMemoryUnderLock { hook: Hook::Ioctl, in_hook, .. }] = &reports[..] else {
        panic!("{reports:?}");
    };
    assert_eq!(line(in_hook), in_ioctl);
}

/// A hook that only tries, or that has given up the mmap lock, keeps nobody waiting.
#[test]
fn a_hook_that_does_not_wait_with_the_mmap_lock_is_not_in_the_way() {
    let machine = Machine::new();
    let lock = Ref::new(Mutex::new((), machine.may_sleep()).unwrap());
    let page = machine.alloc_page().unwrap();
    let first = AtomicBool::new(true);
    let file = faulting::<Mixed, _, _>(&machine, {
        let lock = lock.clone();
        move |ctx| {
            if !first.swap(false, Ordering::SeqCst) {
                drop(lock.try_lock());
                return ctx.insert_page(&page);
            }
            match ctx.release() {
                vmctx::Release::Released(released) => {
                    drop(lock.lock(released.may_sleep()));
                    released.retry()
                }
                vmctx::Release::NoWait(answer) => answer,
                vmctx::Release::Keep(ctx) => ctx.fail(Errno::EIO),
            }
        }
    });
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(PAGE)).unwrap();
    process.thread().read_u8(at).unwrap();
    assert_eq!(machine.statistics().handler_calls, 2);
    let held = lock.lock(machine.may_sleep());
    process.thread().read_u8(at).unwrap();
    drop(held);
    assert_eq!(machine.reports(), []);
}

#[test]
fn two_locks_in_both_orders_are_reported() {
    let machine = Machine::new();
    let (a, b) = (Mutex::new((), machine.may_sleep()).unwrap(), SpinLock::new((), machine.may_sleep()).unwrap());
    let in_order = || {
        let _a = a.lock(machine.may_sleep());
        let _b = b.lock();
    };
    let ordered = line!() - 2;
    in_order();
    // What only tries does not wait.
    let held = b.lock();
    drop(a.try_lock().unwrap());
    drop(held);
    assert_eq!(machine.reports(), []);

    // Never at the same time, and so nothing comes of it.
    thread::scope(|scope| {
        scope.spawn(|| {
            let right = machine.may_sleep();
            let _b = b.try_lock().unwrap();
            let _a = a.lock(right);
        });
    });
    let reversed = line!() - 3;
    in_order();
    let reports = machine.reports();
    let [Report::SleptUnderSpinLock { .. }, Report::LockOrders { held, waited, last_held, last_waited, locks: 2 }] =
        &reports[..]
    else {
        panic!("{reports:?}");
    };
    assert_eq!((line(held), line(waited)), (reversed - 1, reversed));
    assert_eq!((line(last_held), line(last_waited)), (ordered - 1, ordered));
}

/// No two of them are ever taken in both orders.
#[test]
fn four_locks_in_a_circle_are_reported_when_it_is_closed() {
    let machine = Machine::new();
    let locks: [_; 4] = array::from_fn(|_| Mutex::new((), machine.may_sleep()).unwrap());
    let one_then_another = |one: usize, another: usize| {
        let _held = locks[one].lock(machine.may_sleep());
        drop(locks[another].lock(machine.may_sleep()));
    };
    let taken = line!() - 3;
    // The last of these says no more than the others do.
    for (one, another) in [(0, 1), (1, 2), (2, 3), (0, 3)] {
        one_then_another(one, another);
    }
    // What only tries does not wait.
    let held = locks[3].lock(machine.may_sleep());
    drop((locks[0].try_lock().unwrap(), held));
    assert_eq!(machine.reports(), []);
    one_then_another(3, 1);
    one_then_another(3, 1);
    let reports = machine.reports();
    let [Report::LockOrders { held, waited, last_held, last_waited, locks }] = &reports[..] else {
        panic!("{reports:?}");
    };
    assert_eq!([held, waited, last_held, last_waited].map(|place| line(place)), [taken, taken + 1, taken, taken + 1]);
    assert_eq!(*locks, 3, "the second, the third and the fourth");
}

/// Of a lock that many may read at once, a thread that reads it may read once more, and do nothing else with it.
#[test]
fn a_thread_does_not_wait_for_itself() {
    let machine = Machine::new();
    let lock = RwLock::new((), machine.may_sleep()).unwrap();
    let (read, write) = (|| drop(lock.read(machine.may_sleep())), || drop(lock.write(machine.may_sleep())));
    let waits = |wait: &dyn Fn()| catch_unwind(AssertUnwindSafe(wait)).is_err();
    {
        let _read = lock.read(machine.may_sleep());
        assert_eq!((waits(&read), waits(&write)), (false, true));
    }
    {
        let _written = lock.write(machine.may_sleep());
        assert_eq!((waits(&read), waits(&write)), (true, true));
    }
    assert_eq!((waits(&read), waits(&write)), (false, false));
}

/// An order of locks that are there is remembered, however many others have come and gone.
#[test]
fn an_order_is_remembered_as_long_as_its_locks_are_there() {
    let machine = Machine::new();
    let [first, second] = [(); 2].map(|()| Mutex::new((), machine.may_sleep()).unwrap());
    let one_then_another = |one: &Mutex<()>, another: &Mutex<()>| {
        let _held = one.lock(machine.may_sleep());
        drop(another.lock(machine.may_sleep()));
    };
    one_then_another(&first, &second);
    for _ in 0..100 {
        one_then_another(&first, &Mutex::new((), machine.may_sleep()).unwrap());
    }
    assert_eq!(machine.reports(), []);
    one_then_another(&second, &first);
    assert!(matches!(machine.reports()[..], [Report::LockOrders { .. }]), "{:?}", machine.reports());
}

/// Locks of objects, taken in the order of the objects, have one order each, wherever in the program that is.
#[test]
fn locks_that_are_taken_at_one_place_are_told_apart() {
    let machine = Machine::new();
    let device = Mutex::new((), machine.may_sleep()).unwrap();
    // More than are remembered without a look at which have gone.
    for _ in 0..100 {
        let objects: Vec<_> = (0..2).map(|_| Mutex::new((), machine.may_sleep()).unwrap()).collect();
        let _device = device.lock(machine.may_sleep());
        let _held: Vec<_> = objects.iter().map(|object| object.lock(machine.may_sleep())).collect();
    }
    assert_eq!(machine.reports(), []);
}

/// The lines below that insert what is then missed, and that unmap it.
const MISSED: u32 = line!() + 10;
const UNMAPPED: u32 = line!() + 23;

/// Two pages, of which the mmap hook has inserted the first, when it is held and one of the two is unmapped. What is
/// reported, and how many pages are mapped in the end.
fn unmapped_during_mmap(first: usize) -> (Vec<Report>, PageCount) {
    let machine = Machine::new();
    let shown = pages(&machine, 2);
    let file: File = open(&machine, move |ctx| {
        let ctx = ctx.without_faults::<Mixed>()?;
        let ctx = ctx.insert_page(&shown[0])?;
        let ctx = ctx.insert_page(&shown[1])?;
        ctx.finish()
    });
    let process = machine.process();
    let begins = machine.hold(MightSleep::Insertion);
    let at = thread::scope(|scope| {
        let mapping = scope.spawn(|| process.mmap(&file, Map::shared(2 * PAGE).prot(Prot::READ)).unwrap());
        begins.reached();
        // Nothing has been inserted, so nothing is missed.
        file.unmap_mapping_range(PageOffset::ZERO, PageCount::ZERO, true);
        let second = machine.hold(MightSleep::Insertion);
        begins.go_on();
        second.reached();
        file.unmap_mapping_range(PageOffset::new(first), PageCount::new(1), true);
        second.go_on();
        mapping.join().unwrap()
    });
    let reports = machine.reports();
    let left = process.mapped_pages(at, 2 * PAGE);
    // The hook has returned, so an unmapping finds the mapping, and reports nothing more.
    file.unmap_mapping_range(PageOffset::ZERO, PageCount::ZERO, true);
    assert_eq!(process.mapped_pages(at, 2 * PAGE), PageCount::ZERO);
    assert_eq!(machine.reports(), reports);
    (reports, left)
}

#[test]
fn an_unmapping_that_a_mmap_hook_is_too_late_for_is_reported() {
    let (reports, left) = unmapped_during_mmap(0);
    assert_eq!(left, PageCount::new(2), "the first page was unmapped, and is there");
    let [Report::UnmapMissesMmap { inserted, unmapped }] = &reports[..] else { panic!("{reports:?}") };
    assert_eq!((line(inserted), line(unmapped)), (MISSED, UNMAPPED));
    // The second page is not there yet, and so is not missed.
    assert_eq!(unmapped_during_mmap(1), (Vec::new(), PageCount::new(2)));
}

/// The lines below that insert the first two of three pages, and the third.
const IN_THE_LOOP: u32 = line!() + 11;
const BEHIND_IT: u32 = line!() + 12;

/// Pages 5 to 7 of an object are mapped, and before the mmap hook has returned one is unmapped, which may miss what was
/// inserted: where that was.
fn missed_while_mapping(unmapped: usize) -> Vec<u32> {
    let machine = Machine::new();
    let shown = pages(&machine, 3);
    let file: File = open(&machine, move |ctx| {
        let mut ctx = ctx.without_faults::<Mixed>()?;
        for page in &shown[..2] {
            ctx = ctx.insert_page(page)?;
        }
        let ctx = ctx.insert_page(&shown[2])?;
        pass("all are inserted");
        ctx.finish()
    });
    let process = machine.process();
    let hold = machine.hold(HoldAt::Named("all are inserted"));
    let map = || Map::shared(3 * PAGE).prot(Prot::READ).pgoff(PageOffset::new(5));
    thread::scope(|scope| {
        let mapping = scope.spawn(|| process.mmap(&file, map()).unwrap());
        hold.reached();
        file.unmap_mapping_range(PageOffset::new(unmapped), PageCount::new(1), true);
        hold.go_on();
        mapping.join().unwrap();
    });
    let inserted = |report: &Report| match report {
        Report::UnmapMissesMmap { inserted, .. } => line(inserted),
        other => panic!("{other:?}"),
    };
    machine.reports().iter().map(inserted).collect()
}

#[test]
fn what_is_missed_is_named_by_where_it_was_inserted() {
    assert_eq!([4, 8].map(missed_while_mapping), [[], []], "next to what was inserted");
    assert_eq!([5, 6].map(missed_while_mapping), [[IN_THE_LOOP]; 2]);
    assert_eq!(missed_while_mapping(7), [BEHIND_IT]);
}

/// A driver that looks without a lock whether its memory is there, and inserts it later.
struct Naive {
    memory: std::sync::Mutex<Page>,
}

impl VmOperations for Naive {
    type Platform = Sim;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Sim, Mixed>) -> VmFault<'f> {
        let page = self.memory.lock().unwrap().clone();
        ctx.insert_page(&page)
    }
}

#[test]
fn whoever_looks_without_a_lock_and_inserts_later_shows_a_stale_byte() {
    let machine = Machine::new();
    let [old, new] = pages(&machine, 2).try_into().unwrap();
    let state = Ref::new(Naive { memory: std::sync::Mutex::new(old) });
    let file = open(&machine, {
        let state = state.clone();
        move |ctx| Ok(ctx.writable().establish_shared(state.clone())?.fill_later())
    });
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(PAGE)).unwrap();
    let hold = machine.hold(MightSleep::Insertion);
    thread::scope(|scope| {
        let load = scope.spawn(|| process.thread().read_u8(at).unwrap());
        hold.reached();
        // It moves: the new memory first, then nobody has the old.
        *state.memory.lock().unwrap() = new;
        file.unmap_mapping_range(PageOffset::ZERO, PageCount::ZERO, true);
        hold.go_on();
        assert_eq!(load.join().unwrap(), 1);
    });
    assert_eq!(process.thread().read_u8(at), Ok(1), "stale: the memory is full of twos by now");
}

/// The same with a lock from the look to the insertion: whoever moves the memory waits.
#[test]
fn whoever_looks_and_inserts_under_a_lock_cannot_be_overtaken() {
    let Scene { machine, process, guarded, at, .. } = scene();
    let hold = machine.hold(MightSleep::Insertion);
    thread::scope(|scope| {
        let load = scope.spawn(|| process.thread().read_u8(at).unwrap());
        hold.reached();
        assert!(guarded.lock.try_write().is_none());
        hold.go_on();
        load.join().unwrap();
    });
    assert!(guarded.lock.try_write().is_some());
}

#[test]
fn a_hold_holds_one_thread_of_its_machine_at_its_call() {
    let (machine, other) = (Machine::new(), Machine::new());
    let (first, second) = (machine.hold(MightSleep::Allocation), machine.hold(MightSleep::Allocation));
    let locked = machine.hold(MightSleep::Lock);
    // Not the thread whose it is, not one of another machine.
    let _page = machine.alloc_page().unwrap();
    let of_other = || drop::<Mutex<()>>(Mutex::new((), other.may_sleep()).unwrap());
    thread::scope(|scope| scope.spawn(of_other).join().unwrap());
    assert!(!first.is_reached() && !second.is_reached() && !locked.is_reached());
    thread::scope(|scope| {
        let allocate = || vmctx::Mutex::new(0, machine.may_sleep()).map(drop::<Mutex<i32>>);
        let one = scope.spawn(allocate);
        first.reached();
        assert!(!second.is_reached());
        let two = scope.spawn(allocate);
        second.reached();
        // The third is held by nobody.
        scope.spawn(allocate).join().unwrap().unwrap();
        assert!(!one.is_finished() && !two.is_finished());
        // The second goes on before the first.
        second.go_on();
        two.join().unwrap().unwrap();
        assert!(!one.is_finished());
        drop(first);
        one.join().unwrap().unwrap();
    });
    // One that nobody has come to is no trap for whoever comes later.
    drop(locked);
    thread::scope(|scope| {
        scope.spawn(|| {
            let right = machine.may_sleep();
            drop(Mutex::new((), right).unwrap().lock(right));
        });
    });
}

/// A process that is inside a system call of its own has no hook.
#[test]
fn a_driver_that_is_in_order_leaves_no_report() {
    let Scene { machine, process, guarded, at, handle, other } = scene();
    process.thread().read_u8(at).unwrap();
    let done: Result<Result<u8, _>, SyscallError> = process.ioctl(|ctx| {
        drop(guarded.lock.write(ctx.may_sleep()));
        drop(handle.lock(ctx).unwrap());
        process.thread().read_u8(other)
    });
    assert_eq!(done, Ok(Ok(1)));
    assert_eq!(machine.reports(), []);
    let _unused = Arc::new(guarded);
}

/// Two mappings, each with a state of its own, whose driver has given both of them one page of its pool: before the first
/// has gone, or after that. Gives back what is reported, and the lines that have inserted.
fn given_away<K: Kind + FilledLater>(
    watched: bool,
    first_goes: bool,
    insert: for<'f> fn(FaultCtx<'f, Sim, K>, &Page) -> VmFault<'f>,
) -> Vec<Report> {
    let machine = Machine::new();
    let pool = pages(&machine, 2);
    if watched {
        machine.watch_pool(&pool);
    }
    let given = pool[1].clone();
    let file = open(&machine, move |ctx| {
        let page = given.clone();
        let state = on_fault::<Sim, K, _>(move |ctx: FaultCtx<'_, Sim, K>| insert(ctx, &page));
        Ok(ctx.writable().establish(state)?.fill_later())
    });
    let process = machine.process();
    let mmap = || process.mmap(&file, Map::shared(PAGE)).unwrap();
    let (first, second) = (mmap(), mmap());
    let user = process.thread();
    user.write_u8(first, 1).unwrap();
    // Whoever forks shares what he has.
    let child = process.fork().unwrap();
    child.thread().write_u8(first, 2).unwrap();
    assert_eq!(machine.reports(), []);
    if first_goes {
        process.munmap(first, PAGE).unwrap();
        child.munmap(first, PAGE).unwrap();
    }
    assert_eq!(user.read_u8(second), Ok(2));
    machine.reports()
}

#[test]
fn a_page_that_a_pool_gives_away_while_somebody_has_it_is_reported() {
    fn inserted<'f>(ctx: FaultCtx<'f, Sim, Mixed>, page: &Page) -> VmFault<'f> {
        ctx.insert_page(page)
    }
    let in_fault = line!() - 2;
    fn handed_back<'f>(ctx: FaultCtx<'f, Sim, Normal>, page: &Page) -> VmFault<'f> {
        ctx.deliver(page.clone())
    }
    let by_the_core = line!() - 2;
    for (reports, place) in
        [(given_away(true, false, inserted), in_fault), (given_away(true, false, handed_back), by_the_core)]
    {
        let [Report::PageOfTwoUsers { first, second }] = &reports[..] else { panic!("{reports:?}") };
        assert_eq!((line(first), line(second)), (place, place));
    }
    assert_eq!(given_away(true, true, inserted), []);
    assert_eq!(given_away(true, true, handed_back), []);
    assert_eq!(given_away(false, false, inserted), [], "a page of two users is not wrong by itself");
}

#[test]
fn a_page_of_a_pool_inserted_at_mmap_is_reported_too() {
    let machine = Machine::new();
    let pool = pages(&machine, 1);
    machine.watch_pool(&pool);
    let file = open(&machine, move |ctx| ctx.without_faults::<Mixed>()?.insert_page(&pool[0])?.finish());
    let inserted = line!() - 1;
    let process = machine.process();
    let mmap = || process.mmap(&file, Map::shared(PAGE).prot(Prot::READ)).unwrap();
    let first = mmap();
    process.munmap(first, PAGE).unwrap();
    mmap();
    assert_eq!(machine.reports(), []);
    mmap();
    let reports = machine.reports();
    let [Report::PageOfTwoUsers { first, second }] = &reports[..] else { panic!("{reports:?}") };
    assert_eq!((line(first), line(second)), (inserted, inserted));
}
