//! First stores: who is told, when, and what becomes of the store.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicUsize, Ordering},
};

use vmctx::{
    Errno, FaultCtx, FrameSource, Hooks, Iomem as _, Kind, Mixed, Normal, PageCount, PageMkwriteCtx, PageOffset,
    PfnMap, PfnMkwriteCtx, VmFault, VmOperations,
    kind::{FilledLater, MapsPages},
    platform::Cache,
};
use vmctx_hosted::Ref;
use vmctx_sim::{DeviceMemory, File, Hook, Machine, Map, Page, Prot, Signal, Sim};

use crate::{
    borrowed::{faulting_with, open_with},
    drivers::{PAGE, first_byte, open, page_at, pages, share, with_handles},
};

type OnFault<M> = Box<dyn for<'f> Fn(FaultCtx<'f, Sim, M>) -> VmFault<'f> + Send + Sync>;
type OnStore<M> = Box<dyn for<'f> Fn(PageMkwriteCtx<'f, Sim, M>) -> VmFault<'f> + Send + Sync>;

/// A mapping whose driver is told of first stores to its pages.
struct Told<M> {
    fault: OnFault<M>,
    store: OnStore<M>,
}

impl<M> Told<M> {
    fn page_mkwrite<'f>(&'f self, ctx: PageMkwriteCtx<'f, Sim, M>) -> VmFault<'f> {
        (self.store)(ctx)
    }
}

impl<M: Kind + MapsPages> VmOperations for Told<M> {
    type Platform = Sim;
    type Kind = M;
    const HOOKS: Hooks<Self> = Hooks::NONE.page_mkwrite(Self::page_mkwrite);

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Sim, M>) -> VmFault<'f> {
        (self.fault)(ctx)
    }
}

fn told<M: Kind + MapsPages + FilledLater>(machine: &Machine, told: Told<M>) -> File {
    let told = Ref::new(told);
    open(machine, move |ctx| Ok(ctx.writable().establish_shared(told.clone())?.fill_later()))
}

fn inserting(page: &Page) -> OnFault<Mixed> {
    let page = page.clone();
    Box::new(move |ctx| ctx.insert_page(&page))
}

fn allowing<M: 'static>() -> OnStore<M> {
    Box::new(|ctx| ctx.allow())
}

#[test]
fn an_inserted_page_starts_read_only_and_its_first_store_is_told() {
    let machine = Machine::new();
    let page = pages(&machine, 1).remove(0);
    let store: OnStore<Mixed> = Box::new(|ctx| {
        assert!(ctx.is_write() && ctx.is_shared() && !ctx.is_cow());
        assert_eq!(ctx.pgoff(), PageOffset::new(3));
        assert_eq!(first_byte(&ctx.page()), 1, "the byte is not there yet");
        ctx.allow()
    });
    let file = told(&machine, Told { fault: inserting(&page), store });
    let process = machine.process();
    let user = process.thread();
    let at = process.mmap(&file, Map::shared(PAGE).pgoff(PageOffset::new(3))).unwrap();

    assert_eq!(user.read_u8(at), Ok(1));
    assert!(!process.page_prot_at(at).unwrap().is_writable());
    assert_eq!(machine.statistics().mkwrite_calls, 0);
    user.write_u8(at, 7).unwrap();
    assert!(process.page_prot_at(at).unwrap().is_writable());
    user.write_u8(at, 8).unwrap();
    let seen = machine.statistics();
    assert_eq!((seen.mkwrite_calls, seen.handler_calls, seen.faults), (1, 1, 2));
    assert_eq!((first_byte(&page), page.map_count()), (8, 1));
    drop((user, process, file));
    assert_eq!(page.references(), 1, "none is left in the hook's hands");
}

