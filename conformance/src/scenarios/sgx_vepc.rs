use core::sync::atomic::{AtomicBool, Ordering};
use std::{format, thread, vec, vec::Vec};

use vmctx::{Errno, PageOffset, UserAddr};

use super::run::Run;
use crate::{
    checks::Checks,
    devices::{
        pattern,
        sgx_vepc::{BEGIN_RECLAIM, BUSY, EPC, FINISH_RECLAIM, PAGES, REMOVE_ALL},
    },
    mapping::{MAX_THREADS, Slot, device_pages, device_read},
    user::{Map, Trap, User},
};

/// How often pages are reclaimed under their users.
const RECLAIMS: usize = 120;

pub(crate) fn run<U: User>(mut run: Run<'_, U>) {
    let map = Map::shared(EPC);
    for map in [Map::private(EPC), Map::private(EPC).read_only()] {
        run.refused(map, Errno::EINVAL);
    }
    keeps_what_was_stored(&mut run, map);
    is_full(&mut run);
    waits_for_the_reclaimer(&mut run);
    counts_under_the_reclaimer(&mut run, map);
}

fn remove_all<U: User>(run: &mut Run<'_, U>) {
    run.control("removing all", REMOVE_ALL, 0, Ok(0));
}

fn reclaim<U: User>(run: &mut Run<'_, U>, page: usize) {
    run.control(format!("choosing page {page}"), BEGIN_RECLAIM, page as u64, Ok(0));
    run.control(format!("taking page {page} out"), FINISH_RECLAIM, page as u64, Ok(0));
}

/// Stores the pattern to a page of the mapping, as that page of the device.
fn store<U: User>(run: &mut Run<'_, U>, at: UserAddr, page: usize, shown: usize) {
    let size = run.user.page_size();
    let bytes: Vec<u8> = (shown * size..(shown + 1) * size).map(pattern).collect();
    let stored = run.user.write(run.address(at, page, 0), &bytes);
    run.checks.success(format!("storing page {shown}"), stored);
}

/// A page is zeros at first and then what was stored: in this mapping, in another one beside it, in one of a part, and
/// in one made afterwards. A child gets no mapping.
fn keeps_what_was_stored<U: User>(run: &mut Run<'_, U>, map: Map) {
    run.mapped(map, |run, at| {
        run.together(map, |user, thread, checks| {
            let mut bytes = vec![1; map.pages * user.page_size()];
            checks.success(format!("thread {thread}: reading"), user.read(at, &mut bytes));
            checks.equal("fresh pages are zeros", &bytes.iter().all(|byte| *byte == 0), &true);
        });
        (0..map.pages).for_each(|page| store(run, at, page, page));
        run.shows(format!("{map}: stored"), at, &device_pages(0, map.pages));
        // Other mappings, which have no entries yet for pages that are in the EPC.
        run.mapped(map.read_only(), |run, beside| {
            run.shows(format!("{map}: beside it"), beside, &device_pages(0, map.pages));
            run.checks.failure("a store", run.user.write(beside, &[0]), &Trap::Sigsegv(beside));
        });
        let part = Map::shared(3).at(PageOffset::new(2));
        run.mapped(part, |run, at| run.shows(format!("{part}: a part"), at, &device_pages(2, 3)));
        if let Some(child) = run.user.fork().and_then(|child| run.checks.success(format!("{map}: fork"), child)) {
            run.checks.failure("a load in a child", child.read(at, &mut [0]), &Trap::Sigsegv(at));
        }
        // The offset of a page does not change when the front is cut off.
        run.checks.success(format!("{map}: munmap of its front"), run.user.unmap(at, 2));
        run.control("choosing page 5", BEGIN_RECLAIM, 5, Ok(0));
        run.control("choosing it twice", BEGIN_RECLAIM, 5, Err(Errno::EINVAL));
        run.control("removing all now", REMOVE_ALL, 0, Err(Errno::EBUSY));
        run.control("taking it out", FINISH_RECLAIM, 5, Ok(0));
        run.control("taking it out twice", FINISH_RECLAIM, 5, Err(Errno::EINVAL));
        let rest = run.address(at, 2, 0);
        run.shows(format!("{map}: without its front"), rest, &device_pages(2, map.pages - 2));
    });
    run.mapped(map, |run, at| run.shows(format!("{map}: made anew"), at, &device_pages(0, map.pages)));
    for page in 0..map.pages {
        let mut bytes = vec![0; run.user.page_size()];
        let read = device_read(run.user, page * run.user.page_size(), &mut bytes);
        run.checks.success(format!("page {page} as the device sees it"), read);
        let wanted: Vec<u8> = (page * bytes.len()..(page + 1) * bytes.len()).map(pattern).collect();
        run.checks.equal(format!("page {page} as the device sees it"), &(bytes == wanted), &true);
    }
    run.mapped(map, |run, at| {
        run.shows(format!("{map}: before all is removed"), at, &device_pages(0, map.pages));
        remove_all(run);
        run.shows(format!("{map}: after all was removed"), at, &vec![Slot::Zeros; map.pages]);
    });
    for page in [PAGES, usize::MAX] {
        run.control("choosing a page behind the end", BEGIN_RECLAIM, page as u64, Err(Errno::EINVAL));
    }
    remove_all(run);
    run.control("choosing a page that is nowhere", BEGIN_RECLAIM, 0, Err(Errno::EINVAL));
}

