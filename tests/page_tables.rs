//! What `vmctx-hosted` asks of page tables, on an ordered map with one lock for all of its entries: nothing looks at an
//! entry while it has another one locked.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use vmctx::{
    Errno, FaultCtx, FrameSource, Hooks, HugeFaultCtx, Iomem as _, Mapped, Mixed, MmapCtx, MmapFile, PageCount,
    PageOffset, PageRef as _, PfnMap, Release, Remapped, UserAddr, VmFault, VmOperations,
    platform::{Cache, VmFlags},
};
use vmctx_hosted::{
    DeviceMemory, File, Locked, Machine as _, Map, Object, OpenMode, Page, PageTable as _, Paged, Place, PlainTable,
    Process, Prot, Pte, Ref, Signal,
    vma::{Hosted, Vma},
};

#[path = "../examples/platform/src/memory.rs"]
mod memory;

use memory::Memory;

const PAGE_SHIFT: u32 = 12;
const PAGE_SIZE: usize = 1 << PAGE_SHIFT;

/// Tables, and the large entries in the places of tables, by the first addresses of what they map.
struct Entries(BTreeMap<usize, Slot>);

enum Slot {
    /// Entries by the addresses of their pages.
    Table(BTreeMap<usize, Pte>),
    Huge(Pte),
}

impl PlainTable for Entries {
    const PAGE_SIZE: usize = PAGE_SIZE;
    const HAS_HUGE: bool = true;

    fn empty() -> Self {
        Self(BTreeMap::new())
    }

    fn find(&mut self, address: usize) -> Place {
        match self.0.get(&(address - address % Self::TABLE_SPAN)) {
            None => Place::Bare,
            Some(Slot::Table(table)) => Place::Small(table.get(&(address - address % PAGE_SIZE)).copied()),
            Some(Slot::Huge(pte)) => Place::Huge(*pte),
        }
    }

    fn make_table(&mut self, address: usize) -> Result<(), Errno> {
        self.0.insert(address - address % Self::TABLE_SPAN, Slot::Table(BTreeMap::new()));
        Ok(())
    }

    fn set(&mut self, address: usize, pte: Option<Pte>) {
        let (span, page) = (address - address % Self::TABLE_SPAN, address - address % PAGE_SIZE);
        match (self.0.get_mut(&span), pte) {
            (Some(Slot::Table(table)), Some(pte)) => drop(table.insert(page, pte)),
            (Some(Slot::Table(table)), None) => drop(table.remove(&page)),
            (_, Some(pte)) => drop(self.0.insert(span, Slot::Huge(pte))),
            (_, None) => drop(self.0.remove(&span)),
        }
    }

    fn make_huge(&mut self, address: usize, pte: Pte) -> Result<(), Errno> {
        self.0.insert(address, Slot::Huge(pte));
        Ok(())
    }

    fn free_empty(&mut self) {
        self.0.retain(|_, slot| !matches!(slot, Slot::Table(table) if table.is_empty()));
    }

    fn entries(&self, range: &Range<usize>) -> Vec<(Range<usize>, Pte)> {
        let first = range.start - range.start % Self::TABLE_SPAN;
        let mut found = Vec::new();
        for (&span, slot) in self.0.range(first..range.end) {
            match slot {
                Slot::Table(table) => found.extend(table.iter().map(|(&page, &pte)| (page..page + PAGE_SIZE, pte))),
                Slot::Huge(pte) => found.push((span..span + Self::TABLE_SPAN, *pte)),
            }
        }
        found.retain(|(bytes, _)| bytes.len() > PAGE_SIZE || range.contains(&bytes.start));
        found
    }
}

type Table = Locked<Memory, Entries>;

enum Example {}

impl Hosted for Example {
    type File = File<Self>;
    type Table = Table;

    fn mappings(file: &File<Self>) -> &Object {
        file.mappings()
    }
}

impl Paged for Example {}

vmctx_hosted::platform! {
    // SAFETY: as in the example.
    unsafe impl Platform for Example {
        const PAGE_SHIFT: u32 = PAGE_SHIFT;
    }
}

