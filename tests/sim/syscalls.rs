//! munmap, mprotect and mremap, in part and in whole.

use std::sync::{Arc, Mutex};

use vmctx::{
    Errno, FrameSource, Hooks, HugeSize, Mixed, Normal, PageCount, PageOffset, Platform as _, Remapped, UserAddr,
    VmOperations,
};
use vmctx_hosted::{Paged as _, Ref};
use vmctx_sim::{File, Limits, Machine, Map, Page, Process, Prot, Signal, Sim, Thread};

use crate::{
    borrowed::open_with,
    drivers::{PAGE, faulting, on_fault, open, page_at, pages, ring},
    users::{errno, growing, growing_ring},
};

/// A mapping that tells at which page offsets it is to be cut, and lets that happen or not.
struct Uncut(Arc<dyn Fn(PageOffset) -> Result<(), Errno> + Send + Sync>);

impl VmOperations for Uncut {
    type Platform = Sim;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.may_split(|uncut, at| (uncut.0)(at));
}

/// Four pages, all touched.
fn four() -> (File, Vec<Page>, Process, Thread, UserAddr) {
    let machine = Machine::new();
    let pages = pages(&machine, 4);
    let process = machine.process();
    let file = growing_ring(&machine, &pages);
    let at = process.mmap(&file, Map::shared(4 * PAGE)).unwrap();
    let user = process.thread();
    for page in 0..4 {
        user.read_u8(page_at(at, page)).unwrap();
    }
    (file, pages, process, user, at)
}

fn bytes(user: &Thread, at: UserAddr) -> [Option<u8>; 4] {
    [0, 1, 2, 3].map(|page| user.read_u8(page_at(at, page)).ok())
}

#[test]
fn after_a_cut_faults_still_find_the_right_page() {
    let (file, _pages, process, user, at) = four();
    process.mprotect(page_at(at, 2), PAGE, Prot::READ).unwrap();
    process.munmap(page_at(at, 1), PAGE).unwrap();
    assert_eq!((process.mapping_count(), file.mapping_count()), (Ok(3), 3));
    file.unmap_mapping_range(PageOffset::ZERO, PageCount::ZERO, true);
    assert_eq!(process.mapped_pages(at, 4 * PAGE), PageCount::ZERO);
    assert_eq!(bytes(&user, at), [Some(1), None, Some(3), Some(4)]);
    // Each piece is found by its part of the object.
    file.unmap_mapping_range(PageOffset::new(2), PageCount::new(1), true);
    assert_eq!(process.mapped_pages(page_at(at, 2), PAGE), PageCount::ZERO);
    assert_eq!(process.mapped_pages(at, 4 * PAGE), PageCount::new(2));
}

#[test]
fn nothing_is_unmapped_behind_the_last_address() {
    let (_file, _pages, process, _user, _at) = four();
    for outside in [Sim::TASK_SIZE, Sim::TASK_SIZE + PAGE, usize::MAX - PAGE + 1] {
        assert_eq!(errno(process.munmap(UserAddr::new(outside), PAGE)), Errno::EINVAL);
    }
    assert_eq!(process.mapping_count(), Ok(1));
}

#[test]
fn a_mapping_may_lie_at_either_end_of_the_address_space() {
    let (file, _pages, process, user, _at) = four();
    let (first, last) = (UserAddr::new(Sim::MMAP_MIN), UserAddr::new(Sim::TASK_SIZE - 4 * PAGE));
    for at in [first, last] {
        assert_eq!(process.mmap(&file, Map::shared(4 * PAGE).at(at)), Ok(at));
        assert_eq!(bytes(&user, at), [1, 2, 3, 4].map(Some));
        process.munmap(at, 4 * PAGE).unwrap();
        assert_eq!(bytes(&user, at), [None; 4]);
    }
    for (outside, why) in [(first.get() - PAGE, Errno::EPERM), (last.get() + PAGE, Errno::ENOMEM)] {
        assert_eq!(errno(process.mmap(&file, Map::shared(4 * PAGE).at(UserAddr::new(outside)))), why);
    }
    assert_eq!(errno(process.mmap(&file, Map::shared(Sim::TASK_SIZE + PAGE).at(first))), Errno::ENOMEM);
    let at = process.mmap(&file, Map::shared(4 * PAGE)).unwrap();
    assert_eq!(process.mremap_fixed(at, 4 * PAGE, 4 * PAGE, first), Ok(first));
    assert_eq!(bytes(&user, first), [1, 2, 3, 4].map(Some));
}

