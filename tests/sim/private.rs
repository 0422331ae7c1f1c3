//! Copy-on-write and fork.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use vmctx::{Errno, FrameSource, Iomem as _, Mixed, Normal, PageCount, PageOffset, Remapped};
use vmctx_sim::{File, Limits, Machine, Map, Page, Signal, Sim};

use crate::{
    borrowed::open_with,
    drivers::{OnDrop, PAGE, faulting, on_fault, open, page_at, pages},
    users::errno,
};

fn inserting(machine: &Machine, page: &Page) -> File {
    let page = page.clone();
    faulting::<Mixed, _, _>(machine, move |ctx| ctx.insert_page(&page))
}

fn delivering(machine: &Machine, page: &Page) -> File {
    let page = page.clone();
    faulting::<Normal, _, _>(machine, move |ctx| ctx.deliver(page.clone()))
}

#[test]
fn frames_without_a_page_are_copied_too() {
    let machine = Machine::new();
    let memory = machine.device_memory(PageCount::new(1)).unwrap();
    memory.write(0, &[1, 2, 3]).unwrap();
    let file = open_with(&machine, memory.clone(), |memory, ctx| {
        let frames = memory.range(ctx.pgoff(), ctx.page_count()).ok_or(Errno::ENXIO)?;
        ctx.writable().without_faults::<Remapped>()?.remap_from_first(frames)
    });
    let process = machine.process();
    let at = process.mmap(&file, Map::private(PAGE)).unwrap();
    let user = process.thread();
    user.write_u8(at, 9).unwrap();
    let (mut bytes, mut device) = ([0; 3], [0; 3]);
    user.read(at, &mut bytes).unwrap();
    memory.read(0, &mut device).unwrap();
    assert_eq!((bytes, device), ([9, 2, 3], [1, 2, 3]));
    assert_eq!(machine.statistics().frames_in_use, 1);
    process.munmap(at, PAGE).unwrap();
    assert_eq!(machine.statistics().frames_in_use, 0);
}

/// That nobody else has the object's page does not make it the user's own.
#[test]
fn a_page_that_only_the_mapping_has_is_copied_too() {
    let machine = Machine::new();
    let memory = machine.clone();
    let file = faulting::<Mixed, _, _>(&machine, move |ctx| ctx.insert_page_with(|_| memory.alloc_page()));
    let process = machine.process();
    let at = process.mmap(&file, Map::private(PAGE)).unwrap();
    let user = process.thread();
    assert_eq!(user.read_u8(at), Ok(0));
    user.write_u8(at, 5).unwrap();
    assert_eq!(machine.statistics().copies, 1);
    // What is the user's own stays when the object's pages are taken back.
    file.unmap_mapping_range(PageOffset::ZERO, PageCount::ZERO, false);
    assert_eq!((user.read_u8(at), machine.statistics().handler_calls), (Ok(5), 1));
}

/// One fault makes the copy, and all later stores go to it.
#[test]
fn a_copy_can_be_stored_to() {
    let machine = Machine::new();
    let page = pages(&machine, 1).remove(0);
    let process = machine.process();
    let user = process.thread();
    let at = process.mmap(&inserting(&machine, &page), Map::private(PAGE)).unwrap();
    assert_eq!((user.read_u8(at), machine.statistics().faults), (Ok(1), 1));
    user.write_u8(at, 9).unwrap();
    assert!(process.page_prot_at(at).unwrap().is_writable());
    assert_eq!(machine.statistics().faults, 2);
}

#[test]
fn a_child_shares_shared_memory_and_has_private_memory_of_its_own() {
    let machine = Machine::new();
    let page = pages(&machine, 1).remove(0);
    let file = inserting(&machine, &page);
    let parent = machine.process();
    let shared = parent.mmap(&file, Map::shared(PAGE)).unwrap();
    let private = parent.mmap(&file, Map::private(PAGE)).unwrap();
    let in_parent = parent.thread();
    in_parent.read_u8(shared).unwrap();
    in_parent.write_u8(private, 10).unwrap();

    let child = parent.fork().unwrap();
    let in_child = child.thread();
    assert_eq!(page.map_count(), 2);
    in_child.write_u8(shared, 5).unwrap();
    assert_eq!(in_parent.read_u8(shared), Ok(5));
    assert_eq!(in_child.read_u8(private), Ok(10));
    in_child.write_u8(private, 11).unwrap();
    in_parent.write_u8(private, 12).unwrap();
    assert_eq!((in_child.read_u8(private), in_parent.read_u8(private)), (Ok(11), Ok(12)));
    // Neither sees what the other stores, whichever is the first to store.
    let second = parent.fork().unwrap();
    in_parent.write_u8(private, 13).unwrap();
    assert_eq!((second.thread().read_u8(private), in_parent.read_u8(private)), (Ok(12), Ok(13)));
}

