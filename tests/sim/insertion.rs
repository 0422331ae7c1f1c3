//! What drivers insert: references, refusals, the zero page, frames by number.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};

use vmctx::{
    Errno, FrameSource, InsertPoint, Iomem as _, Mixed, PageCount, PageOffset, PageProt, PfnMap, Remapped, UserAddr,
    platform::Cache,
};
use vmctx_hosted::UserSide;
use vmctx_sim::{DeviceMemory, File, Machine, Map, Page, Prot, Signal, Sim};

use crate::{
    borrowed::{faulting_with, open_with},
    drivers::{PAGE, first_byte, page_at, pages},
    users::errno,
};

fn device(machine: &Machine, count: usize) -> DeviceMemory {
    let memory = machine.device_memory(PageCount::new(count)).unwrap();
    for page in 0..count {
        memory.write(page * PAGE, &[u8::try_from(page + 101).unwrap(); PAGE]).unwrap();
    }
    memory
}

/// A file that maps this memory whole (`remap_pfn_range`), `/dev/mem`'s way.
fn remapping(machine: &Machine, memory: &DeviceMemory) -> File {
    open_with(machine, memory.clone(), |memory, ctx| {
        let frames = memory.range(ctx.pgoff(), ctx.page_count()).ok_or(Errno::ENXIO)?;
        ctx.writable().without_faults::<Remapped>()?.remap_from_first(frames)
    })
}

#[test]
fn a_range_of_frames_is_mapped_without_references() {
    let machine = Machine::new();
    let memory = device(&machine, 3);
    let process = machine.process();
    let file = remapping(&machine, &memory);
    let at = process.mmap(&file, Map::shared(2 * PAGE).pgoff(PageOffset::new(1))).unwrap();
    let user = process.thread();
    assert_eq!(user.read_u8(at), Ok(102));
    user.write_u8(page_at(at, 1), 7).unwrap();
    let mut byte = [0];
    memory.read(2 * PAGE, &mut byte).unwrap();
    assert_eq!(byte, [7]);
    assert_eq!(machine.statistics().faults, 0);
    assert_eq!(machine.statistics().references, 0);
}

/// A helper that serves mmap and faults alike asks for the page like either of them.
fn place<I: InsertPoint<Platform = Sim, Kind = Mixed>>(shown: &[Page], at: I) -> I::Outcome {
    let page = &shown[at.pgoff().index()];
    at.insert_page(page)
}

#[test]
fn an_insertion_point_says_which_page_belongs_there() {
    let machine = Machine::new();
    let shown = pages(&machine, 3);
    let faulting = faulting_with::<Mixed, _, _, _>(&machine, shown.clone(), |shown, ctx| place(shown, ctx));
    let at_mmap = open_with(&machine, shown, |shown, ctx| {
        let ctx = place(shown, ctx.without_faults::<Mixed>()?)?;
        place(shown, ctx)?.finish()
    });
    let process = machine.process();
    for file in [faulting, at_mmap] {
        let map = Map::shared(2 * PAGE).pgoff(PageOffset::new(1)).prot(Prot::READ);
        let at = process.mmap(&file, map).unwrap();
        assert_eq!([0, 1].map(|page| process.thread().read_u8(page_at(at, page))), [Ok(2), Ok(3)]);
    }
}

/// The driver may look at its answer before it gives it: here at that of a page of its own, and of another machine's.
#[test]
fn an_answer_says_whether_it_is_an_error() {
    let machine = Machine::new();
    let shown = [pages(&machine, 1).remove(0), Machine::new().alloc_page().unwrap()];
    let seen = Arc::new(Mutex::new(Vec::new()));
    let file = faulting_with::<Mixed, _, _, _>(&machine, (shown, Arc::clone(&seen)), |(shown, seen), ctx| {
        let at = ctx.pgoff().index();
        let answer = ctx.insert_page(&shown[at]);
        seen.lock().unwrap().push((answer.is_error(), answer.already_present()));
        answer
    });
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(2 * PAGE)).unwrap();
    let user = process.thread();
    assert_eq!(user.read_u8(at), Ok(1));
    assert_eq!(user.read_u8(page_at(at, 1)).unwrap_err().signal(), Some(Signal::Sigbus(page_at(at, 1))));
    assert_eq!(*seen.lock().unwrap(), [(false, false), (true, false)]);
    // The page that is mapped is found wherever in it one looks.
    assert_eq!(process.mapped_pages(UserAddr::new(at.get() + 5), 1), PageCount::new(1));
}

#[test]
fn ram_can_be_mapped_by_number_and_is_not_counted() {
    let machine = Machine::new();
    let page = &pages(&machine, 1)[0];
    let file = remapping(&machine, &machine.physical_memory());
    let process = machine.process();
    let pgoff = PageOffset::new(usize::try_from(page.pfn()).unwrap());
    let at = process.mmap(&file, Map::shared(PAGE).pgoff(pgoff)).unwrap();
    process.thread().write_u8(at, 55).unwrap();
    assert_eq!(first_byte(page), 55);
    assert_eq!((page.references(), page.map_count()), (1, 0));
}