/// Pages, each inserted when it is touched.
#[derive(Clone)]
struct Pages(Arc<[Page<Memory>]>);

impl Pages {
    fn new(memory: &Memory, count: usize) -> Self {
        Self((0..count).map(|_| Page::alloc(memory).unwrap()).collect())
    }

    fn open(&self) -> File<Example> {
        File::new(self.clone(), OpenMode::ReadWrite)
    }
}

impl MmapFile for Pages {
    type Platform = Example;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Example>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.writable().establish(self.clone())?.may_expand().fill_later())
    }
}

impl VmOperations for Pages {
    type Platform = Example;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Example, Mixed>) -> VmFault<'f> {
        match self.0.get(ctx.pgoff().index()) {
            Some(page) => ctx.insert_page(page),
            None => ctx.fail(Errno::ENXIO),
        }
    }
}

/// A device's memory, mapped at once.
struct Registers(DeviceMemory<Example, Memory>);

impl MmapFile for Registers {
    type Platform = Example;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Example>) -> Result<Mapped<'m>, Errno> {
        let frames = self.0.range(PageOffset::ZERO, ctx.page_count()).ok_or(Errno::ENXIO)?;
        ctx.writable().without_faults::<Remapped>()?.remap_from_first(frames)
    }
}

fn page_at(start: UserAddr, page: usize) -> UserAddr {
    UserAddr::new(start.get() + page * PAGE_SIZE)
}

#[test]
fn a_mapping_moves_with_what_is_in_it() {
    let memory = Memory::new();
    let pages = Pages::new(&memory, 4);
    let (process, file) = (Process::new(Table::new(memory)), pages.open());
    // Where there were room behind, it would neither grow nor move: the first mapping lies right behind the second.
    let above = process.mmap(&file, Map::shared(PAGE_SIZE)).unwrap();
    let at = process.mmap(&file, Map::shared(2 * PAGE_SIZE)).unwrap();
    assert_eq!(page_at(at, 2), above);
    let user = process.thread();
    user.write_u8(at, 1).unwrap();
    user.write_u8(page_at(at, 1), 2).unwrap();
    let to = process.mremap(at, 2 * PAGE_SIZE, 4 * PAGE_SIZE, true).unwrap();
    assert_ne!(to, at);
    assert_eq!(process.mapped_pages(to, 4 * PAGE_SIZE), PageCount::new(2));
    assert_eq!(process.mapped_pages(at, 2 * PAGE_SIZE), PageCount::ZERO);
    assert_eq!(user.read_u8(page_at(to, 1)), Ok(2));
    user.write_u8(page_at(to, 3), 4).unwrap();
    assert_eq!(user.read_u8(at).unwrap_err().signal(), Some(Signal::Sigsegv(at)));
    process.exit().unwrap();
    assert!(pages.0.iter().all(|page| page.references() == 1));
}

/// An access over the edge of a page is one to each of the two.
#[test]
fn an_access_goes_on_in_the_next_page() {
    let memory = Memory::new();
    let pages = Pages::new(&memory, 2);
    let (process, file) = (Process::new(Table::new(memory)), pages.open());
    let at = process.mmap(&file, Map::shared(2 * PAGE_SIZE)).unwrap();
    let user = process.thread();
    let edge = UserAddr::new(at.get() + PAGE_SIZE - 2);
    user.write(edge, &[1, 2, 3, 4]).unwrap();
    let mut read = [0; 4];
    user.read(edge, &mut read).unwrap();
    assert_eq!(read, [1, 2, 3, 4]);
    let each = [0, 1, 2, 3].map(|byte| user.read_u8(UserAddr::new(edge.get() + byte)));
    assert_eq!(each, [1, 2, 3, 4].map(Ok));
    assert_eq!(user.read_u8(UserAddr::new(edge.get() - 1)), Ok(0));
}

