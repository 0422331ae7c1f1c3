//! Between a prepare hook and its mapping: the order, and what is left when anything goes wrong on the way, in the order
//! of a kernel that has such hooks and in that of one that calls them from a mmap hook.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use parking_lot::Mutex;
use vmctx::{
    Backing, ByPrepare, Errno, FaultCtx, FrameSource as _, Handle, Hooks, MaySleep, Mixed, PageCount, PageOffset,
    PageRange, PfnMap, Platform as _, PrepareCtx, PrepareFile, Prepared, Remapped, Revocable, SharedObject, Spot,
    VmFault, VmOperations, WithoutFaults, platform::Cache,
};
use vmctx_sim::{
    AccessError, Answer, File, Hook, Injection, Machine, Map, MightSleep, MmapOrder, Page, Process, Prot, Ref, Report,
    Signal, Sim, SyscallError,
};

use crate::{
    described::{
        Call::{Close, Drop, Mapped, Open, Prepare},
        Calls, Noting, describing,
    },
    drivers::{PAGE, page_at, pages},
};

/// A machine, and a process of it, for each of the two orders.
fn in_both_orders(test: impl Fn(&Machine, &Process, MmapOrder)) {
    for order in [MmapOrder::Prepare, MmapOrder::Compat] {
        let machine = Machine::new();
        machine.set_mmap_order(order);
        test(&machine, &machine.process(), order);
        assert_eq!(machine.reports(), [], "{order:?}");
    }
}

/// A file that fills its mappings at once with these pages, and calls `mapped` where it makes their state.
fn filled(
    machine: &Machine,
    pages: &[Page],
    calls: &Calls,
    mapped: impl Fn() -> Result<(), Errno> + Send + Sync + 'static,
) -> File {
    let (noted, made) = (calls.clone(), calls.clone());
    describing::<_, Noting<Sim>, _, _, _>(
        machine,
        pages.to_vec(),
        move |pages, ctx| {
            noted.note(Prepare);
            ctx.writable().fill_at_pgoff(pages)
        },
        move |_, _, may_sleep| {
            made.note(Mapped);
            mapped()?;
            Sim::share(Noting::new(&made, &[]), may_sleep)
        },
    )
}

/// Nothing of a mapping is left: no VMA, no place where the object is mapped, no entry, no page table.
fn assert_nothing_left(machine: &Machine, process: &Process, file: &File, pages: &[Page]) {
    assert_eq!((process.mapping_count(), file.mapping_count()), (Ok(0), 0));
    assert_eq!(machine.statistics().page_tables_in_use, 0);
    for page in pages {
        // The test's handle and the driver's.
        assert_eq!((page.references(), page.map_count()), (2, 0));
    }
}

/// A file that looks, when it makes a state, in how many places its object is mapped, and its page.
struct Watching {
    page: [Page; 1],
    object: SharedObject<Sim>,
    seen: Arc<Mutex<Option<(usize, usize)>>>,
}

impl PrepareFile for Watching {
    type Platform = Sim;
    type Ops = WithoutFaults<Sim, Mixed>;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, Sim>) -> Result<Prepared<'m, Sim, Mixed>, Errno> {
        ctx.writable().fill_at_pgoff(&self.page)
    }

    fn mapped(&self, _: PageRange, may_sleep: MaySleep<'_>) -> Result<Ref<Self::Ops>, Errno> {
        *self.seen.lock() = Some((self.object.platform_object().count(), self.page[0].map_count()));
        Sim::share(WithoutFaults::new(), may_sleep)
    }

    fn object(&self) -> Option<&SharedObject<Sim>> {
        Some(&self.object)
    }
}

