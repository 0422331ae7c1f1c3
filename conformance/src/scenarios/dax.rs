use std::{format, vec, vec::Vec};

use vmctx::{PageOffset, UserAddr};

use super::run::Run;
use crate::{
    devices::dax::{BLOCKS, BLOCKS_IN_USE, DIRTY, ENTRIES, EXTENTS, HUGE_DIRTY, HUGE_FILLED, HUGE_PAGES, SYNC},
    mapping::Slot,
    user::{Map, User},
};

/// How often each thread stores when all do.
const ROUNDS: usize = 40;

pub(crate) fn run<U: User>(mut run: Run<'_, U>) {
    let pages = EXTENTS.len();
    let holes = EXTENTS.iter().filter(|extent| extent.is_none()).count();
    let mapped = pages - holes;
    let slots: Vec<Slot> =
        EXTENTS.iter().map(|extent| extent.map_or(Slot::Zeros, |block| Slot::Device(block.index()))).collect();

    // A private mapping allocates nothing, whatever is read and written.
    for map in [Map::private(pages), Map::private(pages).read_only()] {
        run.one(map, &slots, false);
    }
    run.control("pages that private stores made dirty", DIRTY, 0, Ok(0));
    run.control("blocks after private mappings", BLOCKS_IN_USE, 0, Ok(mapped as u64));
    entries(&mut run, "entries after munmap", 0);

    // All threads meet at the same holes: as many of them, from the start on, as there are free blocks.
    let short = BLOCKS - mapped;
    let enough = slots
        .iter()
        .scan(0, |found, slot| {
            *found += usize::from(*slot == Slot::Zeros);
            Some(*found)
        })
        .take_while(|found| *found <= short)
        .count();
    let (with_blocks, without): (Vec<Slot>, Vec<Slot>) =
        (slots.iter().take(enough).copied().collect(), slots.iter().skip(enough).map(|_| Slot::Nothing).collect());
    for map in [Map::shared(enough).read_only(), Map::shared(enough)] {
        run.one(map, &with_blocks, false);
        run.control("blocks after a race for holes", BLOCKS_IN_USE, 0, Ok(BLOCKS as u64));
        entries(&mut run, "entries after munmap", 0);
    }
    counts_entries(&mut run, Map::shared(enough));
    knows_what_is_dirty(&mut run, Map::shared(enough));
    misses_no_store(&mut run, Map::shared(enough));

    // All blocks are in use: the holes that are left cannot be touched.
    let full = Map::shared(without.len()).at(PageOffset::new(enough));
    for map in [full, full.read_only()] {
        run.one(map, &without, false);
    }
    // Nothing is behind the file's end.
    run.lazy(Map::shared(2).at(PageOffset::new(pages)), &[Slot::Nothing; 2]);
    if let Ok(pages) = run.user.control(HUGE_PAGES, 0) {
        let pages = usize::try_from(pages).unwrap_or(usize::MAX);
        huge(&mut run, Map::shared(pages).at(PageOffset::new(pages)));
    }
}

fn dirty<U: User>(run: &mut Run<'_, U>, what: &str, pages: u64) {
    run.control(format!("dirty pages after {what}"), DIRTY, 0, Ok(pages));
}

fn sync<U: User>(run: &mut Run<'_, U>, what: &str, pages: u64) {
    run.control(format!("syncing {what}"), SYNC, 0, Ok(pages));
}

/// The driver is told of the first store to a page, whether it was read before or not, and again after each sync.
fn knows_what_is_dirty<U: User>(run: &mut Run<'_, U>, map: Map) {
    run.checks.success("syncing", run.user.control(SYNC, 0));
    run.mapped(map, |run, at| {
        let mut old = vec![0; map.pages * run.user.page_size()];
        run.checks.success(format!("{map}: loads"), run.user.read(at, &mut old));
        dirty(run, "loads", 0);
        for turn in 0..2 {
            for page in [2, 4, 4] {
                let address = run.address(at, page, 0);
                let start = page * run.user.page_size();
                let stored = run.user.write(address, old.get(start..=start).unwrap_or_default());
                run.checks.success(format!("a store to page {page}, turn {turn}"), stored);
            }
            dirty(run, "stores to two pages", 2);
            sync(run, "two pages", 2);
            dirty(run, "a sync", 0);
        }
        // Another mapping of the same page, whose first touch is a store.
        run.mapped(Map::shared(1), |run, beside| {
            let stored = run.user.write(beside, old.get(..1).unwrap_or_default());
            run.checks.success("a store beside", stored);
            dirty(run, "a first touch that is a store", 1);
        });
        sync(run, "what is not mapped any more", 1);
        let mut now = vec![0; old.len()];
        run.checks.success(format!("{map}: loads again"), run.user.read(at, &mut now));
        run.checks.equal(format!("{map}: what was stored is what was there"), &(now == old), &true);
        dirty(run, "loads behind a sync", 0);
    });
}