#[test]
fn a_page_handed_back_for_a_store_is_told_before_it_is_mapped() {
    let machine = Machine::new();
    let page = pages(&machine, 1).remove(0);
    for locked in [false, true] {
        let delivered = page.clone();
        let fault: OnFault<Normal> = Box::new(move |ctx| {
            if !locked {
                return ctx.deliver(delivered.clone());
            }
            let page = ctx.lock_page(&delivered);
            ctx.deliver_locked(page)
        });
        let watched = page.clone();
        let store: OnStore<Normal> = Box::new(move |ctx| {
            assert_eq!(watched.map_count(), 0);
            let page = ctx.lock_page();
            ctx.allow_locked(page)
        });
        let file = told(&machine, Told { fault, store });
        let process = machine.process();
        let at = process.mmap(&file, Map::shared(PAGE)).unwrap();
        let before = machine.statistics();
        process.thread().write_u8(at, 9).unwrap();
        let after = machine.statistics();
        assert_eq!((after.faults - before.faults, after.mkwrite_calls - before.mkwrite_calls), (1, 1));
        assert_eq!((first_byte(&page), page.map_count()), (9, 1));
    }
}

#[test]
fn a_store_that_is_refused_changes_nothing() {
    let machine = Machine::new();
    let page = pages(&machine, 1).remove(0);
    let refused = |store: OnStore<Mixed>| {
        let file = told(&machine, Told { fault: inserting(&page), store });
        let process = machine.process();
        let at = process.mmap(&file, Map::shared(PAGE)).unwrap();
        let signal = process.thread().write_u8(at, 9).unwrap_err().signal();
        assert_eq!((first_byte(&page), process.page_prot_at(at).unwrap().is_writable()), (1, false));
        (signal, at)
    };
    let (signal, at) = refused(Box::new(|ctx| ctx.fail(Errno::EROFS)));
    assert_eq!(signal, Some(Signal::Sigbus(at)));
    let (signal, at) = refused(Box::new(|ctx| ctx.fail(Errno::ENOMEM)));
    assert_eq!(signal, Some(Signal::Killed(at)));
}

#[test]
fn a_store_that_is_to_be_repeated_asks_again() {
    let machine = Machine::new();
    let page = pages(&machine, 1).remove(0);
    let asked = AtomicUsize::new(0);
    let store: OnStore<Mixed> = Box::new(move |ctx| match asked.fetch_add(1, Ordering::Relaxed) {
        0 => ctx.fail_or_refault(Errno::EAGAIN),
        _ => ctx.allow(),
    });
    let file = told(&machine, Told { fault: inserting(&page), store });
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(PAGE)).unwrap();
    process.thread().write_u8(at, 9).unwrap();
    assert_eq!((machine.statistics().mkwrite_calls, first_byte(&page)), (2, 9));
}

#[test]
fn what_is_inserted_at_mmap_starts_read_only_too() {
    let machine = Machine::new();
    let page = pages(&machine, 1).remove(0);
    let inserted = page.clone();
    let file = open(&machine, move |ctx| {
        let state = Told::<Mixed> { fault: Box::new(|ctx| ctx.fail(Errno::ENXIO)), store: allowing() };
        ctx.writable().establish(state)?.insert_page(&inserted)?.finish()
    });
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(PAGE)).unwrap();
    assert!(!process.page_prot_at(at).unwrap().is_writable());
    process.thread().write_u8(at, 9).unwrap();
    assert_eq!((machine.statistics().mkwrite_calls, first_byte(&page)), (1, 9));
}