#[test]
fn the_last_owner_of_a_private_copy_keeps_it() {
    let machine = Machine::new();
    let page = pages(&machine, 1).remove(0);
    let parent = machine.process();
    let at = parent.mmap(&inserting(&machine, &page), Map::private(PAGE)).unwrap();
    let user = parent.thread();
    user.write_u8(at, 1).unwrap();
    let child = parent.fork().unwrap();
    child.thread().write_u8(at, 2).unwrap();
    assert_eq!(machine.statistics().copies, 2);
    // The child has its own by now, so the parent need not copy again.
    user.write_u8(at, 3).unwrap();
    assert_eq!(machine.statistics().copies, 2);
    drop(child);
    assert_eq!((user.read_u8(at), machine.statistics().frames_in_use), (Ok(3), 2));
}

#[test]
fn fork_copies_what_faults_would_not_bring_back() {
    let machine = Machine::new();
    let page = pages(&machine, 1).remove(0);
    let parent = machine.process();
    let user = parent.thread();
    let inserted = parent.mmap(&inserting(&machine, &page), Map::shared(PAGE)).unwrap();
    let delivered = parent.mmap(&delivering(&machine, &page), Map::shared(PAGE)).unwrap();
    user.read_u8(inserted).unwrap();
    user.read_u8(delivered).unwrap();

    let child = parent.fork().unwrap();
    assert_eq!(child.mapped_pages(inserted, PAGE), PageCount::new(1));
    assert_eq!(child.mapped_pages(delivered, PAGE), PageCount::ZERO);
    assert_eq!(child.thread().read_u8(delivered), Ok(1));
    assert_eq!(page.map_count(), 4);
}

#[test]
fn the_state_lives_until_the_last_of_parent_and_child_is_gone() {
    let machine = Machine::new();
    let dropped = Arc::new(AtomicUsize::new(0));
    let tell = Arc::clone(&dropped);
    let file = open(&machine, move |ctx| {
        let tell = Arc::clone(&tell);
        let on_drop = OnDrop(move || _ = tell.fetch_add(1, Ordering::SeqCst));
        let state = on_fault::<Sim, Mixed, _>(move |ctx| {
            let _ = &on_drop;
            ctx.fail(Errno::EFAULT)
        });
        Ok(ctx.writable().establish(state)?.fill_later())
    });
    let parent = machine.process();
    let at = parent.mmap(&file, Map::shared(3 * PAGE)).unwrap();
    let child = parent.fork().unwrap();
    parent.exit().unwrap();
    assert_eq!(dropped.load(Ordering::SeqCst), 0);
    // What a cut leaves on both sides shares it as well.
    child.munmap(page_at(at, 1), PAGE).unwrap();
    child.munmap(at, PAGE).unwrap();
    assert_eq!(dropped.load(Ordering::SeqCst), 0);
    child.munmap(page_at(at, 2), PAGE).unwrap();
    assert_eq!(dropped.load(Ordering::SeqCst), 1);
}

#[test]
fn a_mapping_that_is_not_to_be_copied_is_not_in_the_child() {
    let machine = Machine::new();
    let page = pages(&machine, 1).remove(0);
    let file =
        open(&machine, move |ctx| ctx.dont_copy().writable().without_faults::<Mixed>()?.insert_page(&page)?.finish());
    let parent = machine.process();
    let at = parent.mmap(&file, Map::shared(PAGE)).unwrap();
    let child = parent.fork().unwrap();
    assert_eq!(child.mapping_count(), Ok(0));
    assert_eq!(child.thread().read_u8(at).unwrap_err().signal(), Some(Signal::Sigsegv(at)));
    assert_eq!(parent.thread().read_u8(at), Ok(1));
}

