//! Established mappings, reached from outside their hooks.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use vmctx::{
    Errno, FaultCtx, FrameSource, Handle, Hooks, InsertPagesError, Mapping, Mixed, PageCount, PageOffset, PfnMap,
    Platform, RwLock as _, UserAddr, VmFault, VmOperations,
};
use vmctx_sim::{AccessError, Hook, Machine, Map, Page, Process, Sim, SyscallError};

use crate::drivers::{Handles, OnDrop, PAGE, errno, faulting, on_fault, open, page_at, pages, with_handles};

/// A state without a fault hook: what an ioctl does not insert is not there.
struct Filled(u32);

impl VmOperations for Filled {
    type Platform = Sim;
    type Mapping = Mixed;
}

/// The same by another name.
struct Alike(u32);

impl VmOperations for Alike {
    type Platform = Sim;
    type Mapping = Mixed;
}

fn insert<M: Mapping + vmctx::kind::HoldsPages>(
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
fn an_ioctl_fills_what_mmap_has_left_open() {
    let machine = Machine::new();
    let pages = pages(&machine, 3);
    let (file, handles) = with_handles(&machine, || Arc::new(Filled(0)));
    let process = machine.process();
    let user = process.thread();
    let at = process.mmap(&file, Map::shared(2 * PAGE).pgoff(PageOffset::new(1))).unwrap();
    let handle = handles.lock().unwrap().pop().unwrap();

    assert!(user.read_u8(at).is_err());
    assert_eq!(insert(&process, &handle, 2, &pages[2]), Ok(()));
    assert_eq!(user.read_u8(page_at(at, 1)), Ok(3));
    assert_eq!(insert(&process, &handle, 2, &pages[0]), Err(Errno::EBUSY));
    assert_eq!(insert(&process, &handle, 2, &pages[2]), Err(Errno::EBUSY));
    for outside in [0, 3, usize::MAX] {
        assert_eq!(insert(&process, &handle, outside, &pages[0]), Err(Errno::EFAULT));
    }
    assert_eq!((pages[2].references(), pages[2].map_count()), (2, 1));
    process
        .ioctl(|ctx| {
            let mapped = handle.lock(ctx).unwrap();
            assert_eq!(mapped.pgoff_of(page_at(at, 1)), Some(PageOffset::new(2)));
            assert_eq!(mapped.pgoff_of(page_at(at, 2)), None);
            assert!(mapped.state::<Filled>().is_some() && mapped.state::<Alike>().is_none());
            mapped.zap(PageOffset::ZERO, PageCount::new(usize::MAX));
        })
        .unwrap();
    assert_eq!((pages[2].references(), pages[2].map_count()), (1, 0));
}

#[test]
fn a_batch_says_exactly_how_much_went_in() {
    let machine = Machine::new();
    let pages = pages(&machine, 6);
    let (file, handles) = with_handles(&machine, || Arc::new(Filled(0)));
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(6 * PAGE)).unwrap();
    let handle = handles.lock().unwrap().pop().unwrap();
    let batch = |first: usize, pages: &[Page]| {
        process.ioctl(|ctx| handle.lock(ctx).unwrap().insert_pages(PageOffset::new(first), pages)).unwrap()
    };
    let stopped = |errno, inserted| Err(InsertPagesError { errno, inserted: PageCount::new(inserted) });
    let mapped = |from, count| process.mapped_pages(page_at(at, from), count * PAGE).get();

    insert(&process, &handle, 3, &pages[5]).unwrap();
    assert_eq!(batch(1, &pages[..4]), stopped(Errno::EBUSY, 2));
    assert_eq!((mapped(0, 1), mapped(1, 3), mapped(4, 2)), (0, 3, 0));
    // The rest, exactly: what was in the way goes first.
    process.ioctl(|ctx| handle.lock(ctx).unwrap().zap(PageOffset::new(3), PageCount::new(1))).unwrap();
    assert_eq!(batch(3, &pages[2..4]), Ok(()));
    assert_eq!(process.thread().read_u8(page_at(at, 4)), Ok(4));
    assert_eq!(batch(5, &pages[..2]), stopped(Errno::EFAULT, 1));
    assert_eq!(batch(6, &pages[..1]), stopped(Errno::EFAULT, 0));
    assert_eq!(batch(0, &[]), Ok(()));

    // Two parts with a hole between them: as far as the first goes.
    process.ioctl(|ctx| handle.lock(ctx).unwrap().zap(PageOffset::ZERO, PageCount::new(6))).unwrap();
    process.munmap(page_at(at, 2), PAGE).unwrap();
    assert_eq!(batch(0, &pages), stopped(Errno::EFAULT, 2));
    assert_eq!(batch(3, &pages[3..]), Ok(()));
    // Over a cut without a hole it goes on.
    process.ioctl(|ctx| handle.lock(ctx).unwrap().zap(PageOffset::ZERO, PageCount::new(6))).unwrap();
    process.mprotect(page_at(at, 4), PAGE, vmctx_sim::Prot::READ).unwrap();
    assert_eq!(batch(3, &pages[3..]), Ok(()));
    process.exit().unwrap();
    assert_eq!(pages.iter().map(Page::references).sum::<usize>(), 6);
}

