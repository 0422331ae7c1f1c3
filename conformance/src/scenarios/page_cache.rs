use core::sync::atomic::{AtomicUsize, Ordering};
use std::{format, vec, vec::Vec};

use vmctx::{Errno, PageCount, UserAddr};

use super::run::Run;
use crate::{
    checks::Checks,
    devices::{
        page_cache::{EVICT, GIVEN_UP, PAGES, SHRINK, STORE, SYNC, TRUNCATE, WRITTEN, first},
        pattern,
    },
    mapping::{Slot, compare, device_pages, device_read},
    user::{Map, User},
};

/// How many pages have to be taken away under load, from each cache.
const GIVEN_UP_UNDER_LOAD: u64 = 2000;

pub(crate) fn run<U: User>(mut run: Run<'_, U>) {
    for cache in 0..2 {
        let map = Map::shared(PAGES).at(first(cache));
        let behind = first(cache).checked_add(PageCount::new(PAGES - 1)).unwrap_or_default();
        for map in [map, map.read_only(), Map { shared: false, ..map }] {
            run.mapped(map, |run, at| run.shows(map, at, &device_pages(cache * PAGES, PAGES)));
        }
        let over = Map::shared(2).at(behind);
        run.mapped(over, |run, at| {
            let behind = run.address(at, 1, 0);
            run.shows_page(format!("{over}: behind the end of the cache"), behind, Slot::Nothing);
        });
        run.control("dropping all pages", TRUNCATE, cache as u64, Ok(PAGES as u64));
        written_back(&mut run, map, cache);
        under_load(&mut run, map, cache);
    }
    run.control("a cache that is not there", EVICT, 2, Err(Errno::EINVAL));
}

/// How many pages a request writes to the disk, and how many it gives up or writes back.
fn writes<U: User>(run: &mut Run<'_, U>, what: &str, request: u32, cache: usize, went: u64, written: u64) {
    let before = run.ask("pages written", WRITTEN, 0).unwrap_or_default();
    run.control(what, request, cache as u64, Ok(went));
    run.control(format!("pages written by {what}"), WRITTEN, 0, Ok(before + written));
}

/// What was stored is on the disk when the page has gone, or was written back; what was dropped is not. A cache that is
/// told of stores writes nothing else.
fn written_back<U: User>(run: &mut Run<'_, U>, map: Map, cache: usize) {
    let told = cache == 0;
    let untold = |pages: u64, stored: u64| if told { stored } else { pages };
    let slots = device_pages(cache * PAGES, PAGES);
    let store = |run: &mut Run<'_, U>, at: UserAddr, page: usize, byte: u8| {
        let stored = run.user.write(run.address(at, page, 0), &[byte]);
        run.checks.success(format!("{map}: a store to page {page}"), stored);
    };
    let on_disk = |run: &mut Run<'_, U>, page: usize, offset: usize, wanted: u8| {
        let place = (cache * PAGES + page) * run.user.page_size() + offset;
        let mut byte = [0];
        let read = device_read(run.user, place, &mut byte);
        run.checks.equal(format!("{map}: page {page} on the disk"), &(read, byte), &(Ok(()), [wanted]));
    };
    let begins = pattern((cache * PAGES + 2) * run.user.page_size());
    run.mapped(map, |run, at| {
        run.shows(format!("{map}: loads"), at, &slots);
        store(run, at, 2, begins ^ 1);
        writes(run, "writing back", SYNC, cache, untold(PAGES as u64, 1), untold(PAGES as u64, 1));
        on_disk(run, 2, 0, begins ^ 1);
        store(run, at, 2, begins ^ 2);
        on_disk(run, 2, 0, begins ^ 1);
        if let Some(child) = run.user.fork().and_then(|child| run.checks.success(format!("{map}: fork"), child)) {
            let stored = child.write(run.address(at, 3, 1), &[9]);
            run.checks.success("a child's store", stored);
            writes(run, "evicting a child's pages", EVICT, cache, PAGES as u64, 2);
            on_disk(run, 3, 1, 9);
            let mut byte = [0];
            let read = child.read(run.address(at, 2, 0), &mut byte);
            run.checks.equal("what a child finds", &(read, byte), &(Ok(()), [begins ^ 2]));
            let restored =
                run.user.write(run.address(at, 3, 1), &[pattern((cache * PAGES + 3) * run.user.page_size() + 1)]);
            run.checks.success("a byte as it was", restored);
        }
        store(run, at, 2, begins ^ 4);
        run.ask("evicting", EVICT, cache as u64);
        on_disk(run, 2, 0, begins ^ 4);
        store(run, at, 2, begins ^ 8);
        run.control("dropping a store", TRUNCATE, cache as u64, Ok(1));
        let mut byte = [0];
        let read = run.user.read(run.address(at, 2, 0), &mut byte);
        run.checks.equal("what was dropped", &(read, byte), &(Ok(()), [begins ^ 4]));
        store(run, at, 2, begins);
        // A system call's store is one, too, in either cache.
        run.control("a store by a system call", STORE, (cache * PAGES + 1) as u64, Ok(0));
        writes(run, "evicting a system call's store", EVICT, cache, 2, 2);
        let last = run.user.page_size() - 1;
        on_disk(run, 1, last, 0x5a);
        let place = pattern((cache * PAGES + 1) * run.user.page_size() + last);
        let restored = run.user.write(run.address(at, 1, last), &[place]);
        run.checks.success("the last byte as it was", restored);
        run.shows(format!("{map}: at the end"), at, &slots);
        run.ask("evicting", EVICT, cache as u64);
    });
}

