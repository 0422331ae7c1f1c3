use std::{format, vec::Vec};

use vmctx::{Errno, PageOffset};

use super::run::Run;
use crate::{
    devices::vvar::{JOIN, LAYOUT, NAMESPACES, USE_HVCLOCK, USE_PVCLOCK},
    mapping::Slot,
    user::{Map, User},
};
use vmctx_drivers::vvar::{SLOTS, TIMENS};

/// How often another namespace is joined under the readers of the time.
const ROUNDS: usize = 24;

pub(crate) fn run<U: User>(mut run: Run<'_, U>) {
    let whole = Map::shared(SLOTS.get()).read_only();
    let clocks = Slot::Device(LAYOUT.clocks.index());
    let mut slots = [clocks, Slot::Nothing, Slot::Nothing, Slot::Nothing];
    both(&mut run, whole, &slots);
    run.refused(Map::shared(1), Errno::EPERM);
    run.refused(Map::private(1), Errno::EPERM);

    // In a namespace the clocks are elsewhere, and one fault brings both.
    for (index, page) in NAMESPACES.iter().enumerate() {
        join(&mut run, index + 1);
        slots = [Slot::Device(page.index()), Slot::Nothing, Slot::Nothing, clocks];
        both(&mut run, whole, &slots);
        two_in_one_fault(&mut run, whole, &slots);
        without_its_neighbour(&mut run, whole, &slots);
    }
    run.control("joining a namespace that does not exist", JOIN, NAMESPACES.len() as u64 + 1, Err(Errno::EINVAL));

    // A clock is there once it is used.
    for (request, slot, page) in [(USE_HVCLOCK, 2, LAYOUT.hvclock), (USE_PVCLOCK, 1, LAYOUT.pvclock)] {
        run.mapped(whole, |run, at| {
            run.shows("before a clock is used", at, &slots);
            run.control("using a clock", request, 0, Ok(0));
            if let Some(slot) = slots.get_mut(slot) {
                *slot = Slot::Device(page.index());
            }
            run.shows("after a clock is used", at, &slots);
        });
        both(&mut run, whole, &slots);
    }
    let mut behind = slots.get(2..).unwrap_or_default().to_vec();
    behind.push(Slot::Nothing);
    run.one(Map::shared(behind.len()).read_only().at(PageOffset::new(2)), &behind, false);

    joined_under_touch(&mut run, whole);
}

fn both<U: User>(run: &mut Run<'_, U>, map: Map, slots: &[Slot]) {
    for map in [map, Map { shared: false, ..map }] {
        run.one(map, slots, false);
    }
}

fn join<U: User>(run: &mut Run<'_, U>, namespace: usize) {
    run.control(format!("joining namespace {namespace}"), JOIN, namespace as u64, Ok(0));
}

fn two_in_one_fault<U: User>(run: &mut Run<'_, U>, map: Map, slots: &[Slot; 4]) {
    let [first, .., neighbour] = *slots;
    run.mapped(map, |run, at| {
        let before = run.user.counters();
        run.shows_page("the namespace's page", at, first);
        let second = run.address(at, TIMENS.index(), 0);
        run.shows_page("the clocks after it", second, neighbour);
        if let (Some(before), Some(after)) = (before, run.user.counters()) {
            run.checks.equal("faults for two slots", &after.faults.saturating_sub(before.faults), &1);
        }
        // Outside a namespace the clocks are in the first slot, and the last one shows nothing.
        join(run, 0);
        run.shows_page("the clocks, outside a namespace", at, Slot::Device(LAYOUT.clocks.index()));
        run.shows_page("nothing where they were", second, Slot::Nothing);
    });
    let number = NAMESPACES.iter().position(|page| Slot::Device(page.index()) == first);
    join(run, number.map_or(0, |index| index + 1));
}

/// A fault is served also if the neighbour that it would bring is not mapped.
fn without_its_neighbour<U: User>(run: &mut Run<'_, U>, map: Map, slots: &[Slot; 4]) {
    let Some(at) = run.checks.success(format!("mmap of {map}"), run.user.map(map)) else { return };
    let neighbour = run.address(at, TIMENS.index(), 0);
    run.checks.success("munmap of the neighbour", run.user.unmap(neighbour, 1));
    run.shows(format!("{map}: without its last page"), at, slots.get(..3).unwrap_or_default());
    run.checks.success(format!("{map}: munmap"), run.user.unmap(at, TIMENS.index()));
    run.one(Map { pages: 1, ..map }, slots.get(..1).unwrap_or_default(), false);
}

/// Both slots change together, and no thread keeps an old page.
fn joined_under_touch<U: User>(run: &mut Run<'_, U>, map: Map) {
    let of_round = |round: usize| round % (NAMESPACES.len() + 1);
    let clocks = Slot::Device(LAYOUT.clocks.index());
    run.changes(
        map,
        ROUNDS,
        |user, round, checks| {
            checks.success(format!("joining in round {round}"), user.control(JOIN, of_round(round) as u64));
        },
        |round| {
            let namespace = of_round(round).checked_sub(1).and_then(|index| NAMESPACES.get(index));
            let (first, last) = match namespace {
                Some(page) => (Slot::Device(page.index()), clocks),
                None => (clocks, Slot::Nothing),
            };
            let others = [LAYOUT.pvclock, LAYOUT.hvclock].map(|page| Slot::Device(page.index()));
            let slots: Vec<Slot> = [first].into_iter().chain(others).chain([last]).collect();
            slots
        },
    );
}
