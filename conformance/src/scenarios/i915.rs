use std::{format, vec};

use vmctx::{Errno, PageOffset, UserAddr, platform::Cache};

use super::run::{Run, begins_as};
use crate::{
    devices::{
        i915::{APERTURE, DISTURB, OBJECTS, SUSPEND, trouble},
        pattern,
    },
    mapping::{Slot, device_pages, device_read, device_write},
    user::{Map, Trap, User},
};

/// How often each thread walks over both objects.
const WALKS: usize = 3;

pub(crate) fn run<U: User>(mut run: Run<'_, U>) {
    let [(large, pages), (small, more)] = OBJECTS;
    // The large object does not fit into the aperture, so it evicts parts of itself while it is read and written.
    run.checks.verdict((pages <= APERTURE).then(|| "nothing is evicted".into()));
    for (map, first) in [
        (Map::shared(pages).at(large), 0),
        (Map::shared(more).at(small), pages),
        (Map::shared(3).at(PageOffset::new(large.index() + 1)), 1),
        (Map::shared(1).at(PageOffset::new(large.index() + pages - 1)), pages - 1),
    ] {
        for map in [map, map.read_only()] {
            run.one(map, &device_pages(first, map.pages), false);
        }
    }
    for map in [
        Map::shared(pages + 1).at(large),
        Map::shared(small.index() - large.index() + 1).at(large),
        Map::shared(1),
        Map::shared(1).at(PageOffset::new(small.index() + more)),
        Map::private(1).at(large),
        Map::private(1).at(large).read_only(),
    ] {
        run.refused(map, Errno::EINVAL);
    }
    run.cached(Map::shared(1).at(large), 0, Cache::WriteCombine);
    run.does_not_expand(Map::shared(1).at(large));

    debugged(&mut run, Map::shared(pages).at(large), pages - APERTURE);
    evicted(&mut run, Map::shared(pages).at(large), Map::shared(more).at(small));
    both_at_once(&mut run, Map::shared(pages).at(large), Map::shared(more).at(small));
    disturbed(&mut run, Map::shared(pages).at(large));
}

/// A debugger reaches an object that was never touched, one that is in the aperture, and one of which the user has
/// unmapped the front: there the distance from the mapping's start is no longer the place in the object.
fn debugged<U: User>(run: &mut Run<'_, U>, large: Map, evicted: usize) {
    let size = run.user.page_size();
    let at_page = |page: usize| [pattern(page * size), pattern(page * size + 1)];
    let all = |run: &mut Run<'_, U>, at: UserAddr, when: &str| {
        for page in 0..large.pages {
            run.peeks(format!("a debugger's load of page {page}, {when}"), run.address(at, page, 0), &at_page(page));
        }
    };
    run.control("the device sleeps", SUSPEND, 0, Ok(0));
    run.mapped(large, |run, at| {
        all(run, at, "never touched");
        run.shows(large, at, &device_pages(0, large.pages));
        all(run, at, "in the aperture, or evicted from it");
        for page in [0, evicted, large.pages - 1] {
            let what = format!("a debugger's store to page {page}");
            run.pokes(&what, run.address(at, page, 1), &[!at_page(page)[1]], Ok(()));
            if run.user.peek(at, &mut []).is_some() {
                let mut byte = [0];
                let read = run.user.read(run.address(at, page, 1), &mut byte);
                run.checks.equal(format!("{what}: the user's load"), &(read, byte), &(Ok(()), [!at_page(page)[1]]));
            }
            run.pokes(format!("{what}: put back"), run.address(at, page, 1), &[at_page(page)[1]], Ok(()));
        }
        run.checks.success("munmap of the front", run.user.unmap(at, 1));
        run.peeks_no_more("a debugger's load of what is unmapped", at, &[]);
        run.peeks("a debugger's load of what is left", run.address(at, 1, 0), &at_page(1));
    });
    run.mapped(large.read_only(), |run, at| {
        run.pokes("a debugger's store, read-only", at, &[0], Err(Errno::EIO));
        run.shows("after a debugger", at, &device_pages(0, large.pages));
    });
}

