//! Large entries: when they are made, what is seen through them, and what a cut leaves of them.

use std::sync::{
    Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use vmctx::{
    Backing, Errno, FaultCtx, FrameRange, FrameSource, Hooks, HugeFaultCtx, HugeSize, Iomem as _, IomemPart, Mapped,
    Mixed, MmapCtx, MmapFile, OnDemand, PageCount, PageOffset, PageProt, PfnMap, PfnMkwriteCtx, Prefault, Revocable,
    SharedObject, Spot, UserAddr, VmFault, VmOperations,
    kind::{FilledLater, MapsFrames},
    platform::Cache,
};
use vmctx_hosted::Ref;
use vmctx_sim::{DeviceMemory, File, Hook, Machine, Map, Prot, Signal, Sim};

use crate::{
    drivers::{Handles, PAGE, page_at, with_handles},
    users::{growing, in_threads},
};

const HUGE: usize = 512 * PAGE;
/// An address that is aligned to the largest entries.
const AT: UserAddr = UserAddr::new(0x4000_0000);

/// A device whose memory is mapped with entries as large as they can be.
struct Large {
    memory: DeviceMemory,
    /// How far into the memory the object begins.
    skip: usize,
    largest: HugeSize,
    asked: Mutex<Vec<HugeSize>>,
}

impl Large {
    fn new(machine: &Machine, pages: usize) -> Self {
        let memory = machine.device_memory(PageCount::new(pages)).unwrap();
        Self { memory, skip: 0, largest: HugeSize::Pmd, asked: Mutex::default() }
    }

    fn serve_huge<'f, M: MapsFrames>(&'f self, ctx: HugeFaultCtx<'f, Sim, M>) -> VmFault<'f> {
        self.asked.lock().unwrap().push(ctx.size());
        if ctx.size() == HugeSize::Pud && self.largest == HugeSize::Pmd {
            return ctx.fallback();
        }
        ctx.insert_huge_with(|_, entry| {
            let behind = PageCount::new(self.memory.count().get() - self.skip);
            entry.in_extent(PageOffset::ZERO, self.memory.range(PageOffset::new(self.skip), behind)?)
        })
    }

    fn frame_at(&self, at: PageOffset) -> Option<vmctx::Frame<'_, Sim>> {
        self.memory.frame(PageOffset::new(at.index() + self.skip))
    }
}

/// By number.
struct ByNumber(Large);

impl ByNumber {
    fn huge_fault<'f>(&'f self, ctx: HugeFaultCtx<'f, Sim, PfnMap>) -> VmFault<'f> {
        self.0.serve_huge(ctx)
    }
}

impl VmOperations for ByNumber {
    type Platform = Sim;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> = Hooks::NONE.huge_fault(Self::huge_fault);

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Sim, PfnMap>) -> VmFault<'f> {
        match self.0.frame_at(ctx.pgoff()) {
            Some(frame) => ctx.insert_pfn(frame),
            None => ctx.fail(Errno::ENXIO),
        }
    }
}

/// Side by side with pages; and told of first stores, or not.
struct AmongPages<const TOLD: bool>(Large);

impl<const TOLD: bool> AmongPages<TOLD> {
    fn huge_fault<'f>(&'f self, ctx: HugeFaultCtx<'f, Sim, Mixed>) -> VmFault<'f> {
        self.0.serve_huge(ctx)
    }

    fn pfn_mkwrite<'f>(&'f self, ctx: PfnMkwriteCtx<'f, Sim, Mixed>) -> VmFault<'f> {
        ctx.allow()
    }
}

impl<const TOLD: bool> VmOperations for AmongPages<TOLD> {
    type Platform = Sim;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = if TOLD {
        Hooks::NONE.huge_fault(Self::huge_fault).pfn_mkwrite(Self::pfn_mkwrite)
    } else {
        Hooks::NONE.huge_fault(Self::huge_fault)
    };

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Sim, Mixed>) -> VmFault<'f> {
        match self.0.frame_at(ctx.pgoff()) {
            Some(frame) => ctx.insert_mixed(frame),
            None => ctx.fail(Errno::ENXIO),
        }
    }
}

fn file<V: VmOperations<Platform = Sim>>(machine: &Machine, state: V) -> (File, Ref<V>, Handles<Sim, V::Kind>)
where
    V::Kind: FilledLater,
{
    let state = Ref::new(state);
    let shared = state.clone();
    let (file, handles) = with_handles(machine, move |_| shared.clone());
    (file, state, handles)
}