#[test]
fn the_object_is_mapped_already_when_the_state_is_made_or_not_before_the_hook_has_returned() {
    in_both_orders(|machine, process, order| {
        let (object, seen) = (SharedObject::new(machine.may_sleep()).unwrap(), Arc::default());
        let page = [pages(machine, 1).remove(0)];
        let file = machine.open(ByPrepare(Watching { page, object, seen: Arc::clone(&seen) }));
        process.mmap(&file, Map::shared(PAGE)).unwrap();
        assert_eq!(*seen.lock(), Some((usize::from(order == MmapOrder::Prepare), 1)));
        assert_eq!(file.mapping_count(), 1);
    });
}

/// A file that is shared or boxed has the hook of the file in it.
#[test]
fn a_file_behind_a_pointer_has_its_prepare_hook() {
    let machine = Machine::new();
    machine.set_mmap_order(MmapOrder::Prepare);
    let process = machine.process();
    let file = || {
        let (object, seen) = (SharedObject::new(machine.may_sleep()).unwrap(), Arc::default());
        ByPrepare(Watching { page: [pages(&machine, 1).remove(0)], object, seen })
    };
    for file in [machine.open(Arc::new(file())), machine.open(Box::new(file())), machine.open(Ref::new(file()))] {
        let trace = machine.trace();
        process.mmap(&file, Map::shared(PAGE)).unwrap();
        assert_eq!(trace.answers(), [(Hook::MmapPrepare, Answer::Done), (Hook::Mapped, Answer::Done)]);
    }
}

#[test]
fn an_action_that_fails_leaves_nothing_and_no_hook_is_told() {
    in_both_orders(|machine, process, _| {
        let (pages, calls) = (pages(machine, 3), Calls::default());
        let file = filled(machine, &pages, &calls, || Ok(()));
        for errno in [Errno::EBUSY, Errno::ENOMEM, Errno::EINVAL] {
            for after in 0..pages.len() {
                machine.inject(Injection::Insertion { after, errno });
                let mapped = process.mmap(&file, Map::shared(3 * PAGE));
                assert_eq!(mapped.unwrap_err().errno(), Some(errno));
                assert_eq!(calls.take(), [Prepare], "a VMA without a state has nothing to close");
                assert_nothing_left(machine, process, &file, &pages);
            }
        }
        machine.inject(Injection::PageTableAllocation { after: 0 });
        assert_eq!(process.mmap(&file, Map::shared(PAGE)).unwrap_err().errno(), Some(Errno::ENOMEM));
        assert_nothing_left(machine, process, &file, &pages);
        assert!(process.mmap(&file, Map::shared(3 * PAGE)).is_ok());
    });
}

#[test]
fn frames_that_cannot_be_mapped_leave_nothing() {
    in_both_orders(|machine, process, _| {
        let file = describing::<_, WithoutFaults<Sim, Remapped>, _, _, _>(
            machine,
            machine.physical_memory(),
            |memory, ctx| {
                // The first numbers of a machine are holes.
                let holes = memory.range(PageOffset::ZERO, ctx.page_count()).ok_or(Errno::ENXIO)?;
                ctx.writable().remap_from_first(holes)
            },
            |_, _, _| unreachable!("nothing is mapped"),
        );
        for map in [Map::shared(2 * PAGE), Map::private(2 * PAGE)] {
            assert_eq!(process.mmap(&file, map).unwrap_err().errno(), Some(Errno::EINVAL));
            assert_nothing_left(machine, process, &file, &[]);
        }
    });
}

#[test]
fn a_state_that_cannot_be_made_leaves_nothing() {
    in_both_orders(|machine, process, _| {
        let (pages, calls, fails) = (pages(machine, 2), Calls::default(), Arc::new(AtomicBool::new(true)));
        let told = Arc::clone(&fails);
        let file = filled(machine, &pages, &calls, move || match told.swap(false, Ordering::SeqCst) {
            true => Err(Errno::ENOSPC),
            false => Ok(()),
        });
        assert_eq!(process.mmap(&file, Map::shared(2 * PAGE)).unwrap_err().errno(), Some(Errno::ENOSPC));
        assert_eq!(calls.take(), [Prepare, Mapped], "a VMA without a state has nothing to close");
        assert_nothing_left(machine, process, &file, &pages);
        assert!(process.mmap(&file, Map::shared(2 * PAGE)).is_ok());
    });
}

