use std::{format, vec::Vec};

use vmctx::{Errno, PageOffset, platform::Cache};

use super::run::Run;
use crate::{
    devices::xive::{SOURCES, TIMA_OS},
    mapping::Slot,
    user::{Map, User},
};
use vmctx_drivers::xive;

pub(crate) fn run<U: User>(mut run: Run<'_, U>) {
    let os = TIMA_OS.index();
    let tima = Map::shared(xive::TIMA_PAGES.get()).at(xive::TIMA);
    let slots = [Slot::Nothing, Slot::Nothing, Slot::Device(os), Slot::Nothing];
    for map in [tima, tima.read_only()] {
        run.one(map, &slots, false);
    }
    run.cached(tima, 2, Cache::Noncached);

    let slots: Vec<Slot> = SOURCES
        .iter()
        .flat_map(|source| match source {
            Some(source) => [source.trigger, source.eoi].map(|page| Slot::Device(page.index())),
            None => [Slot::Nothing; 2],
        })
        .collect();
    let esb = Map::shared(slots.len()).at(xive::ESB);
    for map in [esb, esb.read_only()] {
        run.one(map, &slots, false);
    }
    run.cached(esb, 0, Cache::WriteCombine);
    without_its_front(&mut run, esb, &slots);

    run.refused(Map { pages: tima.pages + 1, ..tima }, Errno::EINVAL);
    run.refused(Map { pages: esb.pages + 1, ..esb }, Errno::EINVAL);
    run.refused(Map::shared(1).at(PageOffset::new(1)), Errno::EINVAL);
    // Private mappings, of which Linux would say BUG at the first insertion of a frame.
    for map in [tima, esb] {
        let private = Map { shared: false, ..map };
        run.refused(private, Errno::EINVAL);
        run.refused(private.read_only(), Errno::EINVAL);
    }
}

/// Pages keep their offsets when munmap has cut off what lay before them.
fn without_its_front<U: User>(run: &mut Run<'_, U>, map: Map, slots: &[Slot]) {
    let Some(at) = run.checks.success(format!("mmap of {map}"), run.user.map(map)) else { return };
    run.checks.success(format!("{map}: munmap of its first page"), run.user.unmap(at, 1));
    let rest = run.address(at, 1, 0);
    run.shows(format!("{map}: without its first page"), rest, slots.get(1..).unwrap_or_default());
    run.checks.success(format!("{map}: munmap"), run.user.unmap(rest, map.pages.saturating_sub(1)));
}
