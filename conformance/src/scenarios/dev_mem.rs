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
