use std::{format, vec, vec::Vec};

use vmctx::{PageOffset, UserAddr};

use super::run::Run;
use crate::{
    devices::{
        fb_defio::{FLUSH, NOTED, PAGES},
        pattern,
    },
    mapping::{Slot, compare, device_pages, device_read, device_write},
    user::{Map, User},
};

/// How often each thread stores and flushes.
const ROUNDS: usize = 48;

pub(crate) fn run<U: User>(mut run: Run<'_, U>) {
    let whole = Map::shared(PAGES);
    panel_shows(&mut run, "nothing, at first", &|_| 0);
    run.lazy(whole, &device_pages(0, PAGES));
    let mut slots = device_pages(PAGES - 2, 2);
    slots.push(Slot::Nothing);
    run.lazy(Map::shared(slots.len()).at(PageOffset::new(PAGES - 2)), &slots);
    run.does_not_expand(whole);
    run.control("flushing what was restored", FLUSH, 0, Ok(PAGES as u64));
    panel_shows(&mut run, "what was restored", &pattern);

    shows_what_was_flushed(&mut run, whole);
    tells_every_mapping(&mut run, whole);
    loses_no_store(&mut run, whole);
}

/// Compares every byte of the panel.
fn panel_shows<U: User>(run: &mut Run<'_, U>, what: &str, byte: &dyn Fn(usize) -> u8) {
    let bytes = PAGES * run.user.page_size();
    let mut shown = vec![0; bytes];
    let read = device_read(run.user, bytes, &mut shown);
    if run.checks.success(format!("the panel: {what}"), read).is_some() {
        let wanted: Vec<u8> = (0..bytes).map(byte).collect();
        compare(run.checks, format!("the panel: {what}"), &shown, &wanted);
    }
}

fn store<U: User>(run: &mut Run<'_, U>, at: UserAddr, page: usize, offset: usize, byte: u8) {
    let stored = run.user.write(run.address(at, page, offset), &[byte]);
    run.checks.success(format!("a store to page {page}"), stored);
}

fn noted<U: User>(run: &mut Run<'_, U>, what: &str, pages: u64) {
    run.control(format!("pages noted after {what}"), NOTED, 0, Ok(pages));
}

fn flush<U: User>(run: &mut Run<'_, U>, what: &str, pages: u64) {
    run.control(format!("flushing {what}"), FLUSH, 0, Ok(pages));
}

/// A flush brings to the panel what was stored until then. The driver is told of the first store to a page, and of no
/// load.
fn shows_what_was_flushed<U: User>(run: &mut Run<'_, U>, map: Map) {
    let size = run.user.page_size();
    let with = |stored: &'static [(usize, usize, u8)]| {
        move |byte: usize| {
            let here = stored.iter().rev().find(|(page, offset, _)| page * size + offset == byte);
            here.map_or_else(|| pattern(byte), |(_, _, byte)| *byte)
        }
    };
    run.mapped(map, |run, at| {
        run.shows(format!("{map}: loads"), at, &device_pages(0, PAGES));
        noted(run, "loads", 0);
        flush(run, "nothing", 0);

        store(run, at, 2, 0, 1);
        store(run, at, 2, 1, 2);
        store(run, at, 5, 9, 3);
        noted(run, "stores to two pages", 2);
        panel_shows(run, "stores before a flush", &pattern);
        flush(run, "two pages", 2);
        panel_shows(run, "two pages", &with(&[(2, 0, 1), (2, 1, 2), (5, 9, 3)]));
        noted(run, "a flush", 0);

        // The same page again: stored to at once after a flush, and after a flush and a load.
        store(run, at, 2, 0, 4);
        noted(run, "a store behind a flush", 1);
        flush(run, "one page", 1);
        run.checks.success("a load", run.user.read(run.address(at, 2, 0), &mut [0]));
        noted(run, "a load behind a flush", 0);
        store(run, at, 2, 1, 5);
        flush(run, "a store behind a load", 1);
        panel_shows(run, "stores between flushes", &with(&[(2, 0, 4), (2, 1, 5), (5, 9, 3)]));
        // A page that was not loaded before: its first touch is a store.
        store(run, at, 7, 0, 6);
    });
    // What was stored through a mapping that has gone is shown as well; what was stored to a private copy is not.
    flush(run, "what somebody has left", 1);
    panel_shows(run, "what somebody has left", &with(&[(2, 0, 4), (2, 1, 5), (5, 9, 3), (7, 0, 6)]));
    let private = Map { shared: false, ..map };
    run.mapped(private, |run, at| {
        store(run, at, 1, 0, 7);
        flush(run, "a private store", 0);
        let mut byte = [0];
        run.checks.success("a private load", run.user.read(run.address(at, 1, 0), &mut byte));
        run.checks.equal("a private copy stays", &byte, &[7]);
    });
    for (page, offset) in [(2, 0), (2, 1), (5, 9), (7, 0)] {
        let place = page * size + offset;
        run.checks.success("drawing", device_write(run.user, place, &[pattern(place)]));
    }
    flush(run, "what the device has drawn", 3);
    panel_shows(run, "what the device has drawn", &pattern);
}

/// Each mapping of a page is told of its own first store: two in a process, and that of a child.
fn tells_every_mapping<U: User>(run: &mut Run<'_, U>, map: Map) {
    let half = Map::shared(2).at(PageOffset::new(3));
    let old = pattern(3 * run.user.page_size());
    run.mapped(map, |run, whole| {
        run.mapped(half, |run, part| {
            for byte in [1, 2] {
                store(run, whole, 3, 0, byte);
                store(run, part, 0, 0, byte + 10);
                flush(run, "a page of two mappings", 1);
                store(run, part, 0, 0, byte + 20);
                flush(run, "a page of the second mapping", 1);
            }
            if let Some(child) = run.user.fork().and_then(|child| run.checks.success("fork", child)) {
                for byte in [3, 4] {
                    let stored = child.write(run.address(part, 0, 0), &[byte]);
                    run.checks.success("a child's store", stored);
                    flush(run, "a child's page", 1);
                }
            }
            store(run, whole, 3, 0, old);
            flush(run, "the old byte", 1);
        });
    });
    panel_shows(run, "after many mappings", &pattern);
}

/// All threads store to all pages, each to a byte of its own, and flush: what a thread has stored before its flush is
/// on the panel after it, whoever else was flushing.
fn loses_no_store<U: User>(run: &mut Run<'_, U>, map: Map) {
    let size = run.user.page_size();
    run.mapped(map, |run, at| {
        run.together(map, |user, thread, checks| {
            for round in 0..ROUNDS {
                let place = round % PAGES * size + thread;
                let [byte, ..] = (round + 1).to_le_bytes();
                let what = format!("thread {thread}'s store to page {}, round {round}", round % PAGES);
                checks.success(&what, user.write(UserAddr::new(at.get() + place), &[byte]));
                checks.success("a flush", user.control(FLUSH, 0));
                let mut shown = [0];
                let read = device_read(user, PAGES * size + place, &mut shown);
                checks.equal(format!("{what}, on the panel"), &read.map(|()| shown), &Ok([byte]));
            }
        });
        flush(run, "when all have flushed", 0);
    });
}
