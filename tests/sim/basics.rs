//! Mapping, touching, unmapping.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use vmctx::{Errno, Mixed, Normal, PageOffset, UserAddr};
use vmctx_hosted::Ref;
use vmctx_sim::{AccessError, Limits, Machine, Map, OpenMode, Page, Prot, Signal, Sim, SyscallError};

use crate::{
    drivers::{OnDrop, PAGE, first_byte, on_fault, open, page_at, pages, ring},
    users::errno,
};

fn signal(error: AccessError) -> Signal {
    error.signal().unwrap()
}

#[test]
fn where_nothing_is_mapped_is_sigsegv_with_the_address() {
    let machine = Machine::new();
    let user = machine.process().thread();
    for address in [0, 0x1234, 0x7fff_ffff_f000, usize::MAX] {
        let address = UserAddr::new(address);
        let error = user.read_u8(address).unwrap_err();
        assert_eq!(signal(error), Signal::Sigsegv(address));
        assert_eq!(error.to_string(), format!("SIGSEGV at {address}"));
    }
    assert_eq!(machine.statistics().signals.sigsegv, 4);
}

/// As on x86.
#[test]
fn what_can_be_written_or_executed_can_be_read() {
    let machine = Machine::new();
    let file = ring(&machine, &pages(&machine, 1));
    let process = machine.process();
    let user = process.thread();
    for prot in [Prot::WRITE, Prot::EXEC] {
        let at = process.mmap(&file, Map::shared(PAGE).prot(prot)).unwrap();
        assert_eq!(user.read_u8(at), Ok(1));
    }
}

#[test]
fn mmap_fails_as_do_mmap_does() {
    let machine = Machine::new();
    let file = ring(&machine, &[]);
    let process = machine.process();
    let mmap = |map| errno(process.mmap(&file, map));
    let there = process.mmap(&file, Map::shared(2 * PAGE)).unwrap();

    assert_eq!(mmap(Map::shared(0)), Errno::EINVAL);
    assert_eq!(mmap(Map::shared(PAGE).offset_bytes(12)), Errno::EINVAL);
    assert_eq!(mmap(Map::shared(usize::MAX)), Errno::ENOMEM);
    assert_eq!(mmap(Map::shared(1 << 47)), Errno::ENOMEM);
    assert_eq!(mmap(Map::shared(2 * PAGE).pgoff(PageOffset::new(usize::MAX))), Errno::EOVERFLOW);
    assert_eq!(mmap(Map::shared(PAGE).pgoff(PageOffset::new(usize::MAX >> 12))), Errno::EOVERFLOW);
    assert_eq!(mmap(Map::shared(PAGE).offset_bytes(u64::MAX - 0xfff)), Errno::EOVERFLOW);
    assert_eq!(mmap(Map::shared(PAGE).at(UserAddr::new(0x10_0001))), Errno::EINVAL);
    assert_eq!(mmap(Map::shared(PAGE).at(UserAddr::new(0x1000))), Errno::EPERM);
    assert_eq!(mmap(Map::shared(PAGE).at(UserAddr::new(usize::MAX - 0xfff))), Errno::ENOMEM);
    assert_eq!(mmap(Map::shared(PAGE).at(page_at(there, 1))), Errno::EEXIST);
    // The last page of the object that can be mapped.
    process.mmap(&file, Map::shared(PAGE).offset_bytes(u64::MAX - 0x1fff)).unwrap();
    assert_eq!(process.mapping_count(), Ok(2));
}

#[test]
fn an_offset_chooses_the_part_of_the_object() {
    let machine = Machine::new();
    let pages = pages(&machine, 3);
    let file = ring(&machine, &pages);
    let process = machine.process();
    let first = UserAddr::new(0x4000_0000);
    assert_eq!(process.mmap(&file, Map::shared(PAGE).offset_bytes(2 * 4096).at(first)), Ok(first));
    let second = process.mmap(&file, Map::shared(PAGE).pgoff(PageOffset::new(1))).unwrap();
    assert_eq!(process.thread().read_u8(first), Ok(3));
    assert_eq!(process.thread().read_u8(second), Ok(2));
}

