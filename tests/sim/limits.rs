//! Memory that runs out, and errors on order: whatever fails, nothing is left of it.

use std::sync::Arc;

use vmctx::{Errno, Mixed, MmapCtx, Normal, PageCount, PageOffset, PageRef as _, UserAddr};
use vmctx_sim::{AccessError, Injection, Limits, Machine, Map, Page, Process, Signal, Sim, Statistics, SyscallError};

use crate::{
    drivers::{PAGE, faulting, on_fault, open, page_at, pages},
    users::errno,
};

#[test]
fn a_machine_has_so_many_frames_and_no_more() {
    let machine = Machine::with_limits(Limits { frames: PageCount::new(3), ..Limits::default() });
    let page = machine.alloc_page().unwrap();
    page.write(0, &[7; PAGE]).unwrap();
    let file = faulting::<Mixed, _, _>(&machine, {
        let page = page.clone();
        move |ctx| ctx.insert_page(&page)
    });
    let process = machine.process();
    let user = process.thread();
    let at = process.mmap(&file, Map::private(3 * PAGE)).unwrap();
    user.write_u8(at, 1).unwrap();
    user.write_u8(page_at(at, 1), 1).unwrap();
    // No frame for the third copy, and none for a driver.
    assert_eq!(user.write_u8(page_at(at, 2), 1).unwrap_err().signal(), Some(Signal::Killed(page_at(at, 2))));
    assert_eq!(machine.alloc_page().err(), Some(Errno::ENOMEM));
    assert_eq!(machine.statistics().frames_in_use, 3);

    process.munmap(at, PAGE).unwrap();
    let fresh = machine.alloc_page().unwrap();
    let mut byte = [1];
    fresh.read(0, &mut byte).unwrap();
    assert_eq!(byte, [0], "a frame that was used before comes back as zeros");
}

#[test]
fn a_machine_has_so_many_page_tables_and_no_more() {
    let machine = Machine::with_limits(Limits { page_tables: 1, ..Limits::default() });
    let page = machine.alloc_page().unwrap();
    let inserted = page.clone();
    let at_mmap = open(&machine, move |ctx| ctx.writable().without_faults::<Mixed>()?.insert_page(&inserted)?.finish());
    let (inserted, delivered) = (page.clone(), page.clone());
    let in_fault = faulting::<Mixed, _, _>(&machine, move |ctx| ctx.insert_page(&inserted));
    let by_core = faulting::<Normal, _, _>(&machine, move |ctx| ctx.deliver(delivered.clone()));

    let first = machine.process();
    let at = first.mmap(&at_mmap, Map::shared(PAGE)).unwrap();
    let second = machine.process();
    assert_eq!(errno(second.mmap(&at_mmap, Map::shared(PAGE))), Errno::ENOMEM);
    for file in [&in_fault, &by_core] {
        let at = second.mmap(file, Map::shared(PAGE)).unwrap();
        assert_eq!(second.thread().read_u8(at).unwrap_err().signal(), Some(Signal::Killed(at)));
    }
    assert_eq!(page.map_count(), 1);
    // The table goes with the last mapping in it.
    first.munmap(at, PAGE).unwrap();
    assert_eq!(machine.statistics().page_tables_in_use, 0);
    second.mmap(&at_mmap, Map::shared(PAGE)).unwrap();
}

#[test]
fn mappings_share_a_page_table_until_the_last_is_gone() {
    let machine = Machine::new();
    let page = machine.alloc_page().unwrap();
    let file = open(&machine, move |ctx| ctx.writable().without_faults::<Mixed>()?.insert_page(&page)?.finish());
    let process = machine.process();
    let one = process.mmap(&file, Map::shared(PAGE)).unwrap();
    let two = process.mmap(&file, Map::shared(PAGE)).unwrap();
    assert_eq!(machine.statistics().page_tables_in_use, 1);
    process.munmap(one, PAGE).unwrap();
    assert_eq!(machine.statistics().page_tables_in_use, 1);
    assert_eq!(process.thread().read_u8(two), Ok(0));
    process.munmap(two, PAGE).unwrap();
    assert_eq!(machine.statistics().page_tables_in_use, 0);
}