#[test]
fn mprotect_gives_back_only_what_was_told() {
    let machine = Machine::new();
    let pages = pages(&machine, 2);
    let fault: OnFault<Mixed> = Box::new(move |ctx| {
        let page = &pages[ctx.pgoff().index()];
        ctx.insert_page(page)
    });
    let file = told(&machine, Told { fault, store: allowing() });
    let process = machine.process();
    let user = process.thread();
    let at = process.mmap(&file, Map::shared(2 * PAGE)).unwrap();
    user.write_u8(at, 9).unwrap();
    user.read_u8(page_at(at, 1)).unwrap();
    // What a debugger loads is no store either.
    process.peek(page_at(at, 1), &mut [0]).unwrap();
    process.mprotect(at, 2 * PAGE, Prot::READ).unwrap();
    assert_eq!(user.write_u8(at, 9).unwrap_err().signal(), Some(Signal::Sigsegv(at)));
    process.mprotect(at, 2 * PAGE, Prot::READ | Prot::WRITE).unwrap();
    let writable = |page| process.page_prot_at(page_at(at, page)).unwrap().is_writable();
    assert_eq!((writable(0), writable(1)), (true, false));
    user.write_u8(at, 10).unwrap();
    assert_eq!(machine.statistics().mkwrite_calls, 1);
    user.write_u8(page_at(at, 1), 10).unwrap();
    assert_eq!(machine.statistics().mkwrite_calls, 2);
}

/// What was written back is told again, whatever its user's rights were in between.
#[test]
fn mprotect_gives_nothing_back_that_is_protected_again() {
    let machine = Machine::new();
    let page = pages(&machine, 1).remove(0);
    let state = share(&machine, Told::<Mixed> { fault: inserting(&page), store: allowing() });
    let (file, handles) = with_handles(&machine, move |_| state.clone());
    let process = machine.process();
    let user = process.thread();
    let at = process.mmap(&file, Map::shared(PAGE)).unwrap();
    user.write_u8(at, 9).unwrap();
    let handle = handles.lock().unwrap().pop().unwrap();
    process.ioctl(|ctx| handle.lock(ctx).unwrap().write_protect(PageOffset::ZERO, PageCount::new(1))).unwrap();
    process.mprotect(at, PAGE, Prot::READ).unwrap();
    process.mprotect(at, PAGE, Prot::READ | Prot::WRITE).unwrap();
    user.write_u8(at, 10).unwrap();
    assert_eq!(machine.statistics().mkwrite_calls, 2);
}

/// What its parent has stored is clean in a child of a shared mapping (`__copy_present_ptes`): nobody has told of a store
/// of the child's.
#[test]
fn mprotect_gives_a_child_nothing_that_its_parent_was_told_for() {
    let machine = Machine::new();
    let page = pages(&machine, 1).remove(0);
    let file = told(&machine, Told { fault: inserting(&page), store: allowing() });
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(PAGE)).unwrap();
    process.thread().write_u8(at, 9).unwrap();
    let child = process.fork().unwrap();
    for (user, calls) in [(process, 1), (child, 2)] {
        user.mprotect(at, PAGE, Prot::READ).unwrap();
        user.mprotect(at, PAGE, Prot::READ | Prot::WRITE).unwrap();
        user.thread().write_u8(at, 10).unwrap();
        assert_eq!(machine.statistics().mkwrite_calls, calls);
    }
}

#[test]
fn user_memory_is_out_of_bounds_for_the_hook() {
    let machine = Machine::new();
    let page = pages(&machine, 1).remove(0);
    let process = machine.process();
    let (inside, seen) = (process.clone(), Arc::new(OnceLock::new()));
    let store: OnStore<Mixed> = Box::new({
        let seen = Arc::clone(&seen);
        move |ctx| {
            let _ = seen.set((inside.thread().read_u8(ctx.user_address_for_odd_page_sizes()), inside.ioctl(|_| ())));
            ctx.allow()
        }
    });
    let file = told(&machine, Told { fault: inserting(&page), store });
    let at = process.mmap(&file, Map::shared(PAGE)).unwrap();
    process.thread().write_u8(at, 9).unwrap();
    let (touched, ioctl) = seen.get().unwrap();
    let hook = Hook::PageMkwrite;
    assert_eq!(*touched, Err(vmctx_sim::AccessError::InsideHook { hook, address: at }));
    assert_eq!(*ioctl, Err(vmctx_sim::SyscallError::InsideHook { hook }));
    process.exit().unwrap();
}