/// There are more pages than the EPC has places: a touch of one more is a SIGBUS until something was reclaimed.
fn is_full<U: User>(run: &mut Run<'_, U>) {
    let map = Map::shared(PAGES + 2);
    run.mapped(map, |run, at| {
        (0..EPC).for_each(|page| store(run, at, page, page));
        let shown = |run: &mut Run<'_, U>, what: &str, page: usize, slot: Slot| {
            let address = run.address(at, page, 0);
            run.shows_page(format!("{map}: page {page}, {what}"), address, slot);
        };
        for page in EPC..map.pages {
            shown(run, "without room", page, Slot::Nothing);
        }
        reclaim(run, 0);
        shown(run, "in the room of page 0", EPC, Slot::Zeros);
        store(run, at, EPC, EPC);
        shown(run, "without room", 0, Slot::Nothing);
        reclaim(run, EPC);
        shown(run, "back again", 0, Slot::Device(0));
        reclaim(run, 3);
        shown(run, "back again", EPC, Slot::Device(EPC));
        for page in [PAGES, PAGES + 1] {
            shown(run, "behind the end", page, Slot::Nothing);
        }
        remove_all(run);
    });
}

/// A page is being reclaimed. Whoever touches it waits, and so does whoever touches another page for which there is no
/// place but this one's.
fn waits_for_the_reclaimer<U: User>(run: &mut Run<'_, U>) {
    let map = Map::shared(PAGES);
    let size = run.user.page_size();
    run.mapped(map, |run, at| {
        (0..EPC).for_each(|page| store(run, at, page, page));
        for (chosen, touched, shown) in [(1, 1, pattern(size)), (2, EPC, 0)] {
            // In the first turn a place is free, so that only the touched page itself is waited for; in the second none
            // is.
            let Some(busy) = run.ask("busy pages", BUSY, 0) else { return };
            if touched == chosen {
                reclaim(run, 0);
            }
            run.control(format!("choosing page {chosen}"), BEGIN_RECLAIM, chosen as u64, Ok(0));
            let threads = run.threads.clamp(2, MAX_THREADS);
            let mut waiting = Run { user: run.user, threads, checks: &mut *run.checks };
            let through = AtomicBool::new(false);
            waiting.together(map, |user, thread, checks| {
                if thread == 0 {
                    // Until a fault has met the busy page. If one came through without that, the check below fails.
                    while user.control(BUSY, 0).is_ok_and(|now| now == busy) && !through.load(Ordering::Acquire) {
                        thread::yield_now();
                    }
                    let waited = user.control(BUSY, 0).is_ok_and(|now| now != busy);
                    checks.equal("whether a busy page was met as one", &waited, &true);
                    let done = user.control(FINISH_RECLAIM, chosen as u64);
                    checks.success(format!("taking page {chosen} out"), done);
                } else {
                    let mut byte = [0xff];
                    let load = user.read(UserAddr::new(at.get() + touched * size), &mut byte);
                    through.store(true, Ordering::Release);
                    checks.equal(format!("page {touched}, waited for"), &load.map(|()| byte), &Ok([shown]));
                }
            });
            if touched == chosen {
                let address = run.address(at, 0, 0);
                run.shows_page("the page that had left before", address, Slot::Device(0));
            }
        }
        remove_all(run);
    });
}

/// All threads count, each in a byte of its own in every page, while one of them reclaims page after page.
fn counts_under_the_reclaimer<U: User>(run: &mut Run<'_, U>, map: Map) {
    let size = run.user.page_size();
    run.mapped(map, |run, at| {
        let going = AtomicBool::new(true);
        run.together(map, |user, thread, checks| {
            let mut counts = vec![0u8; map.pages];
            let mut places = (0..map.pages).cycle();
            let mut touch = |checks: &mut Checks| {
                let page = places.next().unwrap_or_default();
                let Some(count) = counts.get_mut(page) else { return };
                let address = UserAddr::new(at.get() + page * size + thread);
                let mut byte = [0];
                let load = user.read(address, &mut byte).map(|()| byte);
                checks.equal(format!("thread {thread}'s byte of page {page}"), &load, &Ok([*count]));
                *count = count.wrapping_add(1);
                let stored = user.write(address, &[*count]);
                checks.success(format!("thread {thread}'s store to page {page}"), stored);
            };
            for turn in 0..RECLAIMS {
                if thread == 0 {
                    let page = (turn % map.pages) as u64;
                    touch(checks);
                    // It fails if nobody has touched the page since it was last taken out.
                    let begun = user.control(BEGIN_RECLAIM, page);
                    if begun.is_ok() {
                        checks.success(format!("reclaiming page {page}"), user.control(FINISH_RECLAIM, page));
                    }
                } else if going.load(Ordering::Acquire) {
                    touch(checks);
                    touch(checks);
                }
            }
            if thread == 0 {
                going.store(false, Ordering::Release);
            }
            for page in 0..map.pages {
                touch(checks);
                let _ = page;
            }
        });
    });
    remove_all(run);
}