#[test]
fn one_fault_and_no_page_table_map_two_megabytes() {
    let machine = Machine::new();
    let (file, state, _) = file(&machine, ByNumber(Large::new(&machine, 1024)));
    let process = machine.process();
    let user = process.thread();
    // Placed so that it fits, without being told where.
    let at = process.mmap(&file, Map::shared(2 * HUGE)).unwrap();
    assert_eq!(at.get() % HUGE, 0);
    let memory = &state.0.memory;
    memory.write(HUGE + 3 * PAGE + 5, &[7]).unwrap();
    let trace = machine.trace();
    assert_eq!(user.read_u8(UserAddr::new(at.get() + HUGE + 3 * PAGE + 5)), Ok(7));
    let calls: Vec<_> = trace.take().into_iter().map(|called| (called.hook, called.pages)).collect();
    let pages = |first| PageOffset::new(first)..PageOffset::new(1024);
    assert_eq!(calls, [(Hook::HugeFault, pages(0)), (Hook::HugeFault, pages(512))]);
    user.write_u8(page_at(at, 512 + 511), 9).unwrap();
    let mut byte = [0];
    memory.read(HUGE + 511 * PAGE, &mut byte).unwrap();
    assert_eq!(byte, [9]);
    assert!(!process.is_huge_at(at) && process.is_huge_at(page_at(at, 600)));
    assert_eq!(process.mapped_pages(at, 2 * HUGE), PageCount::new(512));
    assert_eq!(process.mapped_pages(page_at(at, 500), 20 * PAGE), PageCount::new(8));
    let seen = machine.statistics();
    assert_eq!((seen.faults, seen.handler_calls, seen.huge_insertions, seen.page_tables_in_use), (1, 0, 1, 0));
    assert_eq!(*state.0.asked.lock().unwrap(), [HugeSize::Pud, HugeSize::Pmd]);
    process.exit().unwrap();
}

#[test]
fn the_largest_size_is_asked_for_first() {
    let machine = Machine::new();
    let large = Large { largest: HugeSize::Pud, ..Large::new(&machine, 512 * 512) };
    let (file, state, _) = file(&machine, ByNumber(large));
    let process = machine.process();
    process.mmap(&file, Map::shared(512 * HUGE).at(AT)).unwrap();
    let user = process.thread();
    user.write_u8(page_at(AT, 512 * 512 - 1), 3).unwrap();
    assert_eq!(user.read_u8(AT), Ok(0));
    let mut byte = [0];
    state.0.memory.read(512 * HUGE - PAGE, &mut byte).unwrap();
    assert_eq!(byte, [3]);
    let seen = machine.statistics();
    assert_eq!((seen.faults, seen.huge_insertions, *state.0.asked.lock().unwrap() == [HugeSize::Pud]), (1, 1, true));
    assert_eq!(process.mapped_pages(AT, 512 * HUGE), PageCount::new(512 * 512));
    process.munmap(AT, 512 * HUGE).unwrap();
    assert_eq!(process.mapped_pages(AT, 512 * HUGE), PageCount::ZERO);
}

#[test]
fn where_no_large_entry_fits_pages_are_mapped_one_by_one() {
    let machine = Machine::new();
    let process = machine.process();
    let user = process.thread();
    // The mapping is not aligned as the object is; the object is not as its frames are; the mapping is too short.
    let (file, state, _) = file(&machine, ByNumber(Large::new(&machine, 2048)));
    let skewed = page_at(AT, 1);
    process.mmap(&file, Map::shared(2 * HUGE).at(skewed)).unwrap();
    user.read_u8(page_at(skewed, 600)).unwrap();
    assert!(!process.is_huge_at(page_at(skewed, 600)));
    let short = page_at(AT, 4096);
    process.mmap(&file, Map::shared(511 * PAGE).at(short)).unwrap();
    user.read_u8(short).unwrap();
    // The largest size only where nothing is around.
    assert_eq!(*state.0.asked.lock().unwrap(), [HugeSize::Pud, HugeSize::Pmd, HugeSize::Pmd]);
    let (file, _, _) = self::file(&machine, ByNumber(Large { skip: 8, ..Large::new(&machine, 2048) }));
    let shifted = page_at(AT, 8192);
    process.mmap(&file, Map::shared(2 * HUGE).at(shifted)).unwrap();
    user.read_u8(shifted).unwrap();
    assert_eq!((machine.statistics().huge_insertions, machine.statistics().handler_calls), (0, 3));

    // Where a page is mapped already there is a table, and large entries are not asked for.
    let calls = machine.statistics().huge_fault_calls;
    user.read_u8(page_at(shifted, 1)).unwrap();
    assert_eq!(machine.statistics().huge_fault_calls, calls);
}