/// An object may be as long as its bytes can be counted.
#[test]
fn a_mapping_may_show_the_last_pages_there_can_be() {
    let machine = Machine::new();
    let process = machine.process();
    let mmap = |first| process.mmap(&ring(&machine, &[]), Map::shared(2 * PAGE).pgoff(PageOffset::new(first)));
    let last = usize::MAX / PAGE - 2;
    assert!(mmap(last).is_ok());
    assert_eq!(errno(mmap(last + 1)), Errno::EOVERFLOW);
}

/// What could hold large entries is given some room more, so that it can be aligned in it.
#[test]
fn mappings_that_are_aligned_do_not_overlap() {
    let (file, _pages, process, _user, at) = four();
    let huge = HugeSize::Pmd.page_count(Sim::PAGE_SHIFT).get() * PAGE;
    let mut above = at.get();
    for first in [0, 1, 511] {
        for len in [huge, 2 * huge - PAGE, 2 * huge, 3 * huge + PAGE] {
            let at = process.mmap(&file, Map::shared(len).pgoff(PageOffset::new(first))).unwrap().get();
            assert!(at + len <= above, "{first} {len}: {at:#x} below {above:#x}");
            if len >= 2 * huge {
                assert_eq!((at / PAGE) % 512, first % 512);
            }
            above = at;
        }
    }
    assert_eq!(process.mapping_count(), Ok(13));
}

#[test]
fn a_mapping_that_may_not_be_cut_is_not_cut() {
    let machine = Machine::new();
    let cuts = Arc::new(Mutex::new(Vec::new()));
    let tell = Arc::clone(&cuts);
    let uncut = Ref::new(Uncut(Arc::new(move |at: PageOffset| {
        tell.lock().unwrap().push(at.index());
        Err(Errno::EINVAL)
    })));
    let pages = pages(&machine, 4);
    let file = open(&machine, move |ctx| {
        let mut ctx = ctx.writable().establish_shared(uncut.clone())?.may_expand();
        for page in &pages {
            ctx = ctx.insert_page(page)?;
        }
        ctx.finish()
    });
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(4 * PAGE).pgoff(PageOffset::new(10))).unwrap();

    assert_eq!(errno(process.munmap(page_at(at, 1), PAGE)), Errno::EINVAL);
    assert_eq!(errno(process.munmap(at, 2 * PAGE)), Errno::EINVAL);
    assert_eq!(errno(process.mprotect(page_at(at, 3), PAGE, Prot::READ)), Errno::EINVAL);
    assert_eq!(errno(process.mremap(at, 4 * PAGE, PAGE, false)), Errno::EINVAL);
    assert_eq!(errno(process.mremap(at, 2 * PAGE, 3 * PAGE, true)), Errno::EINVAL);
    assert_eq!(errno(process.mremap_fixed(at, 4 * PAGE, PAGE, UserAddr::new(at.get() - 64 * PAGE))), Errno::EINVAL);
    assert_eq!(*cuts.lock().unwrap(), [11, 12, 13, 11, 12, 11]);
    // Nothing has changed; and as a whole it can be treated like any other.
    assert_eq!(bytes(&process.thread(), at), [Some(1), Some(2), Some(3), Some(4)]);
    assert_eq!(process.mapping_count(), Ok(1));
    process.mprotect(at, 4 * PAGE, Prot::READ).unwrap();
    process.munmap(at, 4 * PAGE).unwrap();
    assert_eq!(cuts.lock().unwrap().len(), 6);
}

