//! Established mappings, reached from outside their hooks.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

use vmctx::{
    Errno, FaultCtx, FrameSource, Handle, Hooks, Kind, Mixed, PageCount, PageOffset, PfnMap, Platform, RwLock as _,
    UnlockedCtx, UserAddr, VmFault, VmOperations,
};
use vmctx_hosted::{Paged as _, Ref};
use vmctx_sim::{AccessError, DeviceMemory, Hook, Machine, Map, Page, Process, Prot, Sim, SyscallError};

use crate::{
    drivers::{Handles, OnDrop, PAGE, faulting, on_fault, open, page_at, pages, with_handles},
    users::{ThisThread, errno},
};

/// A state without a fault hook: what an ioctl does not insert is not there.
struct Filled;

impl VmOperations for Filled {
    type Platform = Sim;
    type Kind = Mixed;
}

/// The same by another name.
struct Alike;

impl VmOperations for Alike {
    type Platform = Sim;
    type Kind = Mixed;
}

fn insert<M: Kind + vmctx::kind::HoldsPages>(
    process: &Process,
    handle: &Handle<Sim, M>,
    at: usize,
    page: &Page,
) -> Result<(), Errno> {
    process.ioctl(|ctx| handle.lock(ctx)?.insert_page(PageOffset::new(at), page)).unwrap()
}

/// Which of the first slots of the object can be inserted into.
fn slots(process: &Process, handle: &Handle<Sim, Mixed>, count: usize) -> Vec<usize> {
    let page = process.machine().alloc_page().unwrap();
    let able = |at: &usize| {
        process
            .ioctl(|ctx| {
                let mapped = handle.lock(ctx)?;
                mapped.insert_page(PageOffset::new(*at), &page)?;
                mapped.zap(PageOffset::new(*at), PageCount::new(1));
                Ok::<_, Errno>(())
            })
            .unwrap()
            .is_ok()
    };
    (0..count).filter(able).collect()
}

#[test]
fn a_handle_finds_its_mapping_wherever_it_is_and_no_other() {
    let machine = Machine::new();
    let page = machine.alloc_page().unwrap();
    let handles: Handles<Sim, Mixed> = Arc::default();
    let file = open(&machine, {
        let handles = Arc::clone(&handles);
        move |ctx| {
            let ctx = ctx.writable().establish(Filled)?.may_expand();
            handles.lock().unwrap().push(ctx.handle()?);
            Ok(ctx.fill_later())
        }
    });
    let (wall, _) = with_handles(&machine, |_| Ref::new(Alike));
    let process = machine.process();
    process.mmap(&wall, Map::shared(PAGE)).unwrap();
    let at = process.mmap(&file, Map::shared(4 * PAGE)).unwrap();
    let handle = handles.lock().unwrap().pop().unwrap();
    assert_eq!(slots(&process, &handle, 6), [0, 1, 2, 3]);

    // A hole in the middle, the end moved away, and something else in its place.
    process.munmap(page_at(at, 1), PAGE).unwrap();
    let moved = process.mremap(page_at(at, 3), PAGE, 2 * PAGE, true).unwrap();
    assert_ne!(moved, page_at(at, 3));
    process.mmap(&file, Map::shared(PAGE).at(page_at(at, 3))).unwrap();
    assert_eq!(slots(&process, &handle, 6), [0, 2, 3, 4]);
    insert(&process, &handle, 3, &page).unwrap();
    assert_eq!(process.mapped_pages(moved, PAGE), PageCount::new(1));
    assert_eq!(process.mapped_pages(page_at(at, 3), PAGE), PageCount::ZERO);

    // What is left of it elsewhere is found without its beginning, too.
    process.munmap(at, 3 * PAGE).unwrap();
    assert_eq!(slots(&process, &handle, 6), [4]);
    process.munmap(moved, 2 * PAGE).unwrap();
    assert_eq!(insert(&process, &handle, 3, &page), Err(Errno::EFAULT));
}

/// The pages that were named, and neither those before nor those behind them.
#[test]
fn what_is_not_named_stays_as_it_is() {
    let machine = Machine::new();
    let pages = pages(&machine, 5);
    let (file, handles) = with_handles(&machine, |_| Ref::new(Filled));
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(5 * PAGE)).unwrap();
    let handle = handles.lock().unwrap().pop().unwrap();
    for (index, page) in pages.iter().enumerate() {
        insert(&process, &handle, index, page).unwrap();
    }
    let two = (PageOffset::new(1), PageCount::new(2));
    process.ioctl(|ctx| handle.lock(ctx).unwrap().write_protect(two.0, two.1)).unwrap();
    let prots = [0, 1, 2, 3, 4].map(|page| process.page_prot_at(page_at(at, page)).unwrap().is_writable());
    assert_eq!(prots, [true, false, false, true, true]);
    process.ioctl(|ctx| handle.lock(ctx).unwrap().zap(two.0, two.1)).unwrap();
    let mapped = [0, 1, 2, 3, 4].map(|page| process.mapped_pages(page_at(at, page), PAGE).get());
    assert_eq!(mapped, [1, 0, 0, 1, 1]);
}

