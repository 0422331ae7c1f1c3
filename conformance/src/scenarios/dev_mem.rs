use std::{format, vec::Vec};

use vmctx::{Errno, PageOffset, UserAddr, platform::Cache};

use super::run::{Run, all_ways};
use crate::{
    devices::{
        dev_mem::{HOLE, PAGES, RAM, REGISTERS, SET_SYNC},
        pattern,
    },
    mapping::device_pages,
    user::{Map, User},
};

pub(crate) fn run<U: User>(mut run: Run<'_, U>) {
    let place = |pfn: u64| usize::try_from(pfn).map_or(PageOffset::ZERO, PageOffset::new);
    let Some(first) = run.ask("physical memory", REGISTERS, 0).map(place) else { return };
    let registers = Map::shared(PAGES).at(first);
    run.eager(registers, &device_pages(0, PAGES));
    let inner = Map::shared(2).at(PageOffset::new(first.index() + 1));
    run.eager(inner, &device_pages(1, 2));
    run.cached(registers, 0, Cache::Noncached);
    // A range that is not all there is not mapped at all.
    run.refused(Map { pages: PAGES + 1, ..registers }, Errno::EINVAL);
    let Some(ram) = run.ask("a page of RAM", RAM, 0).map(place) else { return };
    let ram = Map::shared(1).at(ram);
    // RAM has a `struct page` and registers have none: to a user, private copies included, that makes no difference.
    let private = Map { shared: false, ..ram };
    for map in [ram.read_only(), private, private.read_only()] {
        run.one(map, &device_pages(0, 1), true);
    }
    side_by_side(&mut run, ram, registers);
    debugged(&mut run, inner, ram);
    run.cached(ram, 0, Cache::WriteBack);
    run.control("O_SYNC", SET_SYNC, 1, Ok(0));
    run.cached(ram, 0, Cache::Noncached);
    run.control("no O_SYNC", SET_SYNC, 0, Ok(0));
    if let Ok(hole) = run.user.control(HOLE, 0) {
        for map in all_ways(Map::shared(1).at(place(hole))).into_iter().chain(all_ways(Map::shared(2).at(place(hole))))
        {
            run.refused(map, Errno::EINVAL);
        }
    }
    // Far behind all memory: half of what an address can say.
    run.refused(Map::shared(1).at(PageOffset::new(usize::MAX / 2 / run.user.page_size())), Errno::EINVAL);
}

/// A debugger reaches the registers that are mapped (`generic_access_phys`), as far as they are, and stores where the
/// user may: not behind the mapping, where the device goes on, and not through a private one. RAM it does not reach so.
fn debugged<U: User>(run: &mut Run<'_, U>, registers: Map, ram: Map) {
    // The mapping shows the device's pages from the second on.
    let size = run.user.page_size();
    let shown = |at: usize| pattern(size.wrapping_add(at));
    let end = size.wrapping_mul(registers.pages);
    let bytes = |from: usize, len: usize| (from..from.wrapping_add(len)).map(shown).collect::<Vec<u8>>();
    run.mapped(Map { pages: registers.pages.wrapping_add(2), ..registers }, |run, at| {
        // So that nothing of somebody else's lies behind it.
        run.checks.success("munmap of the end", run.user.unmap(run.address(at, registers.pages, 0), 2));
        let across = size.wrapping_sub(2);
        run.peeks("a debugger's load of two pages", run.address(at, 0, across), &bytes(across, 4));
        let last = run.address(at, 0, end.wrapping_sub(3));
        run.peeks_no_more("a debugger's load over the end", last, &bytes(end.wrapping_sub(3), 3));
        run.peeks_no_more("a debugger's load behind the end", run.address(at, 0, end), &[]);
        run.pokes("a debugger's store", run.address(at, 0, across), &[0x11, 0x22, 0x33, 0x44], Ok(()));
        if run.user.peek(at, &mut []).is_some() {
            let mut seen = [0; 6];
            let read = run.user.read(run.address(at, 0, across.wrapping_sub(1)), &mut seen);
            let wanted = [shown(across.wrapping_sub(1)), 0x11, 0x22, 0x33, 0x44, shown(across.wrapping_add(4))];
            run.checks.equal("what a debugger has stored", &(read, seen), &(Ok(()), wanted));
        }
        run.pokes("a debugger's store over the end", last, &bytes(end.wrapping_sub(3), 5), Err(Errno::EIO));
        let mut behind = [0; 2];
        let read = crate::mapping::device_read(run.user, size.wrapping_add(end), &mut behind);
        run.checks.equal(
            "what lies behind the end",
            &(read, behind),
            &(Ok(()), [shown(end), shown(end.wrapping_add(1))]),
        );
        run.pokes("a debugger puts it back", run.address(at, 0, across), &bytes(across, 4), Ok(()));
        run.shows("after a debugger", at, &device_pages(1, registers.pages));
    });
    for map in
        [registers.read_only(), Map { shared: false, ..registers }, Map { shared: false, ..registers.read_only() }]
    {
        run.mapped(map, |run, at| {
            run.pokes(format!("{map}: a debugger's store"), at, &[!shown(0)], Err(Errno::EIO));
            run.peeks(format!("{map}: a debugger's load"), at, &bytes(0, 3));
            run.shows(format!("{map}: after a debugger"), at, &device_pages(1, registers.pages));
        });
    }
    run.mapped(ram, |run, at| {
        run.peeks_no_more("a debugger's load of RAM", at, &[]);
        run.pokes("a debugger's store to RAM", at, &[!pattern(0)], Err(Errno::EIO));
        run.shows("RAM after a debugger", at, &device_pages(0, 1));
    });
}

/// RAM and registers are mapped from one file at the same time. A store to RAM is seen through its other mappings, but
/// not in a private copy, and not in the registers.
fn side_by_side<U: User>(run: &mut Run<'_, U>, ram: Map, registers: Map) {
    let byte = |run: &Run<'_, U>, at: UserAddr| {
        let mut byte = [0];
        run.user.read(at, &mut byte).map(|()| byte)
    };
    run.mapped(registers, |run, device| {
        run.mapped(ram, |run, first| {
            run.mapped(ram.read_only(), |run, second| {
                run.mapped(Map { shared: false, ..ram }, |run, copy| {
                    run.shows("RAM", first, &device_pages(0, 1));
                    run.shows("RAM, mapped again", second, &device_pages(0, 1));
                    run.checks.success("a store to a private copy", run.user.write(copy, &[0x11]));
                    run.checks.equal("RAM after a store to a copy", &byte(run, second), &Ok([pattern(0)]));
                    run.checks.success("a store to RAM", run.user.write(first, &[0x22]));
                    run.checks.equal("RAM, mapped again, after a store", &byte(run, second), &Ok([0x22]));
                    run.checks.equal("the copy after a store to RAM", &byte(run, copy), &Ok([0x11]));
                    run.shows("registers after a store to RAM", device, &device_pages(0, registers.pages));
                    run.checks.success("restoring RAM", run.user.write(first, &[pattern(0)]));
                });
            });
        });
    });
}