/// What `pfn_mkwrite` does.
#[derive(Clone, Copy)]
enum Does {
    Allow,
    Fail,
    MakeWritable,
}

/// A mapping of frames whose driver is told of first stores.
struct Frames {
    memory: DeviceMemory,
    zero: bool,
    mkwrite_at_once: bool,
    does: Does,
}

impl Frames {
    fn pfn_mkwrite<'f>(&'f self, ctx: PfnMkwriteCtx<'f, Sim, Mixed>) -> VmFault<'f> {
        match self.does {
            Does::Allow => ctx.allow(),
            Does::Fail => ctx.fail(Errno::EROFS),
            Does::MakeWritable => {
                let frame = self.memory.frame(ctx.pgoff()).unwrap();
                ctx.insert_mixed_mkwrite(frame)
            }
        }
    }
}

impl VmOperations for Frames {
    type Platform = Sim;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.pfn_mkwrite(Self::pfn_mkwrite);

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Sim, Mixed>) -> VmFault<'f> {
        if self.zero {
            return ctx.insert_zero_page();
        }
        let frame = self.memory.frame(ctx.pgoff()).unwrap();
        if self.mkwrite_at_once { ctx.insert_mixed_mkwrite(frame) } else { ctx.insert_mixed(frame) }
    }
}

fn frames(machine: &Machine, does: Does, zero: bool, io: bool, mkwrite_at_once: bool) -> (File, DeviceMemory) {
    let memory = machine.device_memory(PageCount::new(1)).unwrap();
    let shown = memory.clone();
    let file = open(machine, move |ctx| {
        let ctx = if io { ctx.io() } else { ctx };
        Ok(ctx.writable().establish(Frames { memory: shown.clone(), zero, mkwrite_at_once, does })?.fill_later())
    });
    (file, memory)
}

#[test]
fn a_first_store_to_a_frame_is_told_to_pfn_mkwrite() {
    for does in [Does::Allow, Does::MakeWritable] {
        let machine = Machine::new();
        let (file, memory) = frames(&machine, does, false, false, false);
        let process = machine.process();
        let user = process.thread();
        let at = process.mmap(&file, Map::shared(PAGE)).unwrap();
        user.write_u8(at, 9).unwrap();
        // The fault hook leaves an entry that is read-only, and the fault one that is not: KVM faults once for its
        // guest's store, and gives up if it then finds the former (`hva_to_pfn_remapped`).
        assert!(process.page_prot_at(at).unwrap().is_writable());
        user.write_u8(at, 10).unwrap();
        let mut byte = [0];
        memory.read(0, &mut byte).unwrap();
        let seen = machine.statistics();
        assert_eq!((byte, seen.handler_calls, seen.mkwrite_calls, seen.faults), ([10], 1, 1, 1));
    }
    let machine = Machine::new();
    let (file, memory) = frames(&machine, Does::Fail, false, false, false);
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(PAGE)).unwrap();
    assert_eq!(process.thread().write_u8(at, 9).unwrap_err().signal(), Some(Signal::Sigbus(at)));
    let mut byte = [1];
    memory.read(0, &mut byte).unwrap();
    assert_eq!(byte, [0]);
}

/// Frames in a mapping whose driver is told of first stores to pages.
struct ToldOfPages(DeviceMemory);

impl ToldOfPages {
    fn page_mkwrite<'f>(&'f self, ctx: PageMkwriteCtx<'f, Sim, Mixed>) -> VmFault<'f> {
        ctx.fail(Errno::EROFS)
    }
}

impl VmOperations for ToldOfPages {
    type Platform = Sim;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.page_mkwrite(Self::page_mkwrite);

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Sim, Mixed>) -> VmFault<'f> {
        ctx.insert_mixed_with(|at| self.0.frame(at.pgoff()).ok_or(Errno::ENXIO))
    }
}