/// All threads store and sync: what a thread has stored is dirty until somebody has synced it.
fn misses_no_store<U: User>(run: &mut Run<'_, U>, map: Map) {
    let size = run.user.page_size();
    run.mapped(map, |run, at| {
        run.together(map, |user, thread, checks| {
            for round in 0..ROUNDS {
                let address = UserAddr::new(at.get() + round % map.pages * size + thread);
                let mut byte = [0];
                checks.success("a load", user.read(address, &mut byte));
                checks.success("a store", user.write(address, &byte));
                if thread == 0 {
                    checks.success("a sync", user.control(SYNC, 0));
                    // Nobody else syncs, so this is still dirty afterwards.
                    checks.success("a store", user.write(address, &byte));
                    let dirty = user.control(DIRTY, 0);
                    checks.equal("whether a store is known", &dirty.is_ok_and(|pages| pages > 0), &true);
                }
            }
        });
        run.checks.success("the last sync", run.user.control(SYNC, 0));
        dirty(run, "all stores and a sync", 0);
        for page in 0..map.pages {
            let address = run.address(at, page, 0);
            let mut byte = [0];
            run.checks.success("a load", run.user.read(address, &mut byte));
            run.checks.success("a store", run.user.write(address, &byte));
        }
        sync(run, "every page", map.pages as u64);
    });
}

/// A file whose blocks lie together on the device is mapped by one huge entry, as long as it is only read. The driver
/// is told of stores page by page.
fn huge<U: User>(run: &mut Run<'_, U>, map: Map) {
    let size = run.user.page_size();
    let shown = |run: &mut Run<'_, U>, what: &str, at: UserAddr, before: usize| {
        for page in HUGE_FILLED.into_iter().filter(|page| *page >= before) {
            let address = run.address(at, page - before, 0);
            run.shows_page(format!("{map}: page {page}, {what}"), address, Slot::Device(BLOCKS + page));
        }
    };
    for map in [map, map.read_only(), Map { shared: false, ..map }] {
        run.mapped(map, |run, at| {
            let before = run.user.counters();
            shown(run, "by a huge entry", at, 0);
            if let (Some(before), Some(after), Some(_)) = (before, run.user.counters(), run.user.is_huge(at)) {
                let small = after.inserted.saturating_sub(before.inserted);
                let aligned = at.get() % (map.pages * size) == 0;
                run.checks.equal(format!("{map}: whether there were small entries"), &(small == 0), &aligned);
            }
            run.control("dirty pages of the huge file", HUGE_DIRTY, 0, Ok(0));
        });
    }
    let part = Map { pages: map.pages - 1, ..map }.at(PageOffset::new(map.pgoff.index() + 1));
    run.mapped(part, |run, at| shown(run, "in part", at, 1));
    run.mapped(map, |run, at| {
        shown(run, "before a store", at, 0);
        let address = run.address(at, 255, 0);
        let mut byte = [0];
        run.checks.success("a load", run.user.read(address, &mut byte));
        for _ in 0..2 {
            run.checks.success("a store where a huge entry is", run.user.write(address, &byte));
        }
        run.control("dirty pages of the huge file, stored to", HUGE_DIRTY, 0, Ok(1));
        shown(run, "after a store", at, 0);
    });
}

/// The driver counts no insertion that found an entry in place: it has as many entries as pages, though all threads
/// touch each.
fn counts_entries<U: User>(run: &mut Run<'_, U>, map: Map) {
    run.mapped(map, |run, at| {
        let bytes = map.pages.saturating_mul(run.user.page_size());
        run.together(map, |user, _, checks| {
            checks.success(format!("{map}: a load among many"), user.read(at, &mut vec![0; bytes]));
        });
        run.settled(map);
        entries(run, "entries after a race for the same pages", map.pages);
    });
    entries(run, "entries after munmap", 0);
}

fn entries<U: User>(run: &mut Run<'_, U>, what: &str, wanted: usize) {
    if run.user.tells_present_frames() {
        run.control(what, ENTRIES, 0, Ok(wanted as u64));
    }
}