#[test]
fn mprotect_fails_as_linux_does_and_keeps_what_it_had_done() {
    let (_file, pages, process, user, at) = four();
    let machine = process.machine();
    let mprotect = |at, bytes, prot| errno(process.mprotect(at, bytes, prot));
    assert_eq!(process.mprotect(at, 0, Prot::NONE), Ok(()));
    assert_eq!(mprotect(UserAddr::new(at.get() + 1), PAGE, Prot::READ), Errno::EINVAL);
    assert_eq!(mprotect(at, usize::MAX - PAGE, Prot::READ), Errno::ENOMEM);
    assert_eq!(mprotect(UserAddr::new(0x10_0000), PAGE, Prot::READ), Errno::ENOMEM);
    process.munmap(page_at(at, 2), PAGE).unwrap();
    assert_eq!(mprotect(at, 4 * PAGE, Prot::READ), Errno::ENOMEM);
    assert!(user.write_u8(at, 9).is_err());
    assert!(user.write_u8(page_at(at, 3), 9).is_ok());

    let page = pages[0].clone();
    let never = open(machine, move |ctx| ctx.read_only()?.without_faults::<Mixed>()?.insert_page(&page)?.finish());
    assert_eq!(errno(process.mmap(&never, Map::shared(PAGE))), Errno::EPERM);
    let at = process.mmap(&never, Map::shared(PAGE).prot(Prot::READ)).unwrap();
    assert_eq!(mprotect(at, PAGE, Prot::READ | Prot::WRITE), Errno::EACCES);
}

#[test]
fn mremap_makes_a_mapping_shorter() {
    let (_file, pages, process, user, at) = four();
    assert_eq!(process.mremap(at, 4 * PAGE, 2 * PAGE, false), Ok(at));
    assert_eq!(bytes(&user, at), [Some(1), Some(2), None, None]);
    assert_eq!(pages[3].map_count(), 0);
    assert_eq!(process.mremap(at, 2 * PAGE, 2 * PAGE, false), Ok(at));
}

#[test]
fn mremap_never_makes_a_mapping_longer_where_it_is() {
    let machine = Machine::new();
    let pages = pages(&machine, 4);
    let file = growing_ring(&machine, &pages);
    let process = machine.process();
    let user = process.thread();
    let at = process.mmap(&file, Map::shared(2 * PAGE)).unwrap();
    user.read_u8(page_at(at, 1)).unwrap();
    // Where there is room behind, it does not move either.
    for may_move in [false, true] {
        assert_eq!(errno(process.mremap(at, 2 * PAGE, 4 * PAGE, may_move)), Errno::ENOMEM);
        assert_eq!((process.mapping_count(), file.mapping_count()), (Ok(1), 1));
        assert_eq!(bytes(&user, at), [Some(1), Some(2), None, None]);
    }
    // There is room for one page more, and not for two.
    process.mmap(&file, Map::shared(PAGE).at(page_at(at, 3))).unwrap();
    assert_eq!(errno(process.mremap(at, 2 * PAGE, 3 * PAGE, true)), Errno::ENOMEM);
    assert_eq!(errno(process.mremap(at, 2 * PAGE, 4 * PAGE, false)), Errno::ENOMEM);
    let moved = process.mremap(at, 2 * PAGE, 4 * PAGE, true).unwrap();
    assert_ne!(moved, at);
    assert_eq!(bytes(&user, moved), [Some(1), Some(2), Some(3), Some(4)]);
    assert_eq!(user.read_u8(at).unwrap_err().signal(), Some(Signal::Sigsegv(at)));
    // The object's pages are found at the new place, too.
    file.unmap_mapping_range(PageOffset::new(3), PageCount::new(1), true);
    assert_eq!(process.mapped_pages(moved, 4 * PAGE), PageCount::new(3));
}