#[test]
fn what_is_cut_off_a_large_entry_comes_back_in_pages() {
    let machine = Machine::new();
    let (file, state, _) = file(&machine, ByNumber(Large::new(&machine, 1024)));
    let process = machine.process();
    let user = process.thread();
    process.mmap(&file, Map::shared(2 * HUGE).at(AT)).unwrap();
    user.write_u8(AT, 1).unwrap();
    user.write_u8(page_at(AT, 512), 2).unwrap();
    process.munmap(page_at(AT, 100), 10 * PAGE).unwrap();
    assert!(!process.is_huge_at(AT) && process.is_huge_at(page_at(AT, 512)));
    let behind = page_at(AT, 105);
    assert_eq!(user.read_u8(behind).unwrap_err().signal(), Some(Signal::Sigsegv(behind)));
    assert_eq!((user.read_u8(AT), user.read_u8(page_at(AT, 110))), (Ok(1), Ok(0)));
    assert_eq!(process.mapped_pages(AT, HUGE), PageCount::new(2));
    // The other one is cut by mprotect. All of it, and it stays.
    process.mprotect(page_at(AT, 512), HUGE, Prot::READ).unwrap();
    assert!(process.is_huge_at(page_at(AT, 512)));
    let there = page_at(AT, 512);
    assert_eq!(user.write_u8(there, 9).unwrap_err().signal(), Some(Signal::Sigsegv(there)));
    process.mprotect(page_at(AT, 512), HUGE, Prot::READ | Prot::WRITE).unwrap();
    let calls = state.0.asked.lock().unwrap().len();
    user.write_u8(there, 9).unwrap();
    assert_eq!(state.0.asked.lock().unwrap().len(), calls);
    process.mprotect(page_at(AT, 512 + 7), PAGE, Prot::READ).unwrap();
    assert!(!process.is_huge_at(there));
    assert_eq!(user.read_u8(there), Ok(9));
    process.exit().unwrap();
    assert_eq!(machine.statistics().page_tables_in_use, 0);
}

#[test]
fn a_large_entry_is_unmapped_as_a_whole_and_made_again() {
    let machine = Machine::new();
    let (file, state, handles) = file(&machine, ByNumber(Large::new(&machine, 512)));
    let process = machine.process();
    let user = process.thread();
    process.mmap(&file, Map::shared(HUGE).at(AT)).unwrap();
    let handle = handles.lock().unwrap().pop().unwrap();
    let one = (PageOffset::new(5), PageCount::new(1));
    let by_object = || file.unmap_mapping_range(one.0, one.1, false);
    let by_handle = || process.ioctl(|ctx| handle.lock(ctx).unwrap().zap(one.0, one.1)).unwrap();
    let takers: [&dyn Fn(); 2] = [&by_object, &by_handle];
    for take in takers {
        user.read_u8(AT).unwrap();
        assert!(process.is_huge_at(AT));
        take();
        assert_eq!(process.mapped_pages(AT, HUGE), PageCount::ZERO);
        state.0.memory.write(PAGE, &[4]).unwrap();
        assert_eq!(user.read_u8(page_at(AT, 1)), Ok(4));
        assert!(process.is_huge_at(AT));
    }
}

#[test]
fn fork_copies_large_entries_and_a_move_takes_them_along() {
    let machine = Machine::new();
    let file = growing(&machine, AmongPages::<false>(Large::new(&machine, 1024)));
    let process = machine.process();
    let user = process.thread();
    // A wall behind, so that what grows moves.
    process.mmap(&file, Map::shared(PAGE).at(page_at(AT, 1024))).unwrap();
    process.mmap(&file, Map::shared(2 * HUGE).at(AT)).unwrap();
    user.write_u8(AT, 1).unwrap();
    user.write_u8(page_at(AT, 512), 2).unwrap();
    let child = process.fork().unwrap();
    let faults = machine.statistics().faults;
    assert_eq!((child.thread().read_u8(AT), child.is_huge_at(page_at(AT, 512))), (Ok(1), true));
    child.thread().write_u8(AT, 3).unwrap();
    assert_eq!((user.read_u8(AT), machine.statistics().faults), (Ok(3), faults));

    let moved = process.mremap(AT, 2 * HUGE, 3 * HUGE, true).unwrap();
    assert_ne!(moved, AT);
    assert!(process.is_huge_at(moved) && process.is_huge_at(page_at(moved, 512)));
    assert_eq!((user.read_u8(moved), user.read_u8(page_at(moved, 512))), (Ok(3), Ok(2)));
    assert_eq!(machine.statistics().faults, faults);
    // A part of one does not move with it, and faults bring it back.
    let part = child.mremap(page_at(AT, 256), PAGE, 2 * PAGE, true).unwrap();
    assert!(!child.is_huge_at(AT));
    assert_eq!((child.thread().read_u8(part), child.thread().read_u8(AT)), (Ok(0), Ok(3)));
}

