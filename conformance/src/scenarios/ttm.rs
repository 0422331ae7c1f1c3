use core::sync::atomic::{AtomicUsize, Ordering};
use std::{format, sync::Barrier, thread};

use vmctx::{Errno, PageOffset, UserAddr, platform::Cache};

use super::run::{Run, begins_as};
use crate::{
    devices::ttm::{MOVE, PAGES, SIGNAL, VRAMS},
    mapping::{Slot, device_pages},
    user::{Map, User},
};
use vmctx_drivers::ttm::PREFAULT;

/// How often the object is moved under its users.
const MOVES: usize = 12;

pub(crate) fn run<U: User>(mut run: Run<'_, U>) {
    let whole = Map::shared(PAGES);
    for (moves, place) in (0..=VRAMS).chain([0]).enumerate() {
        if moves > 0 {
            migrate(&mut run, place);
        }
        let map = if moves % 2 == 0 { whole } else { whole.read_only() };
        run.one(map, &device_pages(0, PAGES), false);
        run.fault_around(whole, 0, PREFAULT);
        run.cached(whole, PREFAULT - 1, if place == 0 { Cache::WriteBack } else { Cache::WriteCombine });
    }
    let mut slots = device_pages(PAGES - 3, 3);
    slots.extend([Slot::Nothing; 2]);
    run.one(Map::shared(slots.len()).at(PageOffset::new(PAGES - 3)), &slots, false);
    run.refused(Map::private(PAGES), Errno::EINVAL);
    run.refused(Map::private(PAGES).read_only(), Errno::EINVAL);
    run.does_not_expand(whole);
    run.control("moving to a place that does not exist", MOVE, VRAMS as u64 + 1, Err(Errno::EINVAL));
    run.control("a signal of nothing", SIGNAL, 0, Err(Errno::ENOENT));

    waits_for_the_card(&mut run, whole);
}

/// Every thread that touches the object while the card moves it waits. Nobody sees the old place, nor the new one
/// before the card has filled it.
fn waits_for_the_card<U: User>(run: &mut Run<'_, U>, map: Map) {
    let threads = run.threads.max(1);
    let (moves, touching, barrier) = (AtomicUsize::new(0), AtomicUsize::new(0), Barrier::new(threads));
    run.mapped(map, |run, at| {
        run.together(map, |user, thread, checks| {
            let size = user.page_size();
            for round in 1..=MOVES {
                if thread == 0 {
                    checks.success(format!("move {round}"), user.control(MOVE, (round % (VRAMS + 1)) as u64));
                    checks.equal("a move of what moves", &user.control(MOVE, 0), &Err(Errno::EBUSY));
                    moves.store(round, Ordering::Release);
                    while touching.load(Ordering::Acquire) < round * (threads - 1) {
                        thread::yield_now();
                    }
                    checks.success(format!("signal {round}"), user.control(SIGNAL, 0));
                } else {
                    while moves.load(Ordering::Acquire) < round {
                        thread::yield_now();
                    }
                    touching.fetch_add(1, Ordering::AcqRel);
                }
                for page in 0..map.pages {
                    let what = format!("{map}: page {page} while the card moves it, {round}");
                    begins_as(user, checks, what, UserAddr::new(at.get() + page * size), Slot::Device(page));
                }
                barrier.wait();
            }
        });
    });
}

fn migrate<U: User>(run: &mut Run<'_, U>, place: usize) {
    let whole = Map::shared(PAGES);
    run.mapped(whole, |run, at| {
        run.shows(format!("{whole}: before a move"), at, &device_pages(0, PAGES));
        run.control(format!("moving to {place}"), MOVE, place as u64, Ok(0));
        run.control("the card has done it", SIGNAL, 0, Ok(0));
        run.shows(format!("{whole}: after the move to {place}"), at, &device_pages(0, PAGES));
    });
}