#[test]
fn no_memory_after_the_hook_leaves_nothing() {
    in_both_orders(|machine, process, order| {
        let (pages, calls) = (pages(machine, 2), Calls::default());
        let file = filled(machine, &pages, &calls, || Ok(()));
        machine.inject(Injection::VmaAllocation { after: 0 });
        assert_eq!(process.mmap(&file, Map::shared(2 * PAGE)).unwrap_err().errno(), Some(Errno::ENOMEM));
        match order {
            MmapOrder::Prepare => assert_eq!(calls.take(), [Prepare], "the hook has nothing to undo"),
            MmapOrder::Compat => {
                let called: Vec<_> =
                    calls.take().into_iter().filter(|call| matches!(call, Open | Close | Drop)).collect();
                assert_eq!(called, [Open, Close, Drop], "the mmap hook has established it");
            }
        }
        assert_nothing_left(machine, process, &file, &pages);
        assert!(process.mmap(&file, Map::shared(2 * PAGE)).is_ok());
    });
}

#[test]
fn a_panic_leaves_nothing() {
    in_both_orders(|machine, process, _| {
        let (pages, calls) = (pages(machine, 2), Calls::default());
        let mapped = filled(machine, &pages, &calls, || panic!("in `mapped`"));
        let panicked = catch_unwind(AssertUnwindSafe(|| process.mmap(&mapped, Map::shared(2 * PAGE))));
        assert_eq!(panicked.unwrap_err().downcast_ref(), Some(&"in `mapped`"));
        assert_nothing_left(machine, process, &mapped, &pages);

        let prepare = describing::<_, Noting<Sim>, _, _, _>(
            machine,
            (),
            |(), _| panic!("in `mmap_prepare`"),
            |(), _, _| unreachable!("nothing is mapped"),
        );
        assert!(catch_unwind(AssertUnwindSafe(|| process.mmap(&prepare, Map::shared(PAGE)))).is_err());
        assert_nothing_left(machine, process, &prepare, &[]);
        assert!(calls.take().iter().all(|call| !matches!(call, Open | Close)));
        // The mmap lock was given back.
        assert_eq!(process.munmap(page_at(vmctx::UserAddr::new(0), 100), PAGE), Ok(()));
    });
}

#[test]
fn user_memory_is_out_of_reach_in_both_hooks() {
    in_both_orders(|machine, process, order| {
        let page = pages(machine, 1);
        let other = process.mmap(&filled(machine, &page, &Calls::default(), || Ok(())), Map::shared(PAGE)).unwrap();
        let (in_prepare, in_mapped) = match order {
            MmapOrder::Prepare => (Hook::MmapPrepare, Hook::Mapped),
            MmapOrder::Compat => (Hook::Mmap, Hook::Mmap),
        };
        let (mine, same) = (process.clone(), process.clone());
        let touch = move |process: &Process, hook| {
            assert_eq!(process.thread().read_u8(other), Err(AccessError::InsideHook { hook, address: other }));
            assert_eq!(process.munmap(other, PAGE), Err(SyscallError::InsideHook { hook }));
        };
        let file = describing::<_, Noting<Sim>, _, _, _>(
            machine,
            (),
            move |(), ctx| {
                touch(&mine, in_prepare);
                ctx.writable().by_faults()
            },
            move |(), _, may_sleep| {
                touch(&same, in_mapped);
                Sim::share(Noting::new(&Calls::default(), &[]), may_sleep)
            },
        );
        process.mmap(&file, Map::shared(PAGE)).unwrap();
    });
}