#[test]
fn a_fork_that_fails_leaves_nothing() {
    let machine = Machine::with_limits(Limits { page_tables: 1, ..Limits::default() });
    let page = pages(&machine, 1).remove(0);
    let file = inserting(&machine, &page);
    let parent = machine.process();
    let at = parent.mmap(&file, Map::shared(PAGE)).unwrap();
    parent.thread().read_u8(at).unwrap();
    assert_eq!(errno(parent.fork()), Errno::ENOMEM);
    assert_eq!((page.map_count(), file.mapping_count()), (1, 1));
    assert_eq!(machine.statistics().page_tables_in_use, 1);
}

#[test]
fn private_copies_survive_a_truncation_and_only_that() {
    let machine = Machine::new();
    let pages = pages(&machine, 3);
    let inserted = pages.clone();
    let file = faulting::<Mixed, _, _>(&machine, move |ctx| match inserted.get(ctx.pgoff().index()) {
        Some(page) => ctx.insert_page(page),
        None => ctx.fail(Errno::ENXIO),
    });
    let (one, two) = (machine.process(), machine.process());
    let private = one.mmap(&file, Map::private(2 * PAGE)).unwrap();
    let shared = two.mmap(&file, Map::shared(2 * PAGE).pgoff(PageOffset::new(1))).unwrap();
    let (in_one, in_two) = (one.thread(), two.thread());
    in_one.read_u8(private).unwrap();
    in_one.write_u8(page_at(private, 1), 50).unwrap();
    in_two.read_u8(shared).unwrap();
    in_two.read_u8(page_at(shared, 1)).unwrap();

    // The second page only: it shows at different addresses, and one has a copy instead.
    file.unmap_mapping_range(PageOffset::new(1), PageCount::new(1), false);
    assert_eq!(
        (one.mapped_pages(private, 2 * PAGE), two.mapped_pages(shared, PAGE)),
        (PageCount::new(2), PageCount::ZERO)
    );
    assert_eq!(two.mapped_pages(page_at(shared, 1), PAGE), PageCount::new(1));
    assert_eq!(in_one.read_u8(page_at(private, 1)), Ok(50));

    file.unmap_mapping_range(PageOffset::new(1), PageCount::new(1), true);
    assert_eq!(in_one.read_u8(page_at(private, 1)), Ok(2));
    assert_eq!(pages[0].map_count(), 1);

    // No count: all to the end.
    file.unmap_mapping_range(PageOffset::ZERO, PageCount::ZERO, true);
    assert_eq!(one.mapped_pages(private, 2 * PAGE), PageCount::ZERO);
    assert_eq!(two.mapped_pages(shared, 2 * PAGE), PageCount::ZERO);
    assert_eq!(pages.iter().map(Page::map_count).sum::<usize>(), 0);
    // The next touch faults.
    assert_eq!(in_two.read_u8(shared), Ok(2));
}

#[test]
fn a_mapping_is_copied_by_fork_once_a_private_store_was_tried() {
    let machine = Machine::new();
    let page = pages(&machine, 1).remove(0);
    let (delivered, refuses) = (page.clone(), Arc::new(AtomicBool::new(true)));
    let is_refused = Arc::clone(&refuses);
    let file = faulting::<Normal, _, _>(&machine, move |ctx| {
        if is_refused.load(Ordering::Relaxed) { ctx.fail(Errno::ENXIO) } else { ctx.deliver(delivered.clone()) }
    });
    let parent = machine.process();
    let [loaded, tried] = [0; 2].map(|_| parent.mmap(&file, Map::private(PAGE)).unwrap());
    let user = parent.thread();
    assert_eq!(user.write_u8(tried, 1).unwrap_err().signal(), Some(Signal::Sigbus(tried)));
    refuses.store(false, Ordering::Relaxed);
    for at in [loaded, tried] {
        user.read_u8(at).unwrap();
    }
    let before = page.references();
    let _child = parent.fork().unwrap();
    assert_eq!(page.references(), before + 1, "the one that a store was tried on is copied, the other faults again");
}