/// Page tables are trees of several levels, of which one part is made where it needs no level above it: whichever comes
/// first, what is far away is found and freed.
#[test]
fn page_tables_that_lie_far_apart_are_freed_in_whatever_order_they_came() {
    let far: [usize; 8] = [16, 21, 22, 27, 28, 34, 41, 46].map(|power| 1 << power);
    for turn in 0..far.len() {
        let machine = Machine::new();
        let mapped = machine.alloc_page().unwrap();
        let page = mapped.clone();
        let file = open(&machine, move |ctx| ctx.writable().without_faults::<Mixed>()?.insert_page(&page)?.finish());
        let process = machine.process();
        for at in far.iter().cycle().skip(turn).take(far.len()) {
            process.mmap(&file, Map::shared(PAGE).at(UserAddr::new(*at))).unwrap();
        }
        let child = process.fork().unwrap();
        // Each has a table of 2 MiB of its own.
        let tables = far.len();
        assert_eq!(machine.statistics().page_tables_in_use, 2 * tables, "turn {turn}");
        for at in far {
            assert_eq!(child.thread().read_u8(UserAddr::new(at)), Ok(0), "turn {turn}, {at:#x}");
        }
        assert_eq!(mapped.map_count(), 2 * far.len(), "turn {turn}");
        file.unmap_mapping_range(PageOffset::ZERO, PageCount::ZERO, true);
        assert_eq!(mapped.map_count(), 0, "turn {turn}");
        process.munmap(UserAddr::new(far[0]), far[far.len() - 1]).unwrap();
        assert_eq!(machine.statistics().page_tables_in_use, tables, "turn {turn}");
        drop(child);
        assert_eq!(machine.statistics().page_tables_in_use, 0, "turn {turn}");
    }
}

/// Why a scenario stopped.
#[derive(Debug, PartialEq)]
enum Failure {
    Driver(Errno),
    Syscall(SyscallError),
    Access(AccessError),
}

impl From<Errno> for Failure {
    fn from(errno: Errno) -> Self {
        Self::Driver(errno)
    }
}

impl From<SyscallError> for Failure {
    fn from(error: SyscallError) -> Self {
        Self::Syscall(error)
    }
}

impl From<AccessError> for Failure {
    fn from(error: AccessError) -> Self {
        Self::Access(error)
    }
}

/// Everything once: pages allocated, some inserted at mmap and some in faults, copied, forked, moved, taken away.
fn scenario(machine: &Machine) -> Result<(), Failure> {
    let pages: Arc<[Page]> = (0..4).map(|_| machine.alloc_page()).collect::<Result<Vec<_>, _>>()?.into();
    let file = open(machine, move |ctx: MmapCtx<'_, Sim>| {
        let pages = Arc::clone(&pages);
        let first = Arc::clone(&pages);
        let state = on_fault::<Sim, Mixed, _>(move |ctx| match pages.get(ctx.pgoff().index() % 4) {
            Some(page) => ctx.insert_page(page),
            None => ctx.fail(Errno::ENXIO),
        });
        let ctx = ctx.writable().establish(state)?.may_expand();
        Ok(ctx.insert_page(&first[0])?.insert_page(&first[1])?.fill_later())
    });
    let process = machine.process();
    let shared = process.mmap(&file, Map::shared(4 * PAGE))?;
    let private = process.mmap(&file, Map::private(4 * PAGE))?;
    touch(&process, shared)?;
    touch(&process, private)?;
    let child = process.fork()?;
    touch(&child, private)?;
    let moved = process.mremap(private, 4 * PAGE, 600 * PAGE, true)?;
    touch(&process, moved)?;
    file.unmap_mapping_range(PageOffset::new(1), PageCount::new(2), true);
    touch(&process, shared)?;
    process.munmap(page_at(shared, 1), PAGE)?;
    Ok(())
}

fn touch(process: &Process, at: UserAddr) -> Result<(), AccessError> {
    let user = process.thread();
    (0..4).try_for_each(|page| user.write_u8(page_at(at, page), 1))
}