#[test]
fn what_is_shown_is_what_was_described_of_a_private_mapping_of_frames_too() {
    in_both_orders(|machine, process, _| {
        let memory = machine.device_memory(PageCount::new(8)).unwrap();
        let shown = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&shown);
        let file = describing::<_, WithoutFaults<Sim, Remapped>, _, _, _>(
            machine,
            memory,
            |memory, ctx| {
                let all = memory.range(PageOffset::ZERO, memory.count()).ok_or(Errno::ENXIO)?;
                ctx.writable().remap_at_pgoff(all)
            },
            move |_, shown, may_sleep| {
                noted.lock().push(shown);
                Sim::share(WithoutFaults::new(), may_sleep)
            },
        );
        for map in [Map::shared(2 * PAGE), Map::private(2 * PAGE)] {
            process.mmap(&file, map.pgoff(PageOffset::new(5))).unwrap();
        }
        assert_eq!(*shown.lock(), [PageRange::new(PageOffset::new(5), PageOffset::new(7)); 2]);
    });
}

#[test]
fn flags_and_cache_attributes_are_those_that_were_described() {
    in_both_orders(|machine, process, _| {
        let file = describing::<_, Noting<Sim>, _, _, _>(
            machine,
            pages(machine, 1),
            |pages, ctx| ctx.io().dont_copy().dont_dump().write_combine().drop_write().fill_at_pgoff(pages),
            |_, _, may_sleep| Sim::share(Noting::new(&Calls::default(), &[]), may_sleep),
        );
        let at = process.mmap(&file, Map::shared(PAGE)).unwrap();
        assert_eq!(process.page_prot_at(at).unwrap().cache(), Cache::WriteCombine);
        assert_eq!(process.thread().write_u8(at, 1).unwrap_err().signal(), Some(Signal::Sigsegv(at)));
        let granted = process.mprotect(at, PAGE, Prot::READ_WRITE);
        assert_eq!(granted.unwrap_err().errno(), Some(Errno::EACCES));
        assert_eq!(process.fork().unwrap().thread().read_u8(at).unwrap_err().signal(), Some(Signal::Sigsegv(at)));
    });
}

// ---- What is taken back (G22) -------------------------------------------------------------------------------------

/// Pages to which access can be switched off, as somebody would do it who has not read that a mapping which is only
/// described is not found by an unmapping: the prepare hook looks, and has them mapped.
struct Naive {
    pages: Vec<Page>,
    revoked: AtomicBool,
    object: SharedObject<Sim>,
}

/// It is an open file's, and the test's.
struct NaiveFile(Ref<Naive>);

impl PrepareFile for NaiveFile {
    type Platform = Sim;
    type Ops = WithoutFaults<Sim, Mixed>;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, Sim>) -> Result<Prepared<'m, Sim, Mixed>, Errno> {
        if self.0.revoked.load(Ordering::SeqCst) {
            return Err(Errno::EIO);
        }
        ctx.writable().fill_at_pgoff(&self.0.pages)
    }

    fn mapped(&self, _: PageRange, may_sleep: MaySleep<'_>) -> Result<Ref<Self::Ops>, Errno> {
        Sim::share(WithoutFaults::new(), may_sleep)
    }

    fn object(&self) -> Option<&SharedObject<Sim>> {
        Some(&self.0.object)
    }
}

#[test]
fn a_revocation_between_the_hook_and_the_list_finds_nothing() {
    let machine = Machine::new();
    let object = SharedObject::new(machine.may_sleep()).unwrap();
    let naive = Ref::new(Naive { pages: pages(&machine, 1), revoked: AtomicBool::new(false), object });
    let file = machine.open(ByPrepare(NaiveFile(naive.clone())));
    let process = machine.process();
    let trace = machine.trace();
    // The VMA's memory.
    let hold = machine.hold(MightSleep::Allocation);
    let at = thread::scope(|scope| {
        let maps = scope.spawn(|| process.mmap(&file, Map::shared(PAGE)));
        hold.reached();
        naive.object.unmap_once(PageOffset::new(1), PageCount::new(1), machine.may_sleep());
        assert_eq!(machine.reports(), [], "what is behind the mapping is not missed");
        naive.revoked.store(true, Ordering::SeqCst);
        naive.object.unmap_once(PageOffset::ZERO, PageCount::new(1), machine.may_sleep());
        hold.go_on();
        maps.join().unwrap().unwrap()
    });
    assert_eq!(process.thread().read_u8(at), Ok(1), "the bug: revoked, and mapped");
    assert!(matches!(machine.reports()[..], [Report::UnmapMissesMmap { .. }]), "{:?}", machine.reports());
    let pages = PageOffset::ZERO..PageOffset::new(1);
    let called: Vec<_> = trace.take().into_iter().map(|called| (called.hook, called.pages)).collect();
    assert_eq!(called, [(Hook::MmapPrepare, pages.clone()), (Hook::Mapped, pages)]);
}