/// Where no large entry can be it does not move, and faults bring it back in pages.
#[test]
fn a_large_entry_moves_only_to_where_it_fits() {
    let machine = Machine::new();
    let (file, _, _) = file(&machine, ByNumber(Large::new(&machine, 1024)));
    let process = machine.process();
    let user = process.thread();
    process.mmap(&file, Map::shared(2 * HUGE).at(AT)).unwrap();
    for page in [3, 515] {
        user.write_u8(page_at(AT, page), 7).unwrap();
    }
    let skewed = page_at(AT, 4096 + 1);
    process.mremap_fixed(AT, 2 * HUGE, 2 * HUGE, skewed).unwrap();
    assert_eq!(process.mapped_pages(skewed, 2 * HUGE), PageCount::ZERO);
    assert_eq!([2, 3, 515].map(|page| user.read_u8(page_at(skewed, page))), [Ok(0), Ok(7), Ok(7)]);
    assert!(!process.is_huge_at(page_at(skewed, 515)));
    assert_eq!(process.mapped_pages(skewed, 2 * HUGE), PageCount::new(3));
}

#[test]
fn a_private_mapping_reads_through_a_large_entry_and_copies_one_page() {
    let machine = Machine::new();
    let (file, state, _) = file(&machine, AmongPages::<false>(Large::new(&machine, 512)));
    let process = machine.process();
    let user = process.thread();
    process.mmap(&file, Map::private(HUGE).at(AT)).unwrap();
    state.0.memory.write(0, &[1, 2]).unwrap();
    assert_eq!(user.read_u8(AT), Ok(1));
    assert!(process.is_huge_at(AT));
    let asked = state.0.asked.lock().unwrap().len();
    user.write_u8(AT, 9).unwrap();
    assert_eq!(state.0.asked.lock().unwrap().len(), asked, "a copy is of one page");
    let mut bytes = [0; 2];
    state.0.memory.read(0, &mut bytes).unwrap();
    assert_eq!((bytes, process.is_huge_at(AT)), ([1, 2], false));
    user.read(AT, &mut bytes).unwrap();
    assert_eq!((bytes, machine.statistics().copies), ([9, 2], 1));
}

#[test]
fn a_store_that_is_told_is_told_of_one_page() {
    let machine = Machine::new();
    let (file, _state, _) = file(&machine, AmongPages::<true>(Large::new(&machine, 512)));
    let process = machine.process();
    let user = process.thread();
    process.mmap(&file, Map::shared(HUGE).at(AT)).unwrap();
    user.read_u8(AT).unwrap();
    assert!(process.is_huge_at(AT) && !process.page_prot_at(AT).unwrap().is_writable());
    user.write_u8(page_at(AT, 3), 9).unwrap();
    assert!(!process.is_huge_at(AT));
    assert_eq!((process.mapped_pages(AT, HUGE), machine.statistics().mkwrite_calls), (PageCount::new(1), 1));
    assert_eq!(user.read_u8(page_at(AT, 3)), Ok(9));
}

#[test]
fn a_write_protected_large_entry_asks_its_driver_again() {
    let machine = Machine::new();
    let (file, state, handles) = file(&machine, ByNumber(Large::new(&machine, 512)));
    let process = machine.process();
    let user = process.thread();
    process.mmap(&file, Map::shared(HUGE).at(AT)).unwrap();
    user.write_u8(AT, 1).unwrap();
    let handle = handles.lock().unwrap().pop().unwrap();
    process.ioctl(|ctx| handle.lock(ctx).unwrap().write_protect(PageOffset::ZERO, PageCount::new(512))).unwrap();
    let asked = state.0.asked.lock().unwrap().len();
    assert_eq!(user.read_u8(AT), Ok(1));
    user.write_u8(AT, 2).unwrap();
    assert!(process.is_huge_at(AT) && process.page_prot_at(AT).unwrap().is_writable());
    assert_eq!(state.0.asked.lock().unwrap().len(), asked + 1);
}