#[test]
fn holes_and_frames_of_other_machines_are_refused_and_the_range_is_undone() {
    let (machine, other) = (Machine::new(), Machine::new());
    let memory = device(&machine, 2);
    let process = machine.process();
    // Two frames of the device, then a hole.
    let file = remapping(&machine, &machine.physical_memory());
    let pgoff = PageOffset::new(usize::try_from(memory.base()).unwrap());
    assert_eq!(errno(process.mmap(&file, Map::shared(3 * PAGE).pgoff(pgoff))), Errno::EINVAL);
    let statistics = machine.statistics();
    assert_eq!((statistics.insertions, statistics.unmapped, statistics.page_tables_in_use), (2, 2, 0));
    process.mmap(&file, Map::shared(2 * PAGE).pgoff(pgoff)).unwrap();

    let foreign = device(&other, 1);
    let file = remapping(&machine, &foreign);
    assert_eq!(errno(process.mmap(&file, Map::shared(PAGE))), Errno::EINVAL);
    let file = faulting_with::<PfnMap, _, _, _>(&machine, foreign, |foreign, ctx| {
        let frame = foreign.frame(ctx.pgoff()).unwrap();
        ctx.insert_pfn(frame)
    });
    let at = process.mmap(&file, Map::shared(PAGE)).unwrap();
    assert_eq!(process.thread().read_u8(at).unwrap_err().signal(), Some(Signal::Sigbus(at)));
}

#[test]
fn insert_mixed_counts_a_page_and_not_a_devices_frame() {
    let machine = Machine::new();
    let memory = device(&machine, 1);
    let page = &pages(&machine, 1)[0];
    let (everything, ram) = (machine.physical_memory(), PageOffset::new(usize::try_from(page.pfn()).unwrap()));
    let file = faulting_with::<Mixed, _, _, _>(&machine, (memory, everything), move |(memory, everything), ctx| {
        if ctx.pgoff() == PageOffset::ZERO {
            ctx.insert_mixed(memory.frame(PageOffset::ZERO).unwrap())
        } else {
            ctx.insert_mixed(everything.frame(ram).unwrap())
        }
    });
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(2 * PAGE)).unwrap();
    let user = process.thread();
    assert_eq!(user.read_u8(at), Ok(101));
    assert_eq!(user.read_u8(page_at(at, 1)), Ok(1));
    assert_eq!((page.references(), page.map_count()), (2, 1));
    process.munmap(at, 2 * PAGE).unwrap();
    assert_eq!((page.references(), page.map_count()), (1, 0));
}

#[test]
fn insert_mixed_refuses_free_frames_and_private_copies() {
    let machine = Machine::new();
    let wanted = Arc::new(AtomicU64::new(0));
    let number = Arc::clone(&wanted);
    let file = faulting_with::<Mixed, _, _, _>(&machine, machine.physical_memory(), move |everything, ctx| {
        let pfn = usize::try_from(number.load(Ordering::SeqCst)).unwrap();
        ctx.insert_mixed(everything.frame(PageOffset::new(pfn)).unwrap())
    });
    let process = machine.process();
    let user = process.thread();
    let at = process.mmap(&file, Map::shared(PAGE)).unwrap();

    let free = machine.alloc_page().unwrap().pfn();
    wanted.store(free, Ordering::SeqCst);
    assert_eq!(user.read_u8(at).unwrap_err().signal(), Some(Signal::Sigbus(at)));

    // The copy takes the frame that was free.
    let memory = device(&machine, 1);
    let private = process.mmap(&remapping(&machine, &memory), Map::private(PAGE)).unwrap();
    user.write_u8(private, 1).unwrap();
    assert_eq!(machine.statistics().copies, 1);
    assert_eq!(user.read_u8(at).unwrap_err().signal(), Some(Signal::Sigbus(at)));
}

#[test]
fn insert_mixed_mkwrite_needs_no_second_fault() {
    let machine = Machine::new();
    let memory = device(&machine, 1);
    let file = faulting_with::<Mixed, _, _, _>(&machine, memory, |memory, ctx| {
        ctx.insert_mixed_mkwrite(memory.frame(PageOffset::ZERO).unwrap())
    });
    let process = machine.process();
    let user = process.thread();
    let at = process.mmap(&file, Map::shared(PAGE)).unwrap();
    user.write_u8(at, 1).unwrap();
    assert!(process.page_prot_at(at).unwrap().is_writable());
    assert_eq!(machine.statistics().faults, 1);
    // Through a private mapping the device's memory is never writable.
    let private = process.mmap(&file, Map::private(PAGE)).unwrap();
    user.write_u8(private, 2).unwrap();
    assert_eq!((user.read_u8(private), user.read_u8(at)), (Ok(2), Ok(1)));
}