/// The same, where the types have it.
struct Window(Revocable<Sim, Place>);

struct Place {
    page: Page,
    on: bool,
}

impl Backing for Place {
    type Platform = Sim;

    fn spot(&self, _: PageCount) -> Result<Spot<'_, Sim>, Errno> {
        if self.on { Ok(Spot::Page(&self.page)) } else { Err(Errno::EIO) }
    }
}

impl VmOperations for Window {
    type Platform = Sim;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> = Hooks::NONE.object(|window: &Self| Some(window.0.object()));

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Sim, PfnMap>) -> VmFault<'f> {
        self.0.resident(ctx.may_sleep()).insert(ctx)
    }
}

struct WindowFile {
    window: Ref<Window>,
    /// Whether the file shows the window's object, as it has to.
    is_of_it: bool,
}

impl PrepareFile for WindowFile {
    type Platform = Sim;
    type Ops = Window;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, Sim>) -> Result<Prepared<'m, Sim, PfnMap>, Errno> {
        ctx.shared_only()?.writable().by_faults()
    }

    fn mapped(&self, _: PageRange, _: MaySleep<'_>) -> Result<Ref<Window>, Errno> {
        Ok(self.window.clone())
    }

    fn handle(&self, _: &Window, _: Handle<Sim, PfnMap>) {
        assert!(self.is_of_it, "no handle of a mapping that failed");
    }

    fn object(&self) -> Option<&SharedObject<Sim>> {
        self.is_of_it.then(|| self.window.0.object())
    }
}

fn window(machine: &Machine) -> Ref<Window> {
    let object = SharedObject::new(machine.may_sleep()).unwrap();
    let place = Place { page: pages(machine, 1).remove(0), on: true };
    Ref::new(Window(Revocable::new(place, &object, PageCount::new(1), machine.may_sleep()).unwrap()))
}

#[test]
fn what_faults_bring_is_not_there_after_such_a_revocation() {
    let machine = Machine::new();
    let window = window(&machine);
    let file = machine.open(ByPrepare(WindowFile { window: window.clone(), is_of_it: true }));
    let process = machine.process();
    let hold = machine.hold(MightSleep::Allocation);
    let at = thread::scope(|scope| {
        let maps = scope.spawn(|| process.mmap(&file, Map::shared(PAGE)));
        hold.reached();
        window.0.revoke(machine.may_sleep()).on = false;
        hold.go_on();
        maps.join().unwrap().unwrap()
    });
    assert_eq!(process.thread().read_u8(at).unwrap_err().signal(), Some(Signal::Sigbus(at)));
    window.0.revoke(machine.may_sleep()).on = true;
    assert_eq!(process.thread().read_u8(at), Ok(1));
    assert_eq!(machine.reports(), []);
}

#[test]
fn a_file_of_another_object_is_refused_when_the_state_is_made() {
    in_both_orders(|machine, process, _| {
        let window = window(machine);
        let file = machine.open(ByPrepare(WindowFile { window: window.clone(), is_of_it: false }));
        assert_eq!(process.mmap(&file, Map::shared(PAGE)).unwrap_err().errno(), Some(Errno::EINVAL));
        assert_nothing_left(machine, process, &file, &[]);
        assert_eq!(Ref::strong_count(&window), 2);
    });
}