#[test]
fn a_handle_finds_its_mapping_wherever_it_is_and_no_other() {
    let machine = Machine::new();
    let page = machine.alloc_page().unwrap();
    let (file, handles) = with_handles(&machine, || Arc::new(Filled(0)));
    let (wall, _) = with_handles(&machine, || Arc::new(Alike(0)));
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

#[test]
fn another_mapping_at_the_same_address_is_not_the_handles() {
    let machine = Machine::new();
    let page = machine.alloc_page().unwrap();
    let (file, handles) = with_handles(&machine, || Arc::new(Filled(0)));
    let (other, _) = with_handles(&machine, || Arc::new(Alike(0)));
    let process = machine.process();
    let mut at = process.mmap(&file, Map::shared(PAGE)).unwrap();
    let handle = handles.lock().unwrap().pop().unwrap();
    // Its state is dropped and its memory used again: by one of the same type, sooner or later at the same place.
    for round in 0..100 {
        process.munmap(at, PAGE).unwrap();
        let file = if round % 2 == 0 { &file } else { &other };
        at = process.mmap(file, Map::shared(PAGE).at(at)).unwrap();
        assert_eq!(insert(&process, &handle, 0, &page), Err(Errno::EFAULT));
    }
    assert_eq!(page.map_count(), 0);
}

#[test]
fn a_handle_is_for_its_own_process_and_keeps_nothing_alive() {
    let machine = Machine::new();
    let page = machine.alloc_page().unwrap();
    let dropped = Arc::new(AtomicUsize::new(0));
    let (file, handles) = with_handles(&machine, {
        let dropped = Arc::clone(&dropped);
        move || {
            let dropped = Arc::clone(&dropped);
            let on_drop = OnDrop(move || {
                dropped.fetch_add(1, Ordering::Relaxed);
            });
            Arc::new(on_fault::<Mixed, _>(move |ctx| {
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

#[test]
fn of_two_mappings_with_one_state_a_handle_prefers_its_own() {
    let machine = Machine::new();
    let page = machine.alloc_page().unwrap();
    let (file, handles) = with_handles(&machine, {
        let state = Arc::new(Filled(0));
        move || Arc::clone(&state)
    });
    let process = machine.process();
    let whole = process.mmap(&file, Map::shared(4 * PAGE)).unwrap();
    let part = process.mmap(&file, Map::shared(PAGE).pgoff(PageOffset::new(2))).unwrap();
    let handles = std::mem::take(&mut *handles.lock().unwrap());
    for (handle, own) in [(&handles[0], page_at(whole, 2)), (&handles[1], part)] {
        insert(&process, handle, 2, &page).unwrap();
        assert_eq!(process.mapped_pages(own, PAGE), PageCount::new(1));
        assert_eq!(page.map_count(), 1);
        // Also where a range begins in the other one.
        let zap =
            |ctx: &mut vmctx::UnlockedCtx<'_, Sim>| handle.lock(ctx).unwrap().zap(PageOffset::ZERO, PageCount::new(4));
        process.ioctl(zap).unwrap();
        assert_eq!(page.map_count(), 0);
    }
    // By address there is no doubt.
    for at in [page_at(whole, 2), part] {
        let inserted =
            |ctx: &mut vmctx::UnlockedCtx<'_, Sim>| ctx.find::<Filled>(at)?.insert_page(PageOffset::new(2), &page);
        process.ioctl(inserted).unwrap().unwrap();
        assert_eq!(process.mapped_pages(at, PAGE), PageCount::new(1));
        process.ioctl(|ctx| ctx.find::<Filled>(at).unwrap().zap(PageOffset::new(2), PageCount::new(1))).unwrap();
    }
}

#[test]
fn by_address_only_a_mapping_of_the_same_type_is_found() {
    let machine = Machine::new();
    let (file, _) = with_handles(&machine, || Arc::new(Filled(7)));
    let (alike, _) = with_handles(&machine, || Arc::new(Alike(7)));
    let page = machine.alloc_page().unwrap();
    let bare = open(&machine, move |ctx| ctx.populate::<Mixed>()?.insert_page(&page)?.finish());
    let process = machine.process();
    let map = |file| process.mmap(file, Map::shared(PAGE)).unwrap();
    let (ours, theirs, nobodys) = (map(&file), map(&alike), map(&bare));
    let find = |at: UserAddr| {
        process.ioctl(|ctx| ctx.find::<Filled>(at).map(|mapped| mapped.state::<Filled>().map(|state| state.0))).unwrap()
    };
    assert_eq!(find(ours), Ok(Some(7)));
    assert_eq!(find(theirs), Err(Errno::EINVAL));
    assert_eq!(find(nobodys), Err(Errno::EINVAL));
    assert_eq!(find(UserAddr::new(0x1000)), Err(Errno::EFAULT));
    let theirs_is = process.ioctl(|ctx| ctx.find::<Alike>(theirs).map(|mapped| mapped.state::<Alike>().unwrap().0));
    assert_eq!(theirs_is, Ok(Ok(7)));
    // The removal of a device happens in no process.
    assert_eq!(machine.unlocked(|ctx| ctx.find::<Filled>(ours).map(drop)), Ok(Err(Errno::ESRCH)));
}

#[test]
fn an_ioctl_touches_user_memory_but_not_with_a_mapping_locked() {
    let machine = Machine::new();
    let (file, handles) = with_handles(&machine, || Arc::new(Filled(0)));
    let page = pages(&machine, 1).remove(0);
    let readable = faulting::<Mixed, _>(&machine, {
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

#[test]
fn whoever_unmaps_waits_for_the_lock() {
    let machine = Machine::new();
    let page = machine.alloc_page().unwrap();
    let (file, handles) = with_handles(&machine, || Arc::new(Filled(0)));
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(PAGE)).unwrap();
    let handle = handles.lock().unwrap().pop().unwrap();
    std::thread::scope(|scope| {
        process
            .ioctl(|ctx| {
                let mapped = handle.lock(ctx).unwrap();
                scope.spawn(|| process.munmap(at, PAGE).unwrap());
                for _ in 0..100 {
                    mapped.insert_page(PageOffset::ZERO, &page).unwrap();
                    mapped.zap(PageOffset::ZERO, PageCount::new(1));
                }
            })
            .unwrap();
    });
    assert_eq!(insert(&process, &handle, 0, &page), Err(Errno::EFAULT));
}

/// A device whose fault hook takes a lock.
struct Guarded {
    lock: <Sim as Platform>::RwLock<()>,
    page: Page,
}

impl VmOperations for Guarded {
    type Platform = Sim;
    type Mapping = Mixed;

    fn fault<'f>(&self, ctx: FaultCtx<'f, Sim, Mixed>) -> VmFault<'f> {
        let _guard = self.lock.read(ctx.may_sleep());
        ctx.insert_page(&self.page)
    }
}

#[test]
fn waiting_for_the_mmap_lock_with_a_hooks_lock_held_is_reported() {
    let machine = Machine::new();
    let page = machine.alloc_page().unwrap();
    let lock = vmctx::RwLock::new((), machine.may_sleep()).unwrap();
    let guarded = Arc::new(Guarded { lock, page });
    let own = <Sim as Platform>::RwLock::new((), machine.may_sleep()).unwrap();
    let (file, handles) = with_handles(&machine, {
        let guarded = Arc::clone(&guarded);
        move || Arc::clone(&guarded)
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

#[test]
fn a_shrinker_takes_pages_away_from_inside_a_hook() {
    let machine = Machine::new();
    let pages = pages(&machine, 2);
    let handles: Handles<Mixed> = Arc::default();
    // A fault of the second page takes the first away.
    let (file, of_file) = with_handles(&machine, {
        let handles = Arc::clone(&handles);
        move || {
            let (handles, pages) = (Arc::clone(&handles), pages.clone());
            Arc::new(on_fault::<Mixed, _>(move |ctx| {
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

/// Frames by number, and nothing in a fault.
struct Frames;

impl VmOperations for Frames {
    type Platform = Sim;
    type Mapping = PfnMap;
    const HOOKS: Hooks<Self> = Hooks::NONE;
}

#[test]
fn frames_and_the_zero_page_go_in_by_ioctl_as_they_do_elsewhere() {
    let machine = Machine::new();
    let memory = machine.device_memory(PageCount::new(2)).unwrap();
    let foreign = Machine::new().device_memory(PageCount::new(1)).unwrap();
    let (file, handles) = with_handles(&machine, || Arc::new(Frames));
    let process = machine.process();
    let user = process.thread();
    let at = process.mmap(&file, Map::shared(2 * PAGE)).unwrap();
    let handle = handles.lock().unwrap().pop().unwrap();
    process
        .ioctl(|ctx| {
            let mapped = handle.lock(ctx).unwrap();
            let frame = memory.frame(PageOffset::new(1)).unwrap();
            assert_eq!(mapped.insert_pfn(PageOffset::new(1), frame), Ok(()));
            assert_eq!(mapped.insert_pfn(PageOffset::new(1), frame), Err(Errno::EBUSY));
            let foreign = foreign.frame(PageOffset::ZERO).unwrap();
            assert_eq!(mapped.insert_pfn(PageOffset::ZERO, foreign), Err(Errno::EINVAL));
        })
        .unwrap();
    user.write_u8(page_at(at, 1), 5).unwrap();
    let mut byte = [0];
    vmctx::Iomem::read(&memory, PAGE, &mut byte).unwrap();
    assert_eq!(byte, [5]);

    let (file, handles) = with_handles(&machine, || Arc::new(Filled(0)));
    let shared = process.mmap(&file, Map::shared(PAGE)).unwrap();
    let private = process.mmap(&file, Map::private(2 * PAGE)).unwrap();
    let handles = std::mem::take(&mut *handles.lock().unwrap());
    let zero = |index: usize| {
        process.ioctl(|ctx| handles[index].lock(ctx).unwrap().insert_zero_page(PageOffset::ZERO)).unwrap()
    };
    assert_eq!((zero(0), zero(1)), (Err(Errno::EINVAL), Ok(())));
    assert_eq!(process.mapped_pages(shared, PAGE), PageCount::ZERO);
    process
        .ioctl(|ctx| {
            let frame = memory.frame(PageOffset::new(1)).unwrap();
            assert_eq!(handles[1].lock(ctx).unwrap().insert_mixed(PageOffset::new(1), frame), Ok(()));
        })
        .unwrap();
    assert_eq!((user.read_u8(private), user.read_u8(page_at(private, 1))), (Ok(0), Ok(5)));
    // A store makes a copy, as elsewhere; zapping takes that away, too.
    user.write_u8(private, 9).unwrap();
    process.ioctl(|ctx| handles[1].lock(ctx).unwrap().zap(PageOffset::ZERO, PageCount::new(1))).unwrap();
    assert_eq!(process.mapped_pages(private, 2 * PAGE), PageCount::new(1));
    assert_eq!(machine.statistics().copies, 1);
}

#[test]
fn ioctls_and_faults_of_many_threads_agree_on_every_page() {
    let machine = Machine::new();
    let pages = Arc::new(pages(&machine, 8));
    let (file, handles) = with_handles(&machine, {
        let pages = Arc::clone(&pages);
        move || {
            let pages = Arc::clone(&pages);
            Arc::new(on_fault::<Mixed, _>(move |ctx| {
                let page = &pages[ctx.pgoff().index()];
                ctx.insert_page(page)
            }))
        }
    });
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(8 * PAGE)).unwrap();
    let handle = handles.lock().unwrap().pop().unwrap();
    let wrong = AtomicBool::new(false);
    crate::drivers::in_threads(&process, 4, |thread, user| {
        for round in 0..1000 {
            let slot = (round * 3 + thread) % 8;
            if thread % 2 == 0 {
                let byte = user.read_u8(page_at(at, slot)).unwrap();
                wrong.fetch_or(usize::from(byte) != slot + 1, Ordering::Relaxed);
                continue;
            }
            let became = process
                .ioctl(|ctx| {
                    let mapped = handle.lock(ctx).unwrap();
                    mapped.zap(PageOffset::new(slot), PageCount::new(1));
                    mapped.insert_page(PageOffset::new(slot), &pages[slot])
                })
                .unwrap();
            wrong.fetch_or(!matches!(became, Ok(()) | Err(Errno::EBUSY)), Ordering::Relaxed);
        }
    });
    assert!(!wrong.load(Ordering::Relaxed));
    process.exit().unwrap();
    assert!(pages.iter().all(|page| page.map_count() == 0 && page.references() == 1));
}
