use core::sync::atomic::{AtomicBool, Ordering};
use std::{format, string::String, vec, vec::Vec};

use vmctx::{Errno, PageOffset, UserAddr, platform::Cache};

use super::run::Run;
use crate::{
    devices::vfio_pci::{FIRST, HUGE, HUGE_FILLED, HUGE_PAGES, SECOND, SET_MEMORY, SMALL},
    mapping::{Slot, device_pages, device_read, device_write},
    user::{Map, Trap, User},
};
use vmctx_drivers::vfio_pci::{BARS, region};

/// How often memory is disabled under its users.
const TIMES: usize = 30;

pub(crate) fn run<U: User>(mut run: Run<'_, U>) {
    let shift = run.user.page_size().trailing_zeros();
    let bar = |index, pages| Map::shared(pages).at(region(index, shift));
    let (first, second) = (bar(FIRST.0, FIRST.1), bar(SECOND.0, SECOND.1));
    for (map, memory) in [(first, 0), (second, FIRST.1)] {
        let inner = Map { pages: 3, ..map }.at(PageOffset::new(map.pgoff.index() + 2));
        for (map, memory) in [(map, memory), (inner, memory + 2)] {
            for map in [map, map.read_only()] {
                run.one(map, &device_pages(memory, map.pages), false);
            }
            let private = Map { shared: false, ..map };
            run.refused(private, Errno::EINVAL);
            run.refused(private.read_only(), Errno::EINVAL);
        }
        run.refused(Map { pages: map.pages + 1, ..map }, Errno::EINVAL);
        run.refused(Map { pages: 1, ..map }.at(PageOffset::new(map.pgoff.index() + map.pages)), Errno::EINVAL);
        run.cached(map, 1, Cache::Noncached);
        run.does_not_expand(map);
    }
    for index in [SMALL, 3, BARS, BARS + 1, BARS + 2, 100] {
        run.refused(bar(index, 1), Errno::EINVAL);
    }

    is_revoked(&mut run, first, 0);
    is_revoked(&mut run, second, FIRST.1);
    is_revoked_under_stores(&mut run, second, FIRST.1);
    if let Ok(pages) = run.user.control(HUGE_PAGES, 0) {
        let pages = usize::try_from(pages).unwrap_or(usize::MAX);
        huge(&mut run, bar(HUGE, pages));
    }
}

fn memory<U: User>(run: &mut Run<'_, U>, enabled: bool) {
    run.control(format!("memory: {enabled}"), SET_MEMORY, enabled.into(), Ok(0));
}

/// While memory is disabled every touch is a SIGBUS: in mappings made before, in a child's, and in those made now. When
/// it is enabled again, everything is as it was.
fn is_revoked<U: User>(run: &mut Run<'_, U>, map: Map, first: usize) {
    let (shown, gone) = (device_pages(first, map.pages), vec![Slot::Nothing; map.pages]);
    run.mapped(map, |run, at| {
        run.shows(format!("{map}: before"), at, &shown);
        let child = run.user.fork().and_then(|child| run.checks.success(format!("{map}: fork"), child));
        for _ in 0..2 {
            memory(run, false);
            run.shows(format!("{map}: disabled"), at, &gone);
            run.checks.failure(format!("{map}: a store, disabled"), run.user.write(at, &[1]), &Trap::Sigbus(at));
            if let Some(child) = &child {
                let mut run = Run { user: child, threads: run.threads, checks: &mut *run.checks };
                run.shows(format!("{map}: in a child, disabled"), at, &gone);
            }
            run.one(map, &gone, false);
            memory(run, true);
            run.shows(format!("{map}: enabled"), at, &shown);
        }
    });
}