#[test]
fn a_handle_is_for_its_own_process_and_keeps_nothing_alive() {
    let machine = Machine::new();
    let page = machine.alloc_page().unwrap();
    let dropped = Arc::new(AtomicUsize::new(0));
    let (file, handles) = with_handles(&machine, {
        let dropped = Arc::clone(&dropped);
        move |_| {
            let dropped = Arc::clone(&dropped);
            let on_drop = OnDrop(move || {
                dropped.fetch_add(1, Ordering::Relaxed);
            });
            Ref::new(on_fault::<Sim, Mixed, _>(move |ctx| {
                let _ = &on_drop.0;
                ctx.fail(Errno::ENXIO)
            }))
        }
    });
    let parent = machine.process();
    let at = parent.mmap(&file, Map::shared(PAGE)).unwrap();
    let handle = handles.lock().unwrap().pop().unwrap();
    let child = parent.fork().unwrap();
    insert(&child, &handle, 0, &page).unwrap();
    assert_eq!((parent.mapped_pages(at, PAGE).get(), child.mapped_pages(at, PAGE).get()), (1, 0));

    // The parent's mapping goes; the child's has the same state, and is not meant.
    parent.munmap(at, PAGE).unwrap();
    assert_eq!(insert(&child, &handle, 0, &page), Err(Errno::EFAULT));
    parent.exit().unwrap();
    assert_eq!(insert(&child, &handle, 0, &page), Err(Errno::ESRCH));
    drop(parent);
    assert_eq!(insert(&child, &handle, 0, &page), Err(Errno::ESRCH));
    assert_eq!(handle.try_zap(PageOffset::ZERO, PageCount::new(1), machine.may_sleep()), Err(Errno::ESRCH));
    assert_eq!(dropped.load(Ordering::Relaxed), 0);
    child.exit().unwrap();
    assert_eq!(dropped.load(Ordering::Relaxed), 1);
}

/// The removal of a device happens in no process.
#[test]
fn outside_any_process_nothing_is_found_by_address() {
    let machine = Machine::new();
    let (file, _) = with_handles(&machine, |_| Ref::new(Filled));
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(PAGE)).unwrap();
    assert_eq!(machine.unlocked(|ctx| ctx.find::<Filled>(at).map(drop)), Ok(Err(Errno::ESRCH)));
}

#[test]
fn an_ioctl_touches_user_memory_but_not_with_a_mapping_locked() {
    let machine = Machine::new();
    let (file, handles) = with_handles(&machine, |_| Ref::new(Filled));
    let page = pages(&machine, 1).remove(0);
    let readable = faulting::<Mixed, _, _>(&machine, {
        let page = page.clone();
        move |ctx| ctx.insert_page(&page)
    });
    let process = machine.process();
    let user = process.thread();
    process.mmap(&file, Map::shared(PAGE)).unwrap();
    let at = process.mmap(&readable, Map::shared(PAGE)).unwrap();
    let handle = handles.lock().unwrap().pop().unwrap();
    let hook = Hook::Ioctl;
    process
        .ioctl(|ctx| {
            assert_eq!(user.read_u8(at), Ok(1));
            let mapped = handle.lock(ctx).unwrap();
            assert_eq!(user.read_u8(at), Err(AccessError::InsideHook { hook, address: at }));
            assert_eq!(process.munmap(at, PAGE), Err(SyscallError::InsideHook { hook }));
            drop(mapped);
            assert_eq!(user.read_u8(at), Ok(1));
            assert_eq!(process.ioctl(|_| ()), Err(SyscallError::InsideHook { hook }));
            assert_eq!(machine.unlocked(|_| ()), Err(SyscallError::InsideHook { hook }));
            process.munmap(at, PAGE).unwrap();
        })
        .unwrap();
    process.exit().unwrap();
    assert_eq!(process.ioctl(|_| ()), Err(SyscallError::Exited));
}

/// A device whose fault hook takes a lock.
struct Guarded {
    lock: <Sim as Platform>::RwLock<()>,
    page: Page,
}

impl VmOperations for Guarded {
    type Platform = Sim;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Sim, Mixed>) -> VmFault<'f> {
        let _guard = self.lock.read(ctx.may_sleep());
        ctx.insert_page(&self.page)
    }
}

