use std::{format, vec::Vec};

use vmctx::{Errno, PageOffset};

use super::run::Run;
use crate::{
    devices::nopage::{EXTEND, MEMORY, PAGES, TRUNCATE, place},
    mapping::{Slot, device_pages},
    user::{Map, User},
};

/// How often the file is truncated under its users.
const ROUNDS: usize = 20;

pub(crate) fn run<U: User>(mut run: Run<'_, U>) {
    run.lazy(Map::shared(PAGES), &device_pages(0, PAGES));
    let mut slots = device_pages(PAGES - 2, 2);
    slots.extend([Slot::Nothing; 2]);
    run.lazy(Map::shared(4).at(PageOffset::new(PAGES - 2)), &slots);

    truncated(&mut run);
    truncated_under_touch(&mut run);
    run.control("truncating where nothing is", TRUNCATE, PAGES as u64, Err(Errno::ENOENT));
    run.control("a page behind the greatest length", EXTEND, place(PAGES, 0), Err(Errno::EFBIG));
    run.control("a page where one is", EXTEND, place(0, 0), Err(Errno::EEXIST));
}

/// A page that is truncated goes from every mapping, in children too; one that comes back is seen there.
fn truncated<U: User>(run: &mut Run<'_, U>) {
    let map = Map::shared(PAGES);
    run.mapped(map, |run, at| {
        run.shows(map, at, &device_pages(0, PAGES));
        let child = run.user.fork().and_then(|child| run.checks.success(format!("{map}: fork"), child));
        for page in PAGES / 2..PAGES {
            run.control("truncating", TRUNCATE, page as u64, Ok(0));
        }
        let mut slots = device_pages(0, PAGES / 2);
        slots.extend([Slot::Nothing; PAGES - PAGES / 2]);
        run.shows(format!("{map}: truncated"), at, &slots);
        if let Some(child) = &child {
            let mut run = Run { user: child, threads: run.threads, checks: &mut *run.checks };
            run.shows(format!("{map}: truncated, in a child"), at, &slots);
        }
        run.lazy(map, &slots);
        for page in PAGES / 2..PAGES {
            run.control("extending", EXTEND, place(page, page), Ok(0));
        }
        run.shows(format!("{map}: extended"), at, &device_pages(0, PAGES));
        for page in 0..PAGES {
            if let Some(before) = run.user.references(page) {
                run.control("truncating", TRUNCATE, page as u64, Ok(0));
                let after = run.user.references(page);
                run.checks.equal(format!("references of page {page} without file and mappings"), &after, &Some(1));
                run.control("extending", EXTEND, place(page, page), Ok(0));
                run.checks
                    .verdict((before < 2).then(|| format!("page {page} was in the file with {before} references")));
            }
        }
    });
}

/// Nobody keeps a page that has left the file, however close the touch was to the truncation.
fn truncated_under_touch<U: User>(run: &mut Run<'_, U>) {
    // In odd rounds the file is made of the second half of the device's memory.
    let first = |round: usize| if round % 2 == 1 { MEMORY - PAGES } else { 0 };
    run.changes(
        Map::shared(PAGES),
        ROUNDS,
        |user, round, checks| {
            for page in 0..PAGES {
                let what = format!("page {page} in round {round}");
                // Every fourth page stays out of the file until the last round.
                if page % 4 != 0 || round == 1 {
                    checks.success(&what, user.control(TRUNCATE, page as u64));
                }
                if page % 4 != 0 || round == ROUNDS {
                    checks.success(what, user.control(EXTEND, place(page, first(round) + page)));
                }
            }
        },
        |round| {
            let stays_away = |page: usize| page % 4 == 0 && round != ROUNDS;
            let shown = |page| if stays_away(page) { Slot::Nothing } else { Slot::Device(first(round) + page) };
            let slots: Vec<Slot> = (0..PAGES).map(shown).collect();
            slots
        },
    );
}
