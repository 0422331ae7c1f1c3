use std::{format, vec, vec::Vec};

use vmctx::{Errno, PageOffset, UserAddr};

use super::run::Run;
use crate::{
    checks::Checks,
    devices::{
        binder::{FREE, PAGES, REOPEN, SEND, SEND_BEFORE, SHRINK, message},
        pattern,
    },
    mapping::{Slot, compare},
    user::{Map, Trap, User},
};

/// The pages of a mapping here.
const SIZE: usize = 16;
/// How many messages each thread sends when all do.
const ROUNDS: usize = 40;

pub(crate) fn run<U: User>(mut run: Run<'_, U>) {
    let map = Map::shared(SIZE).read_only();
    run.control("sending before it is mapped", SEND, message(0, 8), Err(Errno::ESRCH));
    for writable in [Map::shared(SIZE), Map::private(SIZE)] {
        run.refused(writable, Errno::EPERM);
    }
    for map in [map, Map::private(SIZE).read_only(), map.at(PageOffset::new(5))] {
        receives(&mut run, map);
        shrinks(&mut run, map);
    }
    is_mapped_once(&mut run, map);
    is_not_taken_for_another(&mut run, map);
    is_the_receivers(&mut run, map);
    is_full_at_some_point(&mut run, map);
    many_at_once(&mut run, map);
    reopen(&mut run);
    // A second time, so that the file of before is closed as well, with all that it holds.
    reopen(&mut run);
}

fn reopen<U: User>(run: &mut Run<'_, U>) {
    run.control("opening the file anew", REOPEN, 0, Ok(0));
}

/// A mapping of a file that was just opened.
fn fresh<U: User>(run: &mut Run<'_, U>, map: Map, act: impl FnOnce(&mut Run<'_, U>, UserAddr)) {
    reopen(run);
    run.mapped(map, |run, at| {
        run.shows(format!("{map}: before a message"), at, &vec![Slot::Nothing; map.pages]);
        act(run, at);
    });
}

/// Sends `len` bytes from page `page` of the pattern on; they have to be at byte `wanted` of the mapping.
fn send<U: User>(run: &mut Run<'_, U>, at: UserAddr, page: u32, len: usize, wanted: usize) {
    let sent = run.user.control(SEND, message(page, u32::try_from(len).unwrap_or(u32::MAX)));
    run.checks.equal(format!("where {len} bytes are"), &sent, &Ok(wanted as u64));
    shows(run.user, run.checks, at, page, len, wanted);
}

/// The receiver reads `len` bytes from page `page` of the pattern on at byte `place` of the mapping.
fn shows<U: User>(user: &U, checks: &mut Checks, at: UserAddr, page: u32, len: usize, place: usize) {
    let mut bytes = vec![0; len];
    let what = format!("message {page} of {len} bytes at {place}");
    if checks.success(&what, user.read(UserAddr::new(at.get() + place), &mut bytes)).is_some() {
        let start = page as usize * user.page_size();
        let wanted: Vec<u8> = (start..start + len).map(pattern).collect();
        compare(checks, what, &bytes, &wanted);
    }
}

/// A page is mapped when the first message that lies in it is sent.
fn receives<U: User>(run: &mut Run<'_, U>, map: Map) {
    let size = run.user.page_size();
    fresh(run, map, |run, at| {
        send(run, at, 1, 100, 0);
        run.control("pages for 100 bytes", PAGES, 0, Ok(1));
        run.shows_page("the page behind", run.address(at, 1, 0), Slot::Nothing);
        // It begins behind the first one, which ends at an aligned place, and reaches into the next page.
        send(run, at, 2, size, 104);
        run.control("pages for a page more", PAGES, 0, Ok(2));
        send(run, at, 3, 3 * size, 104 + size);
        run.control("pages for three more", PAGES, 0, Ok(5));
        shows(run.user, run.checks, at, 1, 100, 0);
        shows(run.user, run.checks, at, 2, size, 104);
        run.checks.failure("a store", run.user.write(at, &[0]), &Trap::Sigsegv(at));
        // The next message goes into the gap, whose pages are still there.
        run.control("freeing the second", FREE, 104, Ok(0));
        run.control("freeing it twice", FREE, 104, Err(Errno::EINVAL));
        run.control("freeing what is none", FREE, 8, Err(Errno::EINVAL));
        send(run, at, 9, size - 8, 104);
        run.control("pages that were there already", PAGES, 0, Ok(5));
    });
}

/// The shrinker takes what was freed first, and nothing that a message is in.
fn shrinks<U: User>(run: &mut Run<'_, U>, map: Map) {
    let size = run.user.page_size();
    fresh(run, map, |run, at| {
        for page in 0..4 {
            send(run, at, page, size, page as usize * size);
        }
        run.control("shrinking what is in use", SHRINK, 4, Ok(0));
        run.control("freeing the third", FREE, 2 * size as u64, Ok(0));
        run.control("freeing the second", FREE, size as u64, Ok(0));
        // A freed page stays until the shrinker takes it.
        shows(run.user, run.checks, at, 2, size, 2 * size);
        run.control("shrinking", SHRINK, 1, Ok(1));
        run.shows_page("what was freed first", run.address(at, 2, 0), Slot::Nothing);
        shows(run.user, run.checks, at, 1, size, size);
        run.control("pages after shrinking", PAGES, 0, Ok(3));
        // Of the two pages of this message one is still there, the other was taken.
        send(run, at, 7, 2 * size, size);
        run.control("shrinking what is in use again", SHRINK, 4, Ok(0));
        // Two messages lie in one page: it cannot be taken before both are freed.
        run.control("freeing the last", FREE, 3 * size as u64, Ok(0));
        send(run, at, 4, 8, 3 * size);
        send(run, at, 5, 8, 3 * size + 8);
        run.control("freeing one of two", FREE, 3 * size as u64, Ok(0));
        run.control("shrinking half a page", SHRINK, 4, Ok(0));
        shows(run.user, run.checks, at, 5, 8, 3 * size + 8);
        run.control("freeing the other", FREE, 3 * size as u64 + 8, Ok(0));
        run.control("shrinking a page", SHRINK, 4, Ok(1));
        run.shows_page("the page of two", run.address(at, 3, 0), Slot::Nothing);
        // This one is freed here, and its page taken after munmap.
        run.control("freeing the first", FREE, 0, Ok(0));
    });
    run.control("shrinking after munmap", SHRINK, 4, Ok(1));
}

