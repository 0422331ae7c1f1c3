use std::{format, vec, vec::Vec};

use vmctx::{Errno, PageOffset};

use super::run::Run;
use crate::{
    devices::{
        cramfs::{FILE, Made, SHRINK, TAIL},
        pattern,
    },
    mapping::{Slot, compare},
    user::{Map, User},
};

pub(crate) fn run<U: User>(mut run: Run<'_, U>) {
    // All pages but the last, which the file does not fill.
    let whole = FILE.len() - 1;
    let slots: Vec<Slot> = FILE
        .iter()
        .take(whole)
        .map(|made| match *made {
            Made::Direct(page) | Made::Packed(page) => Slot::Device(page),
            Made::Hole => Slot::Zeros,
        })
        .collect();
    // Each with the number of pages, from its first on, that are in place in the image: all of them, some, or none.
    for (first, pages, in_place) in
        [(0, 4, 4), (1, 2, 2), (6, 2, 2), (0, 5, 4), (2, 7, 2), (0, whole, 4), (4, 5, 0), (5, 1, 0)]
    {
        let map = Map::shared(pages).at(PageOffset::new(first)).read_only();
        let slots = slots.get(first..first + pages).unwrap_or_default();
        for map in [map, Map { shared: false, ..map }] {
            run.one(map, slots, in_place == pages);
            faults(&mut run, map, slots, pages - in_place);
        }
        // A private mapping that can be written is filled by faults, with pages that can be copied.
        let writable = Map { shared: false, writable: true, ..map };
        run.one(writable, slots, false);
        run.refused(Map { shared: true, ..writable }, Errno::EINVAL);
    }
    let last = Map::shared(1).at(PageOffset::new(whole)).read_only();
    for map in [last, Map { shared: false, ..last }, Map { shared: false, writable: true, ..last }] {
        ends_in_zeros(&mut run, map, 0);
    }
    let behind = Map::shared(3).at(PageOffset::new(whole - 1)).read_only();
    ends_in_zeros(&mut run, behind, 1);
    run.mapped(behind, |run, at| {
        let behind = run.address(at, 2, 0);
        run.shows_page("behind the end of the file", behind, Slot::Nothing);
    });
    run.one(Map::shared(1).at(PageOffset::new(FILE.len())).read_only(), &[Slot::Nothing], false);
    let unpacked = Map::shared(2).at(PageOffset::new(4)).read_only();
    shrunk(&mut run, unpacked, slots.get(4..6).unwrap_or_default());
}

/// Unpacked pages are given up while they are mapped: that mapping and later ones have them unpacked anew.
fn shrunk<U: User>(run: &mut Run<'_, U>, map: Map, slots: &[Slot]) {
    run.ask("shrinking the page cache", SHRINK, 0);
    run.control("shrinking an empty page cache", SHRINK, 0, Ok(0));
    run.mapped(map, |run, at| {
        run.shows(map, at, slots);
        run.control("shrinking under a mapping", SHRINK, 0, Ok(map.pages as u64));
        run.shows(format!("{map}: shrunk"), at, slots);
        run.mapped(map, |run, at| run.shows(format!("{map}: unpacked anew"), at, slots));
        run.control("shrinking again", SHRINK, 0, Ok(map.pages as u64));
    });
}

/// Pages that are in place take no fault, and each of the others takes one.
fn faults<U: User>(run: &mut Run<'_, U>, map: Map, slots: &[Slot], wanted: usize) {
    run.mapped(map, |run, at| {
        let before = run.user.counters();
        run.shows(map, at, slots);
        if let (Some(before), Some(after)) = (before, run.user.counters()) {
            let what = format!("{map}: faults for what is not in place");
            run.checks.equal(what, &after.faults.saturating_sub(before.faults), &(wanted as u64));
        }
    });
}

/// The last page of the file shows nothing of the file that follows it in the image.
fn ends_in_zeros<U: User>(run: &mut Run<'_, U>, map: Map, page: usize) {
    let (size, last) = (run.user.page_size(), FILE.last());
    let Some(Made::Direct(shown)) = last else {
        return run.checks.verdict(Some("the last page is not in place".into()));
    };
    let wanted: Vec<u8> = (0..size).map(|byte| if byte < TAIL { pattern(shown * size + byte) } else { 0 }).collect();
    run.mapped(map, |run, at| {
        let mut bytes = vec![0; size];
        let what = format!("{map}: the last page of the file");
        if run.checks.success(&what, run.user.read(run.address(at, page, 0), &mut bytes)).is_some() {
            compare(run.checks, what, &bytes, &wanted);
        }
    });
}