/// What a machine counts that hands it on to `EventCounters`.
#[test]
fn faults_and_their_answers_are_counted() {
    let memory = Memory::new();
    let pages = Pages::new(&memory, 1);
    let (process, file) = (Process::new(Table::new(memory.clone())), pages.open());
    let at = process.mmap(&file, Map::shared(2 * PAGE_SIZE)).unwrap();
    let user = process.thread();
    user.read_u8(at).unwrap();
    user.read_u8(page_at(at, 1)).unwrap_err();
    let counts = memory.counts().unwrap();
    assert_eq!((counts.handler_calls, counts.inserted, counts.already_present), (2, 1, 0));
    assert_eq!((counts.answers.nopage, counts.answers.sigbus, counts.answers.page), (1, 1, 0));
}

/// Pages, all of them brought by each fault, twice.
struct Together(Pages);

impl VmOperations for Together {
    type Platform = Example;
    type Kind = Mixed;

    fn fault<'f>(&'f self, mut ctx: FaultCtx<'f, Example, Mixed>) -> VmFault<'f> {
        for _ in 0..2 {
            ctx.prefault_pages(PageOffset::ZERO, &self.0.0);
        }
        self.0.fault(ctx)
    }
}

impl MmapFile for Together {
    type Platform = Example;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Example>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.writable().establish(Self(self.0.clone()))?.fill_later())
    }
}

#[test]
fn what_finds_a_page_is_counted_as_that() {
    let memory = Memory::new();
    let file = File::new(Together(Pages::new(&memory, 3)), OpenMode::ReadWrite);
    let process = Process::new(Table::new(memory.clone()));
    let at = process.mmap(&file, Map::shared(3 * PAGE_SIZE)).unwrap();
    process.thread().read_u8(page_at(at, 1)).unwrap();
    let counts = memory.counts().unwrap();
    assert_eq!((counts.handler_calls, counts.inserted, counts.already_present), (1, 3, 2));
}

/// A machine that says nothing of it lets a fault give up the mmap lock, once.
#[derive(Clone)]
struct Tried {
    page: Page<Memory>,
    calls: Arc<AtomicUsize>,
}

impl VmOperations for Tried {
    type Platform = Example;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Example, Mixed>) -> VmFault<'f> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        match ctx.release() {
            Release::Released(released) => released.retry(),
            Release::NoWait(answer) => answer,
            Release::Keep(ctx) => ctx.insert_page(&self.page),
        }
    }
}

impl MmapFile for Tried {
    type Platform = Example;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Example>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.writable().establish(self.clone())?.fill_later())
    }
}

#[test]
fn a_fault_may_give_up_the_lock_and_is_tried_once_more() {
    let memory = Memory::new();
    let tried = Tried { page: Page::alloc(&memory).unwrap(), calls: Arc::default() };
    let file = File::new(tried.clone(), OpenMode::ReadWrite);
    let process = Process::new(Table::new(memory));
    let at = process.mmap(&file, Map::shared(PAGE_SIZE)).unwrap();
    assert_eq!(process.thread().read_u8(at), Ok(0));
    assert_eq!(tried.calls.load(Ordering::Relaxed), 2);
}

#[test]
fn a_child_has_what_its_parent_has_and_copies_of_its_own() {
    let memory = Memory::new();
    let pages = Pages::new(&memory, 2);
    let (process, file) = (Process::new(Table::new(memory)), pages.open());
    let shared = process.mmap(&file, Map::shared(2 * PAGE_SIZE)).unwrap();
    let private = process.mmap(&file, Map::private(2 * PAGE_SIZE)).unwrap();
    let parent = process.thread();
    parent.write_u8(shared, 1).unwrap();
    parent.write_u8(private, 2).unwrap();
    let child = process.fork().unwrap();
    let user = child.thread();
    assert_eq!((user.read_u8(shared), user.read_u8(private)), (Ok(1), Ok(2)));
    user.write_u8(private, 3).unwrap();
    user.write_u8(shared, 4).unwrap();
    assert_eq!((parent.read_u8(shared), parent.read_u8(private)), (Ok(4), Ok(2)));
    file.unmap_mapping_range(PageOffset::ZERO, PageCount::ZERO, false);
    assert_eq!(child.mapped_pages(shared, 2 * PAGE_SIZE), PageCount::ZERO);
    assert_eq!((parent.read_u8(private), user.read_u8(private)), (Ok(2), Ok(3)));
    child.exit().unwrap();
    process.exit().unwrap();
    assert!(pages.0.iter().all(|page| page.references() == 1));
}