/// A mapping of an object that was evicted does not show what is in the aperture now. It shows the object, also if that
/// was changed in memory meanwhile.
fn evicted<U: User>(run: &mut Run<'_, U>, large: Map, small: Map) {
    let size = run.user.page_size();
    run.mapped(small, |run, second| {
        run.shows(small, second, &device_pages(large.pages, small.pages));
        run.mapped(large, |run, first| {
            run.shows(large, first, &device_pages(0, large.pages));
            // The large object fills the aperture, so the small one is evicted by now.
            for page in 0..small.pages {
                let at = (large.pages + page) * size;
                let mut bytes = vec![0; size];
                if run.checks.success("reading an evicted object", device_read(run.user, at, &mut bytes)).is_none() {
                    continue;
                }
                let original = bytes.clone();
                bytes.iter_mut().for_each(|byte| *byte = !*byte);
                run.checks.success("changing an evicted object", device_write(run.user, at, &bytes));
                let mut seen = vec![0; size];
                let read = run.user.read(run.address(second, page, 0), &mut seen);
                run.checks.equal(
                    format!("{small}: page {page}, changed while it was evicted"),
                    &(read, seen),
                    &(Ok(()), bytes),
                );
                run.checks.success("restoring an object", device_write(run.user, at, &original));
            }
            run.shows(format!("{large}: evicted in turn"), first, &device_pages(0, large.pages));
        });
    });
}

/// All threads walk over both objects, in different directions, and evict each other all the time. Nobody sees a byte
/// of another part.
fn both_at_once<U: User>(run: &mut Run<'_, U>, large: Map, small: Map) {
    let slots = device_pages(0, large.pages + small.pages);
    run.mapped(large, |run, first| {
        run.mapped(small, |run, second| {
            run.together("both objects", |user, thread, checks| {
                let size = user.page_size();
                let address = |page: usize| {
                    let (at, page) = page.checked_sub(large.pages).map_or((first, page), |page| (second, page));
                    UserAddr::new(at.get() + page * size)
                };
                for step in 0..WALKS * slots.len() {
                    let page = (step * (thread + 1) + thread) % slots.len();
                    if let Some(slot) = slots.get(page) {
                        begins_as(user, checks, format!("page {page} of both objects"), address(page), *slot);
                    }
                }
            });
        });
    });
}

/// An error that means "try again" is repeated until it has gone; any other is one SIGBUS.
fn disturbed<U: User>(run: &mut Run<'_, U>, map: Map) {
    let transient = [Errno::EAGAIN, Errno::EINTR, Errno::EBUSY, Errno::ENOSPC, Errno::ENOBUFS, Errno::ERESTARTSYS];
    let mut pages = (0..map.pages).cycle();
    run.mapped(map, |run, at| {
        run.shows(map, at, &device_pages(0, map.pages));
        for (errno, times) in transient.into_iter().flat_map(|errno| [(errno, 1), (errno, 3)]) {
            let Some(page) = pages.next() else { return };
            run.control("suspending", SUSPEND, 0, Ok(0));
            run.control(format!("{times} times {errno}"), DISTURB, trouble(errno, times), Ok(0));
            let before = run.user.counters();
            let what = format!("{map}: page {page} after {times} times {errno}");
            run.shows_page(&what, run.address(at, page, 0), Slot::Device(page));
            if let (Some(before), Some(after)) = (before, run.user.counters()) {
                run.checks.equal(what, &after.faults.saturating_sub(before.faults), &(times as u64 + 1));
            }
        }
        for errno in [Errno::EIO, Errno::EFAULT, Errno::ENODEV, Errno::ENXIO] {
            let Some(page) = pages.next() else { return };
            run.control("suspending", SUSPEND, 0, Ok(0));
            run.control(format!("once {errno}"), DISTURB, trouble(errno, 1), Ok(0));
            let address = run.address(at, page, 0);
            let touched = run.user.read(address, &mut [0]);
            run.checks.failure(format!("{map}: page {page} after {errno}"), touched, &Trap::Sigbus(address));
            run.shows_page(format!("{map}: page {page} once more"), address, Slot::Device(page));
        }
    });
}