#[test]
fn a_mapping_that_was_not_allowed_to_grow_does_not() {
    let machine = Machine::new();
    let pages = pages(&machine, 4);
    let file = ring(&machine, &pages);
    let process = machine.process();
    let wall = process.mmap(&file, Map::shared(PAGE)).unwrap();
    let at = process.mmap(&file, Map::shared(2 * PAGE)).unwrap();
    assert_eq!(page_at(at, 2), wall);
    for may_move in [false, true] {
        assert_eq!(errno(process.mremap(at, 2 * PAGE, 4 * PAGE, may_move)), Errno::EFAULT);
        assert_eq!(errno(process.mremap(at, PAGE, 2 * PAGE, may_move)), Errno::EFAULT);
        // Once more is longer than nothing.
        assert_eq!(errno(process.mremap(at, 0, 2 * PAGE, may_move)), Errno::EFAULT);
    }
    // Nor on the way to a place of the caller's.
    let free = UserAddr::new(at.get() - 64 * PAGE);
    assert_eq!(errno(process.mremap_fixed(at, 2 * PAGE, 4 * PAGE, free)), Errno::EFAULT);
    assert_eq!(bytes(&process.thread(), at), [Some(1), Some(2), Some(1), None]);
    assert_eq!((process.mapping_count(), file.mapping_count()), (Ok(2), 2));
    assert_eq!(process.mremap(at, 2 * PAGE, PAGE, false), Ok(at));
}

#[test]
fn mremap_moves_a_mapping_with_what_is_mapped() {
    let machine = Machine::new();
    let pages = pages(&machine, 4);
    let file = growing_ring(&machine, &pages);
    let process = machine.process();
    let user = process.thread();
    let wall = process.mmap(&file, Map::shared(PAGE)).unwrap();
    let at = process.mmap(&file, Map::private(2 * PAGE)).unwrap();
    assert_eq!(page_at(at, 2), wall);
    user.write_u8(at, 66).unwrap();
    user.read_u8(page_at(at, 1)).unwrap();

    assert_eq!(errno(process.mremap(at, 2 * PAGE, 4 * PAGE, false)), Errno::ENOMEM);
    let faults = machine.statistics().faults;
    let moved = process.mremap(at, 2 * PAGE, 4 * PAGE, true).unwrap();
    assert_ne!(moved, at);
    assert_eq!((user.read_u8(moved), user.read_u8(page_at(moved, 1))), (Ok(66), Ok(2)));
    assert_eq!(machine.statistics().faults, faults);
    assert_eq!(bytes(&user, moved), [Some(66), Some(2), Some(3), Some(4)]);
    assert_eq!(user.read_u8(at).unwrap_err().signal(), Some(Signal::Sigsegv(at)));
    assert_eq!(process.mapping_count(), Ok(2));
    // Away from the object, not from the place where it was.
    file.unmap_mapping_range(PageOffset::ZERO, PageCount::ZERO, false);
    assert_eq!(process.mapped_pages(moved, 4 * PAGE), PageCount::new(1));
}

#[test]
fn mremap_can_move_a_part_out_of_the_middle() {
    let (_file, pages, process, user, at) = four();
    let moved = process.mremap(page_at(at, 1), PAGE, 2 * PAGE, true).unwrap();
    assert_eq!(bytes(&user, at), [Some(1), None, Some(3), Some(4)]);
    assert_eq!((user.read_u8(moved), user.read_u8(page_at(moved, 1))), (Ok(2), Ok(3)));
    assert_eq!(pages.iter().map(Page::map_count).collect::<Vec<_>>(), [1, 1, 2, 1]);
    assert_eq!(process.mapping_count(), Ok(3));
}

#[test]
fn mremap_from_nothing_maps_a_shared_mapping_once_more() {
    let (_file, pages, process, user, at) = four();
    let machine = process.machine();
    let again = process.mremap(page_at(at, 1), 0, 2 * PAGE, true).unwrap();
    assert_eq!((user.read_u8(again), user.read_u8(at)), (Ok(2), Ok(1)));
    let private = process.mmap(&growing_ring(machine, &pages), Map::private(PAGE)).unwrap();
    assert_eq!(errno(process.mremap(private, 0, PAGE, true)), Errno::EINVAL);
}