#[test]
fn a_part_loses_its_rights_and_a_part_goes() {
    let memory = Memory::new();
    let file = File::new(Registers(device_memory(&memory, 4)), OpenMode::ReadWrite);
    let process = Process::new(Table::new(memory));
    let at = process.mmap(&file, Map::shared(4 * PAGE_SIZE)).unwrap();
    process.mprotect(page_at(at, 1), PAGE_SIZE, Prot::READ).unwrap();
    process.munmap(page_at(at, 2), PAGE_SIZE).unwrap();
    let user = process.thread();
    let stored = [0, 1, 2, 3].map(|page| user.write_u8(page_at(at, page), 1).is_ok());
    assert_eq!(stored, [true, false, false, true]);
    assert_eq!(process.mapping_count(), Ok(3));
    assert_eq!(file.mapping_count(), 3);
}

fn device_memory(memory: &Memory, pages: usize) -> DeviceMemory<Example, Memory> {
    with_holes(memory, pages, pages)
}

/// So many frames of which only the first are there.
fn with_holes(memory: &Memory, there: usize, pages: usize) -> DeviceMemory<Example, Memory> {
    let first = memory.take_device(PageCount::new(there)).unwrap();
    // SAFETY: the frames that are there were just taken, and nobody else gets them.
    #[expect(unsafe_code, reason = "the promise about the frames cannot be checked")]
    unsafe {
        DeviceMemory::new(memory.clone(), first, PageCount::new(pages))
    }
}

#[test]
fn memory_is_read_and_written_over_the_edges_of_its_pages() {
    let memory = Memory::new();
    let device = device_memory(&memory, 3);
    let stored: Vec<u8> = (1..=PAGE_SIZE + 4).map(|byte| byte.to_le_bytes()[0]).collect();
    device.write(PAGE_SIZE - 2, &stored).unwrap();
    let mut loaded = vec![0; stored.len()];
    device.read(PAGE_SIZE - 2, &mut loaded).unwrap();
    assert_eq!(loaded, stored);
    // In each page are the bytes that belong there.
    let mut first = [9; 4];
    device.read(PAGE_SIZE - 4, &mut first).unwrap();
    assert_eq!(first, [0, 0, 1, 2]);
    let mut last = [9; 4];
    device.read(2 * PAGE_SIZE, &mut last).unwrap();
    assert_eq!(last, [3, 4, 0, 0]);
    device.read(2 * PAGE_SIZE, &mut stored.clone()).unwrap_err();
}

/// A device's memory, mapped with entries as large as they can be, or page by page; and how often it was asked for those.
struct Large(DeviceMemory<Example, Memory>, AtomicUsize);

impl Large {
    fn huge_fault<'f>(&'f self, ctx: HugeFaultCtx<'f, Example, PfnMap>) -> VmFault<'f> {
        self.1.fetch_add(1, Ordering::Relaxed);
        ctx.insert_huge_with(|_, entry| entry.of(&self.0))
    }
}

impl VmOperations for Large {
    type Platform = Example;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> = Hooks::NONE.huge_fault(Self::huge_fault);

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Example, PfnMap>) -> VmFault<'f> {
        match self.0.frame(ctx.pgoff()) {
            Some(frame) => ctx.insert_pfn(frame),
            None => ctx.fail(Errno::ENXIO),
        }
    }
}

/// A file of which all mappings share this state.
struct Shared(Ref<Large>);

impl MmapFile for Shared {
    type Platform = Example;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Example>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.writable().establish_shared(self.0.clone())?.fill_later())
    }
}