/// A frame has no page that the hook could be told of (`wp_pfn_shared`).
#[test]
fn a_first_store_to_a_frame_is_not_told_as_one_to_a_page() {
    let machine = Machine::new();
    let memory = machine.device_memory(PageCount::new(1)).unwrap();
    let state = share(&machine, ToldOfPages(memory.clone()));
    let file = open(&machine, move |ctx| Ok(ctx.writable().establish_shared(state.clone())?.fill_later()));
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(PAGE)).unwrap();
    let user = process.thread();
    user.read_u8(at).unwrap();
    user.write_u8(at, 9).unwrap();
    let mut byte = [0];
    memory.read(0, &mut byte).unwrap();
    assert_eq!((byte, machine.statistics().mkwrite_calls), ([9], 0));
}

/// Registers that are cached in a way of their own.
struct Noncached(DeviceMemory);

impl Noncached {
    fn pfn_mkwrite<'f>(&'f self, ctx: PfnMkwriteCtx<'f, Sim, PfnMap>) -> VmFault<'f> {
        ctx.allow()
    }
}

impl VmOperations for Noncached {
    type Platform = Sim;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> = Hooks::NONE.pfn_mkwrite(Self::pfn_mkwrite);

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Sim, PfnMap>) -> VmFault<'f> {
        ctx.insert_pfn_prot_with(|at| Ok((self.0.frame(at.pgoff()).ok_or(Errno::ENXIO)?, at.page_prot().noncached())))
    }
}

#[test]
fn a_frame_that_becomes_writable_keeps_its_cache_attribute() {
    let machine = Machine::new();
    let memory = machine.device_memory(PageCount::new(1)).unwrap();
    let file =
        open(&machine, move |ctx| Ok(ctx.shared_only()?.writable().establish(Noncached(memory.clone()))?.fill_later()));
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(PAGE)).unwrap();
    process.thread().write_u8(at, 9).unwrap();
    let prot = process.page_prot_at(at).unwrap();
    assert_eq!((prot.is_writable(), prot.cache()), (true, Cache::Noncached));
    let seen = machine.statistics();
    assert_eq!((seen.handler_calls, seen.mkwrite_calls, seen.faults), (1, 1, 1));
}

#[test]
fn a_fault_that_makes_its_entry_writable_has_told_itself() {
    let machine = Machine::new();
    let (file, _memory) = frames(&machine, Does::Fail, false, false, true);
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(PAGE)).unwrap();
    process.thread().write_u8(at, 9).unwrap();
    assert_eq!(machine.statistics().mkwrite_calls, 0);
}

#[test]
fn the_zero_page_is_allowed_where_a_driver_replaces_it_and_stays_zero() {
    let machine = Machine::new();
    let process = machine.process();
    let user = process.thread();
    // Not where `get_user_pages` could take it.
    let (file, _memory) = frames(&machine, Does::Allow, true, false, false);
    let at = process.mmap(&file, Map::shared(PAGE)).unwrap();
    assert_eq!(user.read_u8(at).unwrap_err().signal(), Some(Signal::Sigbus(at)));

    let (file, _memory) = frames(&machine, Does::Allow, true, true, false);
    let at = process.mmap(&file, Map::shared(PAGE)).unwrap();
    assert_eq!(user.read_u8(at), Ok(0));
    // To let the store through would be to write to everybody's zeros.
    assert_eq!(user.write_u8(at, 9).unwrap_err().signal(), Some(Signal::Sigbus(at)));
    assert_eq!(user.read_u8(at), Ok(0));
}

#[test]
fn what_was_unmapped_comes_back_read_only() {
    let machine = Machine::new();
    let page = pages(&machine, 1).remove(0);
    let file = told(&machine, Told { fault: inserting(&page), store: allowing() });
    let process = machine.process();
    let user = process.thread();
    let at = process.mmap(&file, Map::shared(PAGE)).unwrap();
    user.write_u8(at, 9).unwrap();
    file.unmap_mapping_range(PageOffset::ZERO, PageCount::ZERO, false);
    assert_eq!(user.read_u8(at), Ok(9));
    assert!(!process.page_prot_at(at).unwrap().is_writable());
}