/// Prefaults a page that a large entry covers.
struct Around {
    large: Large,
    became: Mutex<Vec<Prefault>>,
}

impl Around {
    fn huge_fault<'f>(&'f self, ctx: HugeFaultCtx<'f, Sim, PfnMap>) -> VmFault<'f> {
        if ctx.pgoff().index() < 512 { self.large.serve_huge(ctx) } else { ctx.fallback() }
    }
}

impl VmOperations for Around {
    type Platform = Sim;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> = Hooks::NONE.huge_fault(Self::huge_fault);

    fn fault<'f>(&'f self, mut ctx: FaultCtx<'f, Sim, PfnMap>) -> VmFault<'f> {
        let covered = self.large.memory.frame(PageOffset::new(700)).unwrap();
        self.became.lock().unwrap().push(ctx.prefault_pfn(PageOffset::new(7), covered));
        let frame = self.large.memory.frame(ctx.pgoff()).unwrap();
        ctx.insert_pfn(frame)
    }
}

#[test]
fn nothing_is_put_under_a_large_entry() {
    let machine = Machine::new();
    let (file, state, _) = file(&machine, Around { large: Large::new(&machine, 1024), became: Mutex::default() });
    let process = machine.process();
    let user = process.thread();
    process.mmap(&file, Map::shared(2 * HUGE).at(AT)).unwrap();
    user.write_u8(page_at(AT, 7), 5).unwrap();
    user.read_u8(page_at(AT, 600)).unwrap();
    assert_eq!(*state.became.lock().unwrap(), [Prefault::AlreadyPresent]);
    assert_eq!((user.read_u8(page_at(AT, 7)), process.is_huge_at(AT)), (Ok(5), true));
}

#[test]
fn threads_that_use_a_large_entry_while_it_comes_and_goes_see_its_bytes() {
    let machine = Machine::new();
    let (file, state, _) = file(&machine, ByNumber(Large::new(&machine, 512)));
    let process = machine.process();
    process.mmap(&file, Map::shared(HUGE).at(AT)).unwrap();
    let (running, wrong) = (AtomicUsize::new(3), AtomicBool::new(false));
    in_threads(&process, 4, |thread, user| {
        if thread == 3 {
            while running.load(Ordering::SeqCst) != 0 {
                file.unmap_mapping_range(PageOffset::new(100), PageCount::new(1), false);
            }
            return;
        }
        for round in 0..3000u32 {
            let at = page_at(AT, (round as usize * 17 + thread) % 170 * 3 + thread);
            user.write_u32(at, round).unwrap();
            wrong.fetch_or(user.read_u32(at) != Ok(round), Ordering::Relaxed);
        }
        running.fetch_sub(1, Ordering::SeqCst);
    });
    assert!(!wrong.load(Ordering::Relaxed));
    file.unmap_mapping_range(PageOffset::ZERO, PageCount::ZERO, false);
    drop(state);
    assert_eq!(process.mapped_pages(AT, HUGE), PageCount::ZERO);
}

/// Large pages of a file, made as they are touched, and which ones were made.
struct Pool {
    pieces: OnDemand<Sim, Option<IomemPart<Sim>>>,
    memory: DeviceMemory,
    made: Mutex<Vec<usize>>,
}

impl Pool {
    fn make(&self, piece: usize) -> Result<Option<IomemPart<Sim>>, Errno> {
        self.made.lock().unwrap().push(piece);
        let part = IomemPart::of_bytes(self.memory.clone(), piece * HUGE..(piece + 1) * HUGE);
        part.map(Some).map_err(|_| Errno::ENOMEM)
    }

    fn huge_fault<'f>(&'f self, ctx: HugeFaultCtx<'f, Sim, PfnMap>) -> VmFault<'f> {
        self.pieces.serve_huge(ctx, |piece, _| self.make(piece))
    }
}

impl VmOperations for Pool {
    type Platform = Sim;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> =
        Hooks::NONE.huge_fault(Self::huge_fault).object(|pool: &Self| Some(pool.pieces.object()));

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Sim, PfnMap>) -> VmFault<'f> {
        self.pieces.serve(ctx, |piece, _| self.make(piece))
    }
}

struct PoolFile(Ref<Pool>);

impl MmapFile for PoolFile {
    type Platform = Sim;