#[test]
fn a_large_entry_is_used_copied_by_fork_and_cut() {
    const HUGE: usize = Table::TABLE_SPAN;
    let memory = Memory::new();
    let state = Ref::new(Large(device_memory(&memory, 1024), AtomicUsize::new(0)));
    let device = &state.0;
    let file = File::new(Shared(state.clone()), OpenMode::ReadWrite);
    let process = Process::new(Table::new(memory.clone()));
    let at = process.mmap(&file, Map::shared(2 * HUGE)).unwrap();
    let user = process.thread();
    // Each entry takes one fault, by a load or a store, and no hook is asked for pages.
    device.write(700 * PAGE_SIZE, &[7]).unwrap();
    assert_eq!(user.read_u8(page_at(at, 700)), Ok(7));
    assert_eq!(process.mapped_pages(at, 2 * HUGE), PageCount::new(512));
    user.write_u8(page_at(at, 701), 8).unwrap();
    let mut byte = [0];
    device.read(701 * PAGE_SIZE, &mut byte).unwrap();
    assert_eq!(byte, [8]);
    user.write_u8(page_at(at, 1), 9).unwrap();
    let counts = memory.counts().unwrap();
    assert_eq!((counts.handler_calls, process.mapped_pages(at, 2 * HUGE)), (0, PageCount::new(1024)));

    let child = process.fork().unwrap();
    assert_eq!(child.mapped_pages(at, 2 * HUGE), PageCount::new(1024));
    let in_child = child.thread();
    assert_eq!([1, 700, 701].map(|page| in_child.read_u8(page_at(at, page))), [Ok(9), Ok(7), Ok(8)]);

    // What is left of one that was cut comes back page by page; the other one stays.
    process.munmap(page_at(at, 600), PAGE_SIZE).unwrap();
    assert_eq!(process.mapped_pages(at, 2 * HUGE), PageCount::new(512));
    assert_eq!((user.read_u8(page_at(at, 701)), user.read_u8(page_at(at, 1))), (Ok(8), Ok(9)));
    assert_eq!(memory.counts().unwrap().handler_calls, 1);
    assert_eq!(process.mapped_pages(at, 2 * HUGE), PageCount::new(513));
    // Where a page is there can be no large entry, and none is asked for.
    let asked = state.1.load(Ordering::Relaxed);
    assert_eq!(user.read_u8(page_at(at, 700)), Ok(7));
    assert_eq!((state.1.load(Ordering::Relaxed), memory.counts().unwrap().handler_calls), (asked, 2));
    let cut = page_at(at, 600);
    assert_eq!(user.read_u8(cut).unwrap_err().signal(), Some(Signal::Sigsegv(cut)));
    // Where pages were is room for large entries again once they have gone.
    process.munmap(at, 2 * HUGE).unwrap();
    process.mmap(&file, Map::shared(2 * HUGE).at(at)).unwrap();
    assert_eq!(user.read_u8(cut), Ok(0));
    assert_eq!(process.mapped_pages(at, 2 * HUGE), PageCount::new(512));
}

/// Numbers that lead nowhere are in no entry of any size.
#[test]
fn a_large_entry_has_frames_for_all_of_it() {
    const HUGE: usize = Table::TABLE_SPAN;
    let memory = Memory::new();
    let device = with_holes(&memory, 512, 1024);
    // One more is there behind those, and no others.
    memory.take_device(PageCount::new(1)).unwrap();
    let file = File::new(Shared(Ref::new(Large(device, AtomicUsize::new(0)))), OpenMode::ReadWrite);
    let process = Process::new(Table::new(memory));
    let at = process.mmap(&file, Map::shared(2 * HUGE)).unwrap();
    let user = process.thread();
    assert_eq!(user.read_u8(page_at(at, 511)), Ok(0));
    let hole = page_at(at, 600);
    assert_eq!(user.read_u8(hole).unwrap_err().signal(), Some(Signal::Sigbus(hole)));
    assert_eq!(process.mapped_pages(at, 2 * HUGE), PageCount::new(512));
}

