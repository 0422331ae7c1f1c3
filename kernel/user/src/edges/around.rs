//! A load that brings its neighbours, and a fault that does so.

use vmctx::UserAddr;
use vmctx_conformance::{
    Checks, devices,
    user::{Map, Refusal, User},
};

use super::{
    access::{open, page, touch},
    requests::{ALREADY_PRESENT, AROUND, FAULTS, SWITCH},
};
use crate::calls::PAGE;
use std::thread;

/// Two page tables and a little more.
const PAGES: usize = 2 * TABLE + 16;
/// How many pages the core asks for at most, aligned to that number (`fault_around_bytes`).
const WINDOW: usize = (64 << 10) / PAGE;
/// How many pages one page table maps.
const TABLE: usize = PAGE / 8;
/// Aligned, so that it is known where page tables begin.
const PLACE: UserAddr = UserAddr::new(0x2000_0000_0000);

/// One call fills sixteen slots, where there is a page table.
pub(super) fn fills_the_window(checks: &mut Checks) -> Result<(), Refusal> {
    let process = open("around")?;
    let at = process.map_at(Map::shared(PAGES), PLACE)?;
    let mut calls = (0, 0);
    let mut load = |pages: std::ops::Range<usize>, around: u64, faults: u64| {
        for number in pages.clone() {
            let byte = touch(&process, page(at, number));
            checks.equal(format!("page {number}"), &byte, &Ok(devices::pattern(number * PAGE)));
        }
        calls = (calls.0 + around, calls.1 + faults);
        let got = (process.number(AROUND, 0)?, process.number(FAULTS, 0)?);
        checks.equal(format!("calls of map_pages and fault after pages {pages:?}"), &got, &calls);
        Ok::<(), Refusal>(())
    };
    // The page table comes with the first fault.
    load(0..1, 1, 1)?;
    load(WINDOW + WINDOW / 4..WINDOW + WINDOW / 4 + 1, 1, 0)?;
    load(WINDOW..2 * WINDOW, 0, 0)?;
    load(1..WINDOW, 1, 0)?;
    // The window ends with the page table; behind it there is none yet.
    load(TABLE - 1..TABLE, 1, 0)?;
    load(TABLE..TABLE + 1, 1, 1)?;
    load(TABLE + 1..TABLE + WINDOW, 1, 0)?;
    // The driver also offers pages that nobody asked for, far away: none of them was mapped.
    load(PAGES - 1..PAGES, 1, 1)?;
    load(PAGES - WINDOW..PAGES, 1, 0)?;
    // For a store `map_pages` is not called.
    let stored = page(at, 100);
    checks.success("a store", process.write(stored, &[1]));
    checks.equal("calls after a store", &process.number(AROUND, 0)?, &calls.0);
    checks.equal("faults after a store", &process.number(FAULTS, 0)?, &(calls.1 + 1));
    process.unmap(at, PAGES)
}

/// A fault under the VMA lock, because there is a `map_pages`, fills a window of 16 slots that needs two new page
/// tables, or passes over what is in some of them: at the beginning, in the middle and at the end of either side.
pub(super) fn a_window_in_a_fault(checks: &mut Checks) -> Result<(), Refusal> {
    let process = open("around")?;
    let at = process.map_at(Map::shared(PAGES), PLACE)?;
    let counts = || {
        Ok::<_, Refusal>([process.number(FAULTS, 0)?, process.number(AROUND, 0)?, process.number(ALREADY_PRESENT, 0)?])
    };
    let store = |checks: &mut Checks, number: usize| {
        let same = devices::pattern(number * PAGE);
        checks.success(format!("a store to page {number}"), process.write(page(at, number), &[same]));
    };
    let mut expected = [0; 3];
    for filled in [&[][..], &[-8, -4, -1, 1, 2, 5, 7]] {
        for middle in [TABLE, TABLE + 100] {
            let near = |distance: isize| middle.wrapping_add_signed(distance);
            process.number(SWITCH, 0)?;
            filled.iter().for_each(|distance| store(checks, near(*distance)));
            process.number(SWITCH, 1)?;
            store(checks, middle);
            expected[0] += filled.len() as u64 + 1;
            expected[2] += filled.len() as u64;
            checks.equal(format!("calls for a window around {middle}"), &counts()?, &expected);
            for number in middle - 8..middle + 8 {
                let byte = touch(&process, page(at, number));
                checks.equal(format!("page {number}"), &byte, &Ok(devices::pattern(number * PAGE)));
            }
            checks.equal(format!("calls for its pages around {middle}"), &counts()?, &expected);
        }
        process.unmap(at, PAGES)?;
        process.map_at(Map::shared(PAGES), PLACE)?;
    }
    process.unmap(at, PAGES)
}

/// Every byte is right, whoever comes first.
pub(super) fn from_many_threads(checks: &mut Checks) -> Result<(), Refusal> {
    let process = open("around")?;
    for _ in 0..20 {
        let at = process.map_at(Map::shared(PAGES), PLACE)?;
        let wrong = thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|thread| {
                    let process = &process;
                    // Half of the threads begin at the end.
                    scope.spawn(move || {
                        (0..PAGES)
                            .map(|step| if thread % 2 == 0 { step } else { PAGES - 1 - step })
                            .filter(|number| touch(process, page(at, *number)) != Ok(devices::pattern(number * PAGE)))
                            .count()
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap_or(usize::MAX)).max()
        });
        checks.equal("wrong bytes", &wrong, &Some(0));
        process.unmap(at, PAGES)?;
    }
    Ok(())
}