/// To a place of the caller's: what is there goes, and what moves may be made shorter or longer on the way.
#[test]
fn mremap_moves_to_where_it_is_told() {
    let (file, pages, process, user, at) = four();
    let other = process.mmap(&file, Map::shared(4 * PAGE)).unwrap();
    assert_eq!(bytes(&user, other), [1, 2, 3, 4].map(Some));
    // Two pages of four over the middle of the other mapping, whose ends stay.
    assert_eq!(process.mremap_fixed(at, 4 * PAGE, 2 * PAGE, page_at(other, 1)), Ok(page_at(other, 1)));
    assert_eq!(bytes(&user, other), [1, 1, 2, 4].map(Some));
    assert_eq!(bytes(&user, at), [None; 4]);
    assert_eq!(pages.iter().map(Page::map_count).collect::<Vec<_>>(), [2, 1, 0, 1]);
    // The pieces in the middle grow on the way to a free place.
    let free = UserAddr::new(at.get() - 64 * PAGE);
    assert_eq!(process.mremap_fixed(page_at(other, 1), 2 * PAGE, 3 * PAGE, free), Ok(free));
    assert_eq!(bytes(&user, free), [Some(1), Some(2), Some(3), None]);
    // The place next to a mapping is free, at either end.
    let before = UserAddr::new(free.get() - 3 * PAGE);
    assert_eq!(process.mremap_fixed(free, 3 * PAGE, 3 * PAGE, before), Ok(before));
    assert_eq!(process.mremap_fixed(before, 3 * PAGE, 3 * PAGE, free), Ok(free));
    assert_eq!(bytes(&user, free), [Some(1), Some(2), Some(3), None]);
}

/// What is cut off need not be of the same mapping.
#[test]
fn mremap_makes_shorter_what_is_two_mappings() {
    let (_file, _pages, process, user, at) = four();
    process.mprotect(page_at(at, 2), 2 * PAGE, Prot::READ).unwrap();
    let to = UserAddr::new(at.get() - 64 * PAGE);
    assert_eq!(process.mremap_fixed(at, 4 * PAGE, 2 * PAGE, to), Ok(to));
    assert_eq!(bytes(&user, to), [Some(1), Some(2), None, None]);
    assert_eq!((bytes(&user, at), process.mapping_count()), ([None; 4], Ok(1)));
}

#[test]
fn mremap_to_a_place_fails_as_linux_does() {
    const END: usize = 0x7fff_ffff_f000;
    let (_file, _pages, process, user, at) = four();
    let mremap = |bytes, to| errno(process.mremap_fixed(at, bytes, bytes, UserAddr::new(to)));
    assert_eq!(mremap(4 * PAGE, at.get() - 8 * PAGE + 1), Errno::EINVAL, "no page begins there");
    assert_eq!(mremap(4 * PAGE, at.get() + 3 * PAGE), Errno::EINVAL, "over its own end");
    assert_eq!(mremap(4 * PAGE, at.get() - 3 * PAGE), Errno::EINVAL, "over its own beginning");
    assert_eq!(mremap(PAGE, END), Errno::EINVAL, "behind the last address");
    assert_eq!(mremap(2 * PAGE, END - PAGE), Errno::EINVAL, "up to behind the last address");
    assert_eq!(mremap(PAGE, 0), Errno::EINVAL, "below the first");
    assert_eq!(mremap(END + PAGE, at.get()), Errno::EINVAL, "more than there are addresses");
    assert_eq!(bytes(&user, at), [1, 2, 3, 4].map(Some), "nothing has gone");
    assert_eq!(mremap(5 * PAGE, at.get() - 8 * PAGE), Errno::EFAULT, "more than is mapped");
    let last = UserAddr::new(END - PAGE);
    assert_eq!(process.mremap_fixed(page_at(at, 3), PAGE, PAGE, last), Ok(last));
    assert_eq!(user.read_u8(last), Ok(4));
}