#[test]
fn several_large_entries_are_made_all_or_none() {
    const HUGE: usize = Table::TABLE_SPAN;
    let memory = Memory::new();
    let first = memory.take_device(PageCount::new(1024)).unwrap();
    let table = Table::new(memory);
    let pte =
        Pte { pfn: first, accessible: true, writable: false, dirty: false, counted: false, cache: Cache::WriteBack };
    let empty = table.changes(4 * HUGE);
    table.insert_huge(4 * HUGE, 2, pte, false).unwrap();
    assert_ne!(table.changes(4 * HUGE), empty);
    let pfns = |table: &Table| [3, 4, 5, 6].map(|at| table.huge(at * HUGE + PAGE_SIZE).map(|pte| pte.pfn));
    assert_eq!(pfns(&table), [None, Some(first), Some(first + 512), None]);
    let changes = table.changes(4 * HUGE);
    // One of the places is taken.
    assert_eq!(table.insert_huge(3 * HUGE, 2, pte, false), Err(Errno::EBUSY));
    assert_eq!(pfns(&table), [None, Some(first), Some(first + 512), None]);
    assert_eq!(table.changes(4 * HUGE), changes);
    // The same ones become writable; those of other frames do not.
    let writable = Pte { writable: true, ..pte };
    assert_eq!(table.insert_huge(5 * HUGE, 1, writable, true), Err(Errno::EBUSY));
    assert!(!table.huge(5 * HUGE).unwrap().writable);
    assert_eq!(table.insert_huge(4 * HUGE, 2, writable, true), Err(Errno::EBUSY));
    assert!(table.huge(4 * HUGE).unwrap().writable && table.huge(5 * HUGE).unwrap().writable);
    assert_ne!(table.changes(4 * HUGE), changes);
    // There is none where no page can be.
    assert_eq!(table.huge(Entries::ADDRESS_END + 4 * HUGE), None);
}

/// A machine that copies frames as the default of [`Machine`] does.
#[test]
fn a_private_copy_has_all_bytes_of_its_page() {
    let memory = Memory::new();
    let pages = Pages::new(&memory, 1);
    let bytes: Vec<u8> = (0..PAGE_SIZE).map(|at| (at / 256 + 1).to_le_bytes()[0]).collect();
    pages.0[0].write(0, &bytes).unwrap();
    let (process, file) = (Process::new(Table::new(memory)), pages.open());
    let at = process.mmap(&file, Map::private(PAGE_SIZE)).unwrap();
    let user = process.thread();
    user.write_u8(at, 99).unwrap();
    let mut copied = vec![0; PAGE_SIZE];
    user.read(at, &mut copied).unwrap();
    assert_eq!((copied[0], &copied[1..]), (99, &bytes[1..]));
    pages.0[0].read(0, &mut copied).unwrap();
    assert_eq!(copied, bytes);
}

/// Linux would merge it with a neighbour, and drop one of the two states.
#[test]
fn a_vma_that_could_be_merged_gets_no_state() {
    let memory = Memory::new();
    let (pages, range) = (Pages::new(&memory, 1), 0x10_0000..0x10_0000 + PAGE_SIZE);
    let (file, table) = (pages.open(), Arc::new(Table::new(memory)));
    let accesses = VmFlags::READ | VmFlags::SHARED | VmFlags::MAYREAD | VmFlags::MAYSHARE | VmFlags::DONTCOPY;
    let establish = |flags| {
        let state = Ref::new(pages.clone());
        let mut vma = Vma::<Example>::new(range.clone(), 0, flags, file.clone(), Arc::clone(&table));
        let established = vma.establish(state.clone());
        (established, Ref::strong_count(&state))
    };
    assert_eq!(establish(accesses), (Err(Errno::EINVAL), 1), "the state is dropped");
    for special in [VmFlags::IO, VmFlags::DONTEXPAND, VmFlags::PFNMAP, VmFlags::MIXEDMAP] {
        assert_eq!(establish(accesses | special), (Ok(()), 2));
    }
}