/// The offset of the zero page in the machine's physical memory: the first frame that is there.
fn zero_page(machine: &Machine) -> PageOffset {
    let (all, page) = (machine.physical_memory(), pages(machine, 1).remove(0));
    let offset = |pfn: u64| PageOffset::new(usize::try_from(pfn).unwrap());
    let mut byte = [0];
    let is_there = |at: &PageOffset| all.read(at.index() * PAGE, &mut byte).is_ok();
    (page.pfn() - 0x100..page.pfn()).map(offset).find(is_there).unwrap()
}

/// By its number it goes where it may go without one: where nobody may ever store.
#[test]
fn the_zero_page_is_inserted_by_number_where_nobody_may_store() {
    let machine = Machine::new();
    let all = || machine.physical_memory();
    let process = machine.process();
    let zero = zero_page(&machine);
    let load_by = |file: &File, map: Map| {
        let at = process.mmap(file, map.pgoff(zero)).unwrap();
        process.thread().read_u8(at).map_err(|error| error.signal() == Some(Signal::Sigbus(at)))
    };
    let load = |file: &File, prot| load_by(file, Map::shared(PAGE).prot(prot));
    let writable = [
        faulting_with::<PfnMap, _, _, _>(&machine, all(), |all, ctx| {
            ctx.insert_pfn_with(|at| all.frame(at.pgoff()).ok_or(Errno::ENXIO))
        }),
        faulting_with::<Mixed, _, _, _>(&machine, all(), |all, ctx| {
            ctx.insert_mixed_with(|at| all.frame(at.pgoff()).ok_or(Errno::ENXIO))
        }),
        faulting_with::<Mixed, _, _, _>(&machine, all(), |all, ctx| {
            ctx.insert_mixed_mkwrite_with(|at| all.frame(at.pgoff()).ok_or(Errno::ENXIO))
        }),
    ];
    for file in &writable {
        assert_eq!(load(file, Prot::READ | Prot::WRITE), Err(true));
    }
    // Who stores to a private mapping has a copy. But nobody makes the zero page writable.
    let [_, mixed, mkwrite] = &writable;
    assert_eq!([mixed, mkwrite].map(|file| load_by(file, Map::private(PAGE))), [Ok(0), Err(true)]);
    let read_only = [
        open_with(&machine, all(), |all, ctx| {
            let frame = all.frame(ctx.pgoff()).ok_or(Errno::ENXIO)?;
            ctx.without_faults::<PfnMap>()?.remap(frame)?.finish()
        }),
        open_with(&machine, all(), |all, ctx| {
            let frame = all.frame(ctx.pgoff()).ok_or(Errno::ENXIO)?;
            ctx.without_faults::<Mixed>()?.insert_mixed(frame)?.finish()
        }),
    ];
    for file in &read_only {
        assert_eq!(load(file, Prot::READ), Ok(0));
    }
}

#[test]
fn a_store_to_the_zero_page_cannot_be_allowed_by_its_number() {
    let machine = Machine::new();
    let (all, zero) = (machine.physical_memory(), zero_page(&machine));
    let file = open(&machine, move |ctx| {
        let does = Does::MakeWritable;
        let frames = Frames { memory: all.clone(), zero: true, mkwrite_at_once: false, does };
        Ok(ctx.io().writable().establish(frames)?.fill_later())
    });
    let process = machine.process();
    let user = process.thread();
    let at = process.mmap(&file, Map::shared(PAGE).pgoff(zero)).unwrap();
    assert_eq!(user.read_u8(at), Ok(0));
    assert_eq!(user.write_u8(at, 9).unwrap_err().signal(), Some(Signal::Sigbus(at)));
    assert_eq!(user.read_u8(at), Ok(0));
}