fn is_mapped_once<U: User>(run: &mut Run<'_, U>, map: Map) {
    fresh(run, map, |run, _| {
        run.refused(map, Errno::EBUSY);
        run.refused(Map { pages: 1, ..map }, Errno::EBUSY);
    });
    run.refused(map, Errno::EBUSY);
}

/// When the mapping has gone, another file's may be at its address. What is sent to the first file must not get there.
fn is_not_taken_for_another<U: User>(run: &mut Run<'_, U>, map: Map) {
    fresh(run, map, |run, at| send(run, at, 1, 8, 0));
    run.control("sending to where nobody is", SEND, message(2, 8), Err(Errno::ESRCH));
    let far = u32::try_from(2 * run.user.page_size()).unwrap_or(u32::MAX);
    run.control("sending more to where nobody is", SEND, message(2, far), Err(Errno::ESRCH));
    fresh(run, map, |run, at| {
        run.control("sending to the file of before", SEND_BEFORE, message(2, far), Err(Errno::ESRCH));
        run.shows(format!("{map}: at the address of another"), at, &[Slot::Nothing; SIZE]);
        send(run, at, 3, 100, 0);
        run.control("sending to the file of before again", SEND_BEFORE, message(2, far), Err(Errno::ESRCH));
        run.control("pages of its own", PAGES, 0, Ok(1));
    });
    // With the first page unmapped nothing can be sent to it.
    fresh(run, map, |run, at| {
        run.checks.success("munmap of the first page", run.user.unmap(at, 1));
        run.control("sending to the gone part", SEND, message(1, 8), Err(Errno::ESRCH));
    });
}

/// A child does not get the mapping. What it sends goes to the receiver's.
fn is_the_receivers<U: User>(run: &mut Run<'_, U>, map: Map) {
    fresh(run, map, |run, at| {
        send(run, at, 1, 8, 0);
        let Some(child) = run.user.fork().and_then(|child| run.checks.success(format!("{map}: fork"), child)) else {
            return;
        };
        run.checks.failure("a load in a child", child.read(at, &mut [0]), &Trap::Sigsegv(at));
        let far = 2 * run.user.page_size();
        let sent = child.control(SEND, message(5, u32::try_from(far).unwrap_or(u32::MAX)));
        run.checks.equal("where the child's message is", &sent, &Ok(8));
        shows(run.user, run.checks, at, 5, far, 8);
    });
}

fn is_full_at_some_point<U: User>(run: &mut Run<'_, U>, map: Map) {
    let size = run.user.page_size();
    fresh(run, map, |run, at| {
        let most = u32::try_from(SIZE * size).unwrap_or(u32::MAX);
        run.control("sending more than fits", SEND, message(0, most + 1), Err(Errno::ENOSPC));
        send(run, at, 0, SIZE * size, 0);
        run.control("sending to a full one", SEND, message(0, 1), Err(Errno::ENOSPC));
        run.control("freeing all", FREE, 0, Ok(0));
        run.control("shrinking all", SHRINK, SIZE as u64, Ok(SIZE as u64));
        // A message goes into the smallest gap that is large enough.
        send(run, at, 0, 16, 0);
        send(run, at, 1, 2 * size, 16);
        for message in 0..3 {
            send(run, at, 2, 16, 16 * (message + 1) + 2 * size);
        }
        run.control("making a large gap", FREE, 16, Ok(0));
        run.control("making a small gap", FREE, 32 + 2 * size as u64, Ok(0));
        send(run, at, 8, 8, 32 + 2 * size);
        send(run, at, 8, 17, 16);
    });
}

/// All threads send to the one receiver, read, free and shrink at once.
fn many_at_once<U: User>(run: &mut Run<'_, U>, map: Map) {
    let map = Map { pages: 2 * run.threads.max(1), ..map };
    fresh(run, map, |run, at| {
        run.together(map, |user, thread, checks| {
            let number = u32::try_from(thread).unwrap_or(u32::MAX);
            for round in 0..ROUNDS {
                let len = 40 + 97 * (round % 40);
                let what = format!("thread {thread}, message {round}");
                let sent = user.control(SEND, message(number, u32::try_from(len).unwrap_or(u32::MAX)));
                let Some(place) = checks.success(&what, sent) else { return };
                shows(user, checks, at, number, len, usize::try_from(place).unwrap_or(usize::MAX));
                checks.success(format!("{what}: free"), user.control(FREE, place));
                checks.success(format!("{what}: shrink"), user.control(SHRINK, 1));
            }
        });
        let pages = run.ask("pages in the end", PAGES, 0).unwrap_or_default();
        run.control("shrinking all of them", SHRINK, u64::MAX >> 1, Ok(pages));
        run.shows(format!("{map}: in the end"), at, &vec![Slot::Nothing; map.pages]);
    });
}