#[test]
fn too_many_mappings_are_enomem() {
    let machine = Machine::with_limits(Limits { mappings: 2, ..Limits::default() });
    let file = ring(&machine, &[]);
    let process = machine.process();
    // Linux lets in one more than the limit.
    let all: Vec<_> = (0..3).map(|_| process.mmap(&file, Map::shared(PAGE)).unwrap()).collect();
    assert_eq!(errno(process.mmap(&file, Map::shared(PAGE))), Errno::ENOMEM);
    process.munmap(all[0], PAGE).unwrap();
    process.mmap(&file, Map::shared(PAGE)).unwrap();
}

/// A mapping that loses an end is no one more, but one that loses its middle is.
#[test]
fn at_the_limit_a_mapping_loses_its_ends_and_not_its_middle() {
    let machine = Machine::with_limits(Limits { mappings: 1, ..Limits::default() });
    let process = machine.process();
    let at = process.mmap(&ring(&machine, &pages(&machine, 1)), Map::shared(5 * PAGE)).unwrap();
    assert_eq!(errno(process.munmap(page_at(at, 1), PAGE)), Errno::ENOMEM);
    assert_eq!(process.munmap(at, PAGE), Ok(()));
    assert_eq!(process.munmap(page_at(at, 4), PAGE), Ok(()));
    assert_eq!(errno(process.munmap(page_at(at, 2), PAGE)), Errno::ENOMEM);
    // Nor are there two mappings of different rights, but one may have others.
    assert_eq!(errno(process.mprotect(page_at(at, 1), PAGE, Prot::READ)), Errno::ENOMEM);
    assert_eq!(process.mprotect(page_at(at, 1), 3 * PAGE, Prot::READ), Ok(()));
    assert_eq!(process.mapping_count(), Ok(1));
}

/// Down to the lowest address that can be mapped, and no further.
#[test]
fn a_mapping_is_as_long_as_the_room_that_is_left() {
    const LOWEST: usize = 0x1_0000;
    let machine = Machine::new();
    let file = ring(&machine, &[]);
    let process = machine.process();
    let above = process.mmap(&file, Map::shared(PAGE)).unwrap().get();
    assert_eq!(errno(process.mmap(&file, Map::shared(above - LOWEST + PAGE))), Errno::ENOMEM);
    assert_eq!(process.mmap(&file, Map::shared(above - LOWEST)), Ok(UserAddr::new(LOWEST)));
    assert_eq!(errno(process.mmap(&file, Map::shared(PAGE))), Errno::ENOMEM);
}

/// What is as long as a large entry is put where one fits.
#[test]
fn a_mapping_of_one_large_entry_begins_where_one_can() {
    const LARGE: usize = 0x20_0000;
    let machine = Machine::new();
    let file = ring(&machine, &[]);
    let process = machine.process();
    let above = process.mmap(&file, Map::shared(PAGE)).unwrap();
    let at = process.mmap(&file, Map::shared(LARGE)).unwrap();
    assert_eq!(at.get() % LARGE, 0);
    // For what is shorter nothing is skipped.
    let less = process.mmap(&file, Map::shared(LARGE - 2 * PAGE)).unwrap();
    assert_eq!(less.get() + LARGE - 2 * PAGE, above.get());
}

/// Where the object's large part begins behind the mapping's first page, the address of that part is what counts, if the
/// mapping has as much of it as a large entry maps.
#[test]
fn what_is_before_a_large_entry_is_not_counted() {
    const LARGE: usize = 0x20_0000;
    for (pgoff, fits) in [(1, false), (511, true)] {
        let machine = Machine::new();
        let file = ring(&machine, &[]);
        let process = machine.process();
        let above = process.mmap(&file, Map::shared(PAGE)).unwrap();
        let at = process.mmap(&file, Map::shared(LARGE + PAGE).pgoff(PageOffset::new(pgoff))).unwrap();
        assert_eq!(page_at(at, 1).get() % LARGE == 0, fits);
        assert_eq!(page_at(at, 513) == above, !fits, "nothing is skipped where none fits");
    }
}