/// All threads store to all pages, each to a word of its own, and take pages away in every way that there is, until
/// enough have gone. Each finds in its words what it has stored last, and around them what is on the disk.
fn under_load<U: User>(run: &mut Run<'_, U>, map: Map, cache: usize) {
    let size = run.user.page_size();
    let before = run.ask("pages given up", GIVEN_UP, 0).unwrap_or_default();
    let enough = before + GIVEN_UP_UNDER_LOAD;
    let rounds: Vec<AtomicUsize> = (0..run.threads.max(1)).map(|_| AtomicUsize::new(0)).collect();
    run.mapped(map, |run, at| {
        run.together(map, |user, thread, checks| {
            let Some(done) = rounds.get(thread) else { return };
            loop {
                let round = done.load(Ordering::Relaxed);
                for page in 0..PAGES {
                    word(user, checks, at, (page, thread), (cache * PAGES + page) * size, round);
                }
                done.store(round + 1, Ordering::Relaxed);
                let request = [SHRINK, SYNC, EVICT].into_iter().nth((round + thread) % 3).unwrap_or(EVICT);
                checks.success(format!("{map}: request {request}"), user.control(request, cache as u64));
                match checks.success("pages given up", user.control(GIVEN_UP, 0)) {
                    Some(given_up) if given_up < enough => {}
                    _ => break,
                }
            }
        });
        run.ask("evicting at the end", EVICT, cache as u64);
        for page in 0..PAGES {
            let start = (cache * PAGES + page) * size;
            let mut wanted: Vec<u8> = (start..start + size).map(pattern).collect();
            for (word, rounds) in wanted.chunks_exact_mut(8).zip(&rounds) {
                word.copy_from_slice(&(rounds.load(Ordering::Relaxed) as u64).to_le_bytes());
            }
            let mut bytes = vec![0; size];
            let what = format!("{map}: page {page} on the disk after all");
            if run.checks.success(&what, device_read(run.user, start, &mut bytes)).is_some() {
                compare(run.checks, what, &bytes, &wanted);
            }
        }
        run.device_fills(cache * PAGES, PAGES);
    });
}

/// A thread looks at its word of a page, and at what follows all words, and stores the next.
fn word<U: User>(
    user: &U,
    checks: &mut Checks,
    at: UserAddr,
    (page, thread): (usize, usize),
    start: usize,
    round: usize,
) {
    let size = user.page_size();
    let mine = at.get() + page * size + 8 * thread;
    let what = format!("page {page}, thread {thread}, round {round}");
    let mut bytes = [0; 8];
    checks.success(&what, user.read(UserAddr::new(mine), &mut bytes));
    let kept = core::array::from_fn(|byte| pattern(start + 8 * thread + byte));
    checks.equal(&what, &bytes, &if round == 0 { kept } else { (round as u64).to_le_bytes() });
    checks.success(&what, user.write(UserAddr::new(mine), &(round as u64 + 1).to_le_bytes()));
    // A byte that nobody stores to.
    let place = size - 1 - (round + thread) % (size / 2);
    let mut byte = [0];
    checks.success(&what, user.read(UserAddr::new(at.get() + page * size + place), &mut byte));
    checks.equal(format!("{what}, byte {place}"), &byte, &[pattern(start + place)]);
}