#[test]
fn mremap_fails_as_linux_does() {
    let (_file, pages, process, _user, at) = four();
    let machine = process.machine();
    let mremap = |at, old, new| errno(process.mremap(at, old, new, true));
    assert_eq!(mremap(UserAddr::new(at.get() + 1), PAGE, 2 * PAGE), Errno::EINVAL);
    assert_eq!(mremap(at, PAGE, 0), Errno::EINVAL);
    assert_eq!(mremap(UserAddr::new(0x10_0000), PAGE, 2 * PAGE), Errno::EFAULT);
    assert_eq!(mremap(at, 5 * PAGE, 6 * PAGE), Errno::EFAULT);
    assert_eq!(mremap(at, 4 * PAGE, 1 << 47), Errno::ENOMEM);
    assert_eq!(mremap(at, 4 * PAGE, usize::MAX - PAGE + 1), Errno::ENOMEM);
    // Lengths that whole pages cannot count are none (`PAGE_ALIGN` wraps): nothing new, or mapped once more.
    assert_eq!(mremap(at, 4 * PAGE, usize::MAX), Errno::EINVAL);
    let twice = process.mremap(at, usize::MAX - PAGE + 2, PAGE, true).unwrap();
    assert_ne!(twice, at);
    let user = process.thread();
    user.write_u8(at, 77).unwrap();
    assert_eq!(user.read_u8(twice), Ok(77));

    let page = pages[0].clone();
    let fixed = open(machine, move |ctx| ctx.writable().without_faults::<Mixed>()?.insert_page(&page)?.finish());
    let at = process.mmap(&fixed, Map::shared(PAGE)).unwrap();
    assert_eq!(mremap(at, PAGE, 2 * PAGE), Errno::EFAULT);
    assert_eq!(mremap(at, usize::MAX, PAGE), Errno::EFAULT);

    let handed_back = faulting::<Normal, _, _>(machine, |ctx| ctx.fail(Errno::ENXIO));
    let at = process.mmap(&handed_back, Map::shared(PAGE)).unwrap();
    assert_eq!(mremap(at, PAGE, 2 * PAGE), Errno::EFAULT);

    let memory = machine.device_memory(PageCount::new(2)).unwrap();
    let frames = open_with(machine, memory, |memory, ctx| {
        let frames = memory.range(ctx.pgoff(), ctx.page_count()).ok_or(Errno::ENXIO)?;
        ctx.writable().without_faults::<Remapped>()?.remap_from_first(frames)
    });
    let at = process.mmap(&frames, Map::shared(2 * PAGE)).unwrap();
    assert_eq!(mremap(at, 2 * PAGE, 3 * PAGE), Errno::EFAULT);
    // Shorter is always allowed.
    assert_eq!(process.mremap(at, 2 * PAGE, PAGE, false), Ok(at));
}

#[test]
fn a_move_that_runs_out_of_page_tables_changes_nothing() {
    let machine = Machine::with_limits(Limits { page_tables: 3, ..Limits::default() });
    let pages = pages(&machine, 4);
    let fault = on_fault::<Sim, Mixed, _>(move |ctx| match pages.get(ctx.pgoff().index() - 511) {
        Some(page) => ctx.insert_page(page),
        None => ctx.fail(Errno::ENXIO),
    });
    let file = growing(&machine, fault);
    let process = machine.process();
    let user = process.thread();
    // Two pages in two tables, with a wall behind; and there is one table left. What could hold a huge entry is placed
    // so that it would fit, with the first page in one table and the second in the next.
    let at = UserAddr::new(0x4000_0000 - PAGE);
    process.mmap(&file, Map::shared(2 * PAGE).at(at).pgoff(PageOffset::new(511))).unwrap();
    process.mmap(&file, Map::shared(PAGE).at(page_at(at, 2)).pgoff(PageOffset::new(511))).unwrap();
    user.read_u8(at).unwrap();
    user.read_u8(page_at(at, 1)).unwrap();

    let before = machine.statistics();
    assert_eq!(errno(process.mremap(at, 2 * PAGE, 513 * PAGE, true)), Errno::ENOMEM);
    let after = machine.statistics();
    assert_eq!((after.page_tables_in_use, after.references), (before.page_tables_in_use, before.references));
    assert_eq!((process.mapping_count(), file.mapping_count()), (Ok(2), 2));
    assert_eq!((user.read_u8(at), user.read_u8(page_at(at, 1))), (Ok(1), Ok(2)));
    assert_eq!(machine.statistics().faults, before.faults);
    // With one page less it holds none, and both go into the table that is left.
    let moved = process.mremap(at, 2 * PAGE, 512 * PAGE, true).unwrap();
    assert_eq!((user.read_u8(moved), user.read_u8(page_at(moved, 1))), (Ok(1), Ok(2)));
}