#[test]
fn a_files_mode_decides_what_its_mappings_may_do() {
    let machine = Machine::new();
    let process = machine.process();
    let page = pages(&machine, 1);
    let opened = |mode| {
        let page = page[0].clone();
        let state = Ref::new(on_fault::<Sim, Normal, _>(move |ctx| ctx.deliver(page.clone())));
        struct Device<V>(Ref<V>);
        impl<V> vmctx::MmapFile for Device<V>
        where
            V: vmctx::VmOperations<Platform = Sim, Kind = Normal>,
        {
            type Platform = Sim;

            fn mmap<'m>(&'m self, ctx: vmctx::MmapCtx<'m, Sim>) -> Result<vmctx::Mapped<'m>, Errno> {
                Ok(ctx.writable().establish_shared(self.0.clone())?.fill_later())
            }
        }
        machine.open_with(Device(state), mode)
    };

    let write_only = opened(OpenMode::WriteOnly);
    assert_eq!(errno(process.mmap(&write_only, Map::shared(PAGE))), Errno::EACCES);
    assert_eq!(errno(process.mmap(&write_only, Map::private(PAGE).prot(Prot::READ))), Errno::EACCES);

    let read_only = opened(OpenMode::ReadOnly);
    assert_eq!(errno(process.mmap(&read_only, Map::shared(PAGE))), Errno::EACCES);
    let at = process.mmap(&read_only, Map::shared(PAGE).prot(Prot::READ)).unwrap();
    assert_eq!(process.thread().read_u8(at), Ok(1));
    assert_eq!(errno(process.mprotect(at, PAGE, Prot::READ | Prot::WRITE)), Errno::EACCES);
    // A private mapping of it can be written: what is stored goes nowhere else.
    let at = process.mmap(&read_only, Map::private(PAGE)).unwrap();
    process.thread().write_u8(at, 9).unwrap();
    assert_eq!(first_byte(&page[0]), 1);
}

#[test]
fn the_state_is_dropped_after_the_pages_are_gone() {
    let machine = Machine::new();
    let pages = pages(&machine, 2);
    let left = Arc::new(AtomicUsize::new(usize::MAX));
    let (inserted, tell) = (pages.clone(), Arc::clone(&left));
    let file = open(&machine, move |ctx| {
        let (seen, tell) = (inserted.clone(), Arc::clone(&tell));
        let count = move || tell.store(seen.iter().map(Page::map_count).sum(), Ordering::SeqCst);
        let on_drop = OnDrop(count);
        let ctx = ctx.writable().establish(on_fault::<Sim, Mixed, _>(move |ctx| {
            let _ = &on_drop;
            ctx.fail(Errno::EFAULT)
        }))?;
        ctx.insert_page(&inserted[0])?.insert_page(&inserted[1])?.finish()
    });
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(2 * PAGE)).unwrap();
    assert_eq!((pages[0].map_count(), left.load(Ordering::SeqCst)), (1, usize::MAX));
    process.munmap(at, 2 * PAGE).unwrap();
    assert_eq!(left.load(Ordering::SeqCst), 0);

    // The same if mmap fails with both pages inserted: three slots, two pages.
    left.store(usize::MAX, Ordering::SeqCst);
    let before = machine.statistics();
    assert_eq!(errno(process.mmap(&file, Map::shared(3 * PAGE))), Errno::ENXIO);
    assert_eq!(left.load(Ordering::SeqCst), 0);
    let after = machine.statistics();
    assert_eq!((before.references, before.page_tables_in_use), (after.references, after.page_tables_in_use));
    assert_eq!(process.mapping_count(), Ok(0));
}

#[test]
fn a_process_exits_with_its_last_handle_or_by_itself() {
    let machine = Machine::new();
    let pages = pages(&machine, 1);
    let file = ring(&machine, &pages);

    let process = machine.process();
    let at = process.mmap(&file, Map::shared(PAGE)).unwrap();
    let user = process.thread();
    drop(process);
    assert_eq!(user.read_u8(at), Ok(1));
    assert_eq!(file.mapping_count(), 1);
    drop(user);
    assert_eq!((file.mapping_count(), pages[0].map_count()), (0, 0));
    assert_eq!(machine.statistics().page_tables_in_use, 0);

    let process = machine.process();
    let at = process.mmap(&file, Map::shared(PAGE)).unwrap();
    let user = process.thread();
    user.read_u8(at).unwrap();
    process.exit().unwrap();
    assert_eq!(pages[0].map_count(), 0);
    assert_eq!(user.read_u8(at), Err(AccessError::Exited));
    assert_eq!(process.exit(), Err(SyscallError::Exited));
    assert_eq!(process.mmap(&file, Map::shared(PAGE)), Err(SyscallError::Exited));
}