/// All threads count, each in a byte of its own in every page, while memory is disabled and enabled by one of them. A
/// touch sees what its thread has left there, or is a SIGBUS; and nothing is stored to disabled memory.
fn is_revoked_under_stores<U: User>(run: &mut Run<'_, U>, map: Map, first: usize) {
    let size = run.user.page_size();
    run.mapped(map, |run, at| {
        let going = AtomicBool::new(true);
        run.together(map, |user, thread, checks| {
            let mut places = (0..map.pages).cycle().map(|page| page * size + thread);
            let mut left: Vec<Option<u8>> = vec![None; map.pages * size];
            let mut touch = || {
                let place = places.next().unwrap_or_default();
                left.get_mut(place).map_or(Ok(()), |left| count(user, UserAddr::new(at.get() + place), left))
            };
            if thread != 0 {
                // How often it gets to do so says nothing, so that only what is wrong is a check: a thread that goes
                // round and round while the first one hangs must not look like progress.
                checks.begin("touching while memory is disabled and enabled");
                while going.load(Ordering::Acquire) {
                    if let Err(wrong) = touch() {
                        checks.verdict(Some(wrong));
                    }
                }
                return;
            }
            for _ in 0..TIMES {
                checks.success("disabling", user.control(SET_MEMORY, 0));
                let seen = [(); 2].map(|()| {
                    let mut bytes = vec![0; size];
                    checks.success("what the device sees", device_read(user, first * size, &mut bytes));
                    checks.failure("a touch of disabled memory", user.read(at, &mut [0]), &Trap::Sigbus(at));
                    bytes
                });
                let [before, after] = seen;
                checks.equal("nothing is stored to disabled memory", &(before == after), &true);
                checks.success("enabling", user.control(SET_MEMORY, 1));
                for _ in 0..map.pages {
                    checks.verdict(touch().err());
                }
            }
            going.store(false, Ordering::Release);
        });
        for page in first..first + map.pages {
            let start = page * size;
            let bytes: Vec<u8> = (start..start + size).map(crate::devices::pattern).collect();
            run.checks.success("restoring", device_write(run.user, start, &bytes));
        }
    });
}

/// Checks that the byte is as this thread has left it, and stores another. The error is what was wrong.
fn count<U: User>(user: &U, at: UserAddr, left: &mut Option<u8>) -> Result<(), String> {
    let unless_disabled = |what: &str, trap: Trap| {
        let wrong = format!("a {what} memory that may be disabled: {trap}, not {}", Trap::Sigbus(at));
        if trap == Trap::Sigbus(at) { Ok(()) } else { Err(wrong) }
    };
    let mut byte = [0];
    if let Err(trap) = user.read(at, &mut byte) {
        return unless_disabled("load from", trap);
    }
    let ([byte], known) = (byte, *left);
    let next = byte.wrapping_add(1);
    match user.write(at, &[next]) {
        Ok(()) => *left = Some(next),
        Err(trap) => unless_disabled("store to", trap)?,
    }
    match known {
        Some(known) if known != byte => Err(format!("a byte that nobody else stores to: {byte}, not {known}")),
        _ => Ok(()),
    }
}

/// One entry maps all of the BAR if its address is aligned. Else, and in a part of it, pages are mapped one by one.
fn huge<U: User>(run: &mut Run<'_, U>, map: Map) {
    let device = FIRST.1 + SECOND.1;
    let size = run.user.page_size();
    let shown = |run: &mut Run<'_, U>, what: &str, at: UserAddr, before: usize| {
        for page in HUGE_FILLED.into_iter().filter(|page| *page >= before) {
            let address = run.address(at, page - before, 0);
            run.shows_page(format!("{map}: page {page}, {what}"), address, Slot::Device(device + page));
        }
    };
    run.refused(Map { pages: map.pages + 1, ..map }, Errno::EINVAL);
    run.mapped(map, |run, at| {
        let before = run.user.counters();
        shown(run, "by a huge entry", at, 0);
        if let (Some(before), Some(after), Some(_)) = (before, run.user.counters(), run.user.is_huge(at)) {
            let aligned = at.get() % (map.pages * size) == 0;
            let faults = if aligned { 0 } else { HUGE_FILLED.len() as u64 };
            run.checks.equal("faults for a page each", &after.faults.saturating_sub(before.faults), &faults);
        }
        memory(run, false);
        for page in [0, 300, 511] {
            let address = run.address(at, page, 0);
            run.shows_page(format!("{map}: page {page}, disabled"), address, Slot::Nothing);
        }
        memory(run, true);
        let middle = run.address(at, 255, 7);
        run.checks.success("a store to a huge entry", run.user.write(middle, &[0x5a]));
        let mut seen = [0];
        let read = device_read(run.user, (device + 255) * size + 7, &mut seen);
        run.checks.equal("a store to a huge entry, as the device sees it", &read.map(|()| seen), &Ok([0x5a]));
        let old = crate::devices::pattern((device + 255) * size + 7);
        run.checks.success("storing the old byte", run.user.write(middle, &[old]));
        shown(run, "enabled again", at, 0);
        // A page is unmapped where the huge entry was.
        run.checks.success("munmap in a huge entry", run.user.unmap(run.address(at, 100, 0), 1));
        shown(run, "cut", at, 0);
        let hole = run.address(at, 100, 0);
        run.checks.failure("where it was cut", run.user.read(hole, &mut [0]), &Trap::Sigsegv(hole));
    });
    // A mapping without the first page has no room for the huge entry.
    let part = Map { pages: map.pages - 1, ..map }.at(PageOffset::new(map.pgoff.index() + 1));
    run.mapped(part, |run, at| shown(run, "a page at a time", at, 1));
}