#[test]
fn waiting_for_the_mmap_lock_with_a_hooks_lock_held_is_reported() {
    let machine = Machine::new();
    let page = machine.alloc_page().unwrap();
    let lock = vmctx::RwLock::new((), machine.may_sleep()).unwrap();
    let guarded = Ref::new(Guarded { lock, page });
    let own = <Sim as Platform>::RwLock::new((), machine.may_sleep()).unwrap();
    let (file, handles) = with_handles(&machine, {
        let guarded = guarded.clone();
        move |_| guarded.clone()
    });
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(PAGE)).unwrap();
    let handle = handles.lock().unwrap().pop().unwrap();
    let lock_with = |guarded: &Guarded| {
        process
            .ioctl(|ctx| {
                let _own = own.write(ctx.may_sleep());
                let may_sleep = machine.may_sleep();
                let _guard = guarded.lock.write(may_sleep);
                let waited = handle.lock(ctx).map(drop);
                let found = ctx.find::<Guarded>(at).map(drop);
                (waited, found, handle.try_lock(ctx).map(drop))
            })
            .unwrap()
    };
    // Nobody knows yet that a hook takes it.
    assert_eq!(lock_with(&guarded), (Ok(()), Ok(()), Ok(())));
    process.thread().read_u8(at).unwrap();
    assert_eq!(lock_with(&guarded), (Err(Errno::EDEADLK), Err(Errno::EDEADLK), Ok(())));
    // Given back, it is in nobody's way.
    let _ = guarded.lock.try_write().map(drop);
    assert_eq!(process.ioctl(|ctx| handle.lock(ctx).map(drop)), Ok(Ok(())));
}

/// The first time already: the hook has not got the lock yet, and waits for it with the mmap lock held.
#[test]
fn two_that_would_wait_for_each_other_do_not() {
    let machine = Machine::new();
    let page = machine.alloc_page().unwrap();
    let lock = Ref::new(<Sim as Platform>::RwLock::new((), machine.may_sleep()).unwrap());
    let (file, handles) = with_handles(&machine, |_| Ref::new(Filled));
    let (begins, begun) = mpsc::channel();
    let this_thread = ThisThread::new();
    let slow = open(&machine, {
        let lock = lock.clone();
        move |ctx| {
            begins.send(()).unwrap();
            // The other one waits for the mmap lock by now, and has found no reason not to.
            this_thread.until_asleep();
            let _guard = lock.write(ctx.may_sleep());
            ctx.without_faults::<Mixed>()?.insert_page(&page)?.finish()
        }
    });
    let process = machine.process();
    process.mmap(&file, Map::shared(PAGE)).unwrap();
    let handle = handles.lock().unwrap().pop().unwrap();
    thread::scope(|threads| {
        let guard = lock.write(machine.may_sleep());
        let mapping = threads.spawn(|| process.mmap(&slow, Map::shared(PAGE).prot(Prot::READ)));
        // The hook takes this thread for one that waits for the mmap lock as soon as it sleeps, so it must not sleep here.
        while begun.try_recv().is_err() {
            thread::yield_now();
        }
        // Not an ioctl of the process's own, which would look at it first, and its mmap lock is taken.
        let locked = machine.unlocked(|ctx| handle.lock(ctx).map(drop)).unwrap();
        assert_eq!(locked, Err(Errno::EDEADLK));
        drop(guard);
        mapping.join().unwrap().unwrap();
    });
    assert_eq!(process.ioctl(|ctx| handle.lock(ctx).map(drop)), Ok(Ok(())));
}