    fn object(&self) -> Option<&SharedObject<Sim>> {
        Some(self.0.pieces.object())
    }

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Sim>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.shared_only()?.writable().establish_shared(self.0.clone())?.fill_later())
    }
}

/// A piece is made once, and shown as a whole where a large entry shows all of it and nothing else.
#[test]
fn a_piece_that_is_made_when_it_is_touched_is_one_large_entry() {
    let machine = Machine::new();
    let memory = machine.device_memory(PageCount::new(1024)).unwrap();
    let object = SharedObject::new(machine.may_sleep()).unwrap();
    let (count, each) = (PageCount::new(1024), PageCount::new(512));
    let pieces = OnDemand::new(&object, count, each, machine.may_sleep()).unwrap();
    let pool = Ref::new(Pool { pieces, memory, made: Mutex::default() });
    let (file, process) = (machine.open(PoolFile(pool.clone())), machine.process());
    let user = process.thread();
    process.mmap(&file, Map::shared(2 * HUGE).at(AT)).unwrap();
    user.write_u8(page_at(AT, 600), 7).unwrap();
    assert!(process.is_huge_at(page_at(AT, 600)) && !process.is_huge_at(AT));
    assert_eq!((&*pool.made.lock().unwrap(), pool.pieces.in_use()), (&vec![1], 1));
    // Another user finds it made.
    let other = machine.process();
    other.mmap(&file, Map::shared(2 * HUGE).at(AT)).unwrap();
    assert_eq!(other.thread().read_u8(page_at(AT, 600)), Ok(7));
    assert!(other.is_huge_at(page_at(AT, 600)));
    assert_eq!(user.read_u8(AT), Ok(0));
    assert_eq!(*pool.made.lock().unwrap(), [1, 0]);
    // Where an entry would show the end of one and the beginning of the next, it falls back to pages.
    let shifted = page_at(AT, 4096);
    process.mmap(&file, Map::shared(HUGE).at(shifted).pgoff(PageOffset::new(256))).unwrap();
    assert_eq!(user.read_u8(page_at(shifted, 600 - 256)), Ok(7));
    assert!(!process.is_huge_at(page_at(shifted, 600 - 256)));
    assert_eq!(pool.pieces.in_use(), 2);
}

/// The memory of a card, which wants its writes combined.
struct Combined(IomemPart<Sim>);

impl Backing for Combined {
    type Platform = Sim;

    fn spot(&self, at: PageCount) -> Result<Spot<'_, Sim>, Errno> {
        self.0.spot(at)
    }

    fn frames(&self, first: PageCount, count: PageCount) -> Option<FrameRange<'_, Sim>> {
        self.0.frames(first, count)
    }

    fn page_prot(&self, _: PageCount, mapping: PageProt) -> PageProt {
        mapping.write_combine()
    }
}

struct Card(Revocable<Sim, Combined>);

impl VmOperations for Card {
    type Platform = Sim;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> = Hooks::NONE
        .huge_fault(|card: &Self, ctx| card.0.resident(ctx.may_sleep()).insert_huge(ctx))
        .object(|card: &Self| Some(card.0.object()));

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Sim, PfnMap>) -> VmFault<'f> {
        self.0.resident(ctx.may_sleep()).insert(ctx)
    }
}

struct CardFile(Ref<Card>);

impl MmapFile for CardFile {
    type Platform = Sim;

    fn object(&self) -> Option<&SharedObject<Sim>> {
        Some(self.0.0.object())
    }

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Sim>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.shared_only()?.writable().establish_shared(self.0.clone())?.fill_later())
    }
}

/// One frame must not be mapped with two cache attributes, whether a large entry fits or not.
#[test]
fn memory_has_the_cache_attribute_that_it_wants_where_a_large_entry_fits_too() {
    let machine = Machine::new();
    let memory = IomemPart::whole(machine.device_memory(PageCount::new(512)).unwrap());
    let object = SharedObject::new(machine.may_sleep()).unwrap();
    let memory = Revocable::new(Combined(memory), &object, PageCount::new(512), machine.may_sleep()).unwrap();
    let file = machine.open(CardFile(Ref::new(Card(memory))));
    // All of it, where a large entry fits, and where it does not.
    for bytes in [HUGE, HUGE - PAGE] {
        let process = machine.process();
        process.mmap(&file, Map::shared(bytes).at(AT)).unwrap();
        process.thread().write_u8(page_at(AT, 3), 1).unwrap();
        assert_eq!(process.page_prot_at(page_at(AT, 3)).unwrap().cache(), Cache::WriteCombine, "{bytes}");
    }
}
