use std::{format, vec::Vec};

use vmctx::{Errno, PageOffset};

use super::run::Run;
use crate::{
    devices::nonlinear::{PAGES, REMAP, SLOTS, place},
    mapping::{Slot, device_pages},
    user::{Map, User},
};

/// How often the table is changed under its readers.
const ROUNDS: usize = 24;

pub(crate) fn run<U: User>(mut run: Run<'_, U>) {
    // At first slot i shows page i, and slots behind the end of the file show nothing.
    let mut slots = device_pages(0, PAGES);
    slots.resize(SLOTS + 1, Slot::Nothing);
    for map in [Map::shared(slots.len()), Map::shared(slots.len()).read_only()] {
        run.one(map, &slots, false);
    }
    run.refused(Map::private(SLOTS), Errno::EINVAL);
    run.refused(Map::private(SLOTS).read_only(), Errno::EINVAL);

    remapped(&mut run);
    // Every slot shows another page in every round.
    let page = |slot: usize, round: usize| (slot + 3 * round) % PAGES;
    run.changes(
        Map::shared(SLOTS),
        ROUNDS,
        |user, round, checks| {
            for slot in 0..SLOTS {
                let what = place(slot, 1, page(slot, round));
                checks.success(format!("slot {slot} in round {round}"), user.control(REMAP, what));
            }
        },
        |round| (0..SLOTS).map(|slot| Slot::Device(page(slot, round))).collect(),
    );

    for (what, argument, errno) in [
        ("no slots", place(0, 0, 0), Errno::EINVAL),
        ("one slot too many", place(0, SLOTS + 1, 0), Errno::EINVAL),
        ("a slot behind the window", place(SLOTS, 1, 0), Errno::EINVAL),
    ] {
        run.control(what, REMAP, argument, Err(errno));
    }
    // Slots keep the pages that they show, so who counts them finds as many as before.
    run.control("linear again", REMAP, place(0, SLOTS, 0), Ok(0));
}

/// Slots are out of order, two of them show the same page, and some show none. Mappings that showed the old pages,
/// those of a child too, show the new ones.
fn remapped<U: User>(run: &mut Run<'_, U>) {
    let map = Map::shared(SLOTS);
    run.mapped(map, |run, at| {
        let mut slots = device_pages(0, PAGES);
        slots.resize(SLOTS, Slot::Nothing);
        run.shows(format!("{map}: linear"), at, &slots);
        let child = run.user.fork().and_then(|child| run.checks.success(format!("{map}: fork"), child));
        for (slot, count, page) in [(0, 4, 3), (4, 1, 0), (5, 2, 6), (8, 4, 6), (7, 1, 1 << 20)] {
            run.control(format!("remapping slot {slot}"), REMAP, place(slot, count, page), Ok(0));
        }
        let [gone, none] = [Slot::Nothing; 2];
        let slots = [3, 4, 5, 6, 0, 6, 7].map(Slot::Device).into_iter().chain([gone]).chain([6, 7].map(Slot::Device));
        let slots: Vec<Slot> = slots.chain([none; 2]).collect();
        run.shows(format!("{map}: nonlinear"), at, &slots);
        if let Some(child) = &child {
            let mut run = Run { user: child, threads: run.threads, checks: &mut *run.checks };
            run.shows(format!("{map}: nonlinear, in a child"), at, &slots);
        }
        // The table belongs to the file, so new mappings show the same.
        for map in [map, map.read_only()] {
            run.one(map, &slots, false);
        }
        let inner = Map::shared(3).at(PageOffset::new(4));
        run.one(inner, slots.get(4..7).unwrap_or_default(), false);
    });
}