#[test]
fn one_frames_cache_attribute_is_its_own_and_its_rights_are_the_mappings() {
    let machine = Machine::new();
    let first = Arc::new(Mutex::new(None));
    let another = Arc::clone(&first);
    let file = faulting_with::<PfnMap, _, _, _>(&machine, device(&machine, 1), move |memory, ctx| {
        // The protection of whichever mapping was touched first, for the frames of all of them.
        let prot = *another.lock().unwrap().get_or_insert(ctx.page_prot());
        ctx.insert_pfn_prot(memory.frame(PageOffset::ZERO).unwrap(), prot.write_combine())
    });
    let process = machine.process();
    let user = process.thread();
    let at = process.mmap(&file, Map::shared(PAGE)).unwrap();
    assert_eq!(process.page_prot_at(at), None);
    user.read_u8(at).unwrap();
    assert_eq!(process.page_prot_at(at), Some(PageProt::of_vma(true, Cache::WriteCombine)));

    let read_only = process.mmap(&file, Map::shared(PAGE).prot(Prot::READ)).unwrap();
    user.read_u8(read_only).unwrap();
    assert_eq!(process.page_prot_at(read_only), Some(PageProt::of_vma(false, Cache::WriteCombine)));
    assert_eq!(user.write_u8(read_only, 3).unwrap_err().signal(), Some(Signal::Sigsegv(read_only)));

    // Nor does one mapping lose what another does not have.
    *first.lock().unwrap() = None;
    file.unmap_mapping_range(PageOffset::ZERO, PageCount::ZERO, true);
    user.read_u8(read_only).unwrap();
    user.read_u8(at).unwrap();
    assert_eq!(process.page_prot_at(at), Some(PageProt::of_vma(true, Cache::WriteCombine)));
}

/// The last word on a protection counts.
#[test]
fn a_cache_attribute_is_given_back() {
    let machine = Machine::new();
    let file = faulting_with::<PfnMap, _, _, _>(&machine, device(&machine, 2), |memory, ctx| {
        let (at, noncached) = (ctx.pgoff(), ctx.page_prot().noncached());
        let prot = if at == PageOffset::ZERO { noncached } else { noncached.write_back() };
        ctx.insert_pfn_prot(memory.frame(at).unwrap(), prot)
    });
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(2 * PAGE)).unwrap();
    let caches = [0, 1].map(|page| {
        process.thread().read_u8(page_at(at, page)).unwrap();
        process.page_prot_at(page_at(at, page)).map(PageProt::cache)
    });
    assert_eq!(caches, [Some(Cache::Noncached), Some(Cache::WriteBack)]);
    assert_eq!([0, 1].map(|page| UserSide::cache_at(&process, page_at(at, page)).unwrap()), caches);
}

/// G26: so it is with a neighbour's frame.
#[test]
fn a_neighbours_cache_attribute_is_its_own_and_its_rights_are_the_mappings() {
    let machine = Machine::new();
    let first = Mutex::new(None);
    let file = faulting_with::<PfnMap, _, _, _>(&machine, device(&machine, 2), move |memory, mut ctx| {
        // The protection of whichever mapping was touched first, for the frames of all of them.
        let prot = *first.lock().unwrap().get_or_insert(ctx.page_prot());
        let neighbour = memory.frame(PageOffset::new(1)).unwrap();
        let _a_favour = ctx.prefault_pfn_prot(PageOffset::new(1), neighbour, prot.write_combine());
        ctx.insert_pfn(memory.frame(PageOffset::ZERO).unwrap())
    });
    let process = machine.process();
    for (prot, writable) in [(Prot::READ | Prot::WRITE, true), (Prot::READ, false)] {
        let at = process.mmap(&file, Map::shared(2 * PAGE).prot(prot)).unwrap();
        process.thread().read_u8(at).unwrap();
        assert_eq!(process.page_prot_at(page_at(at, 1)), Some(PageProt::of_vma(writable, Cache::WriteCombine)));
    }
}

#[test]
fn the_vmas_cache_attribute_goes_to_all_that_is_inserted() {
    let machine = Machine::new();
    let memory = device(&machine, 1);
    let file = open_with(&machine, memory, |memory, ctx| {
        let frames = memory.range(ctx.pgoff(), ctx.page_count()).ok_or(Errno::ENXIO)?;
        ctx.noncached().writable().without_faults::<Remapped>()?.remap_from_first(frames)
    });
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(PAGE)).unwrap();
    assert_eq!(process.page_prot_at(at).unwrap().cache(), Cache::Noncached);
    assert_eq!(process.page_prot_at(UserAddr::new(0x10_0000)), None);
}

#[test]
fn nobody_stores_to_the_zero_page_by_its_number() {
    let machine = Machine::new();
    let everything = machine.physical_memory();
    // As many frames before the RAM as the zero page, and nothing else that could be stored to.
    let ram = usize::try_from(pages(&machine, 1)[0].pfn()).unwrap();
    let is_stored = |pfn: &usize| everything.write(pfn * PAGE, &[9]).is_ok();
    assert_eq!((ram - 0x100..ram).filter(is_stored).count(), 0);
    let mut byte = [1];
    let has_bytes = |pfn: &usize| everything.read(pfn * PAGE, &mut byte).is_ok();
    assert_eq!((ram - 0x100..ram).filter(has_bytes).count(), 1, "the zero page can be read");
    assert_eq!(byte, [0]);
}