#[test]
fn a_shrinker_takes_pages_away_from_inside_a_hook() {
    let machine = Machine::new();
    let pages = pages(&machine, 2);
    let handles: Handles<Sim, Mixed> = Arc::default();
    // A fault of the second page takes the first away.
    let (file, of_file) = with_handles(&machine, {
        let handles = Arc::clone(&handles);
        move |_| {
            let (handles, pages) = (Arc::clone(&handles), pages.clone());
            Ref::new(on_fault::<Sim, Mixed, _>(move |ctx| {
                let at = ctx.pgoff();
                if at == PageOffset::new(1) {
                    for handle in &*handles.lock().unwrap() {
                        handle.try_zap(PageOffset::ZERO, PageCount::new(1), ctx.may_sleep()).unwrap();
                    }
                }
                ctx.insert_page(&pages[at.index()])
            }))
        }
    });
    let process = machine.process();
    let user = process.thread();
    let at = process.mmap(&file, Map::shared(2 * PAGE)).unwrap();
    handles.lock().unwrap().append(&mut of_file.lock().unwrap());
    user.read_u8(at).unwrap();
    user.read_u8(page_at(at, 1)).unwrap();
    assert_eq!(process.mapped_pages(at, PAGE), PageCount::ZERO);
    assert_eq!(user.read_u8(at), Ok(1));

    // Under the lock for write it would have to wait.
    let zapped = Arc::new(Mutex::new(None));
    let refusing = open(&machine, {
        let (handles, zapped) = (Arc::clone(&handles), Arc::clone(&zapped));
        move |ctx| {
            let zap = handles.lock().unwrap()[0].try_zap(PageOffset::ZERO, PageCount::new(1), ctx.may_sleep());
            *zapped.lock().unwrap() = Some(zap);
            Err(Errno::ENODEV)
        }
    });
    assert_eq!(errno(process.mmap(&refusing, Map::shared(PAGE))), Errno::ENODEV);
    assert_eq!(*zapped.lock().unwrap(), Some(Err(Errno::EAGAIN)));
    // Another process's is another lock.
    let other = machine.process();
    assert_eq!(errno(other.mmap(&refusing, Map::shared(PAGE))), Errno::ENODEV);
    assert_eq!(*zapped.lock().unwrap(), Some(Ok(())));
    assert_eq!(process.mapped_pages(at, PAGE), PageCount::ZERO);
    handles.lock().unwrap().clear();
}

/// The frames of a device, by number, and nothing in a fault.
struct Frames(DeviceMemory);

impl VmOperations for Frames {
    type Platform = Sim;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> = Hooks::NONE;
}

#[test]
fn a_frame_of_another_machine_does_not_go_in_by_ioctl() {
    let machine = Machine::new();
    let foreign = Machine::new().device_memory(PageCount::new(1)).unwrap();
    let (file, handles) = with_handles(&machine, move |_| Ref::new(Frames(foreign.clone())));
    let process = machine.process();
    process.mmap(&file, Map::shared(PAGE)).unwrap();
    let handle = handles.lock().unwrap().pop().unwrap();
    let insert = |ctx: &mut UnlockedCtx<'_, Sim>| {
        handle.lock(ctx).unwrap().with_state(|Frames(foreign), slots| {
            slots.insert_pfn(PageOffset::ZERO, foreign.frame(PageOffset::ZERO).unwrap())
        })
    };
    assert_eq!(process.ioctl(insert), Ok(Some(Err(Errno::EINVAL))));
}

/// At the lowest addresses, too, where pages that would lie before the mapping's first have no address any more.
#[test]
fn a_handle_prefers_its_own_mapping() {
    for own_at in [Sim::MMAP_MIN, Sim::MMAP_MIN + 5000 * PAGE] {
        let machine = Machine::new();
        let state = Ref::new(Filled);
        let (file, handles) = with_handles(&machine, move |_| state.clone());
        let process = machine.process();
        let map = Map::shared(PAGE).pgoff(PageOffset::new(1000)).at(UserAddr::new(own_at));
        let own = process.mmap(&file, map).unwrap();
        let whole = process.mmap(&file, Map::shared(2000 * PAGE)).unwrap();
        let handle = handles.lock().unwrap().remove(0);
        let pages = vec![machine.alloc_page().unwrap(); 1500];
        let inserted = process.ioctl(|ctx| handle.lock(ctx).unwrap().insert_pages(PageOffset::ZERO, &pages));
        assert_eq!(inserted, Ok(Ok(PageCount::new(1500))));
        assert_eq!(process.mapped_pages(own, PAGE), PageCount::new(1));
        assert_eq!(process.mapped_pages(whole, 2000 * PAGE), PageCount::new(1499));
    }
}

/// Where the mapping was when the handle was made is only where it is looked for first.
#[test]
fn a_handle_reaches_a_mapping_that_another_one_has_the_place_of() {
    let machine = Machine::new();
    let [(file, handles), (other, _)] = [(); 2].map(|()| {
        let state = Ref::new(Filled);
        with_handles(&machine, move |_| state.clone())
    });
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(PAGE)).unwrap();
    let handle = handles.lock().unwrap().remove(0);
    let to = UserAddr::new(at.get() - 64 * PAGE);
    process.mremap_fixed(at, PAGE, PAGE, to).unwrap();
    process.mmap(&other, Map::shared(PAGE).at(at)).unwrap();
    let page = machine.alloc_page().unwrap();
    let inserted = process.ioctl(|ctx| {
        let mapped = handle.lock(ctx).unwrap();
        let with_its_state = mapped.with_state(|_: &Filled, _| ());
        (with_its_state, mapped.insert_page(PageOffset::ZERO, &page))
    });
    assert_eq!(inserted, Ok((Some(()), Ok(()))));
    assert_eq!([to, at].map(|at| process.mapped_pages(at, PAGE).get()), [1, 0]);
}