/// Lets the scenario fail at each place there is, one after the other, until it gets through.
fn fails_everywhere(order: impl Fn(usize) -> Injection) -> Vec<Failure> {
    let machine = Machine::new();
    let in_use =
        |statistics: Statistics| (statistics.frames_in_use, statistics.references, statistics.page_tables_in_use);
    let mut failures = Vec::new();
    for after in 0..1000 {
        machine.inject(order(after));
        let ended = scenario(&machine);
        machine.clear_injections();
        assert_eq!(in_use(machine.statistics()), (0, 0, 0), "after {after}: {ended:?}");
        match ended {
            Ok(()) => return failures,
            Err(failure) => failures.push(failure),
        }
    }
    panic!("the scenario never gets through");
}

#[test]
fn whichever_frame_is_missing_nothing_is_leaked() {
    let failures = fails_everywhere(|after| Injection::FrameAllocation { after });
    // Four pages of the driver's, then the copies.
    let (driver, user) = failures.split_at(4);
    assert!(driver.iter().all(|failure| *failure == Failure::Driver(Errno::ENOMEM)));
    assert!(user.len() >= 8);
    let killed = |failure: &Failure| matches!(failure, Failure::Access(AccessError::Signal(Signal::Killed(_))));
    assert!(user.iter().all(killed), "{user:?}");
}

#[test]
fn whichever_page_table_is_missing_nothing_is_leaked() {
    let failures = fails_everywhere(|after| Injection::PageTableAllocation { after });
    // At mmap, in the fork and in the move; none is missing in a fault here.
    assert!(failures.len() >= 3, "{failures:?}");
    assert!(failures.iter().all(|failure| *failure == Failure::Syscall(SyscallError::Failed(Errno::ENOMEM))));
}

#[test]
fn whichever_insertion_fails_nothing_is_leaked() {
    let failures = fails_everywhere(|after| Injection::Insertion { after, errno: Errno::EINVAL });
    let (at_mmap, in_faults): (Vec<_>, Vec<_>) =
        failures.into_iter().partition(|failure| matches!(failure, Failure::Syscall(_)));
    assert_eq!(at_mmap.len(), 4);
    assert!(at_mmap.iter().all(|failure| *failure == Failure::Syscall(SyscallError::Failed(Errno::EINVAL))));
    let bus = |failure: &Failure| matches!(failure, Failure::Access(AccessError::Signal(Signal::Sigbus(_))));
    assert!(in_faults.len() >= 4 && in_faults.iter().all(bus), "{in_faults:?}");
}

#[test]
fn a_window_goes_on_after_a_page_and_ends_without_memory() {
    for (errno, mapped) in [(Errno::EINVAL, 4), (Errno::EBUSY, 4), (Errno::ENOMEM, 3)] {
        let machine = Machine::new();
        let shown = pages(&machine, 5);
        let file = faulting::<Mixed, _, _>(&machine, move |mut ctx| {
            ctx.prefault_pages(PageOffset::ZERO, &shown);
            ctx.insert_page(&shown[0])
        });
        let process = machine.process();
        let at = process.mmap(&file, Map::shared(5 * PAGE)).unwrap();
        machine.inject(Injection::Insertion { after: 2, errno });
        assert_eq!(process.thread().read_u8(at), Ok(1));
        assert_eq!(process.mapped_pages(at, 5 * PAGE), PageCount::new(mapped), "{errno}");
    }
}

#[test]
fn an_injected_busy_is_an_error_at_mmap_and_a_repetition_in_a_fault() {
    let machine = Machine::new();
    let page = pages(&machine, 1).remove(0);
    let inserted = page.clone();
    let at_mmap = open(&machine, move |ctx| ctx.writable().without_faults::<Mixed>()?.insert_page(&inserted)?.finish());
    let in_fault = faulting::<Mixed, _, _>(&machine, move |ctx| ctx.insert_page(&page));
    let process = machine.process();
    let busy = Injection::Insertion { after: 0, errno: Errno::EBUSY };
    machine.inject(busy);
    assert_eq!(errno(process.mmap(&at_mmap, Map::shared(PAGE))), Errno::EBUSY);
    let at = process.mmap(&in_fault, Map::shared(PAGE)).unwrap();
    machine.inject(busy);
    assert_eq!(process.thread().read_u8(at), Ok(1));
    assert_eq!((machine.statistics().refaults, machine.statistics().handler_calls), (1, 2));
}
