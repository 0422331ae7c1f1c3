use std::{format, vec::Vec};

use vmctx::{Errno, PageOffset, UserAddr, platform::Cache};

use super::run::{Run, begins_as};
use crate::{
    devices::rights::{BASE, CHOOSE_WAY, INSERT, PAGES, SHARE_STATE, STATES, WAS_TOLD, WRITE_PROTECT, Way, ZAP},
    mapping::{Slot, device_pages},
    user::{Map, Refusal, Trap, User},
};

/// What is stored, one after the other.
const STORES: [u8; 2] = [0x11, 0x22];

/// From this page of the memory on.
fn from_page(map: Map, page: usize) -> Map {
    map.at(PageOffset::new(BASE.index().saturating_add(page)))
}

pub(crate) fn run<U: User>(mut run: Run<'_, U>) {
    for (number, way) in Way::ALL.into_iter().enumerate() {
        for writable in [false, true] {
            let chosen = 2_u64.saturating_mul(number as u64).saturating_add(u64::from(writable));
            run.control(format!("{way:?}"), CHOOSE_WAY, chosen, Ok(0));
            if writable {
                granted(&mut run, way);
            } else {
                not_granted(&mut run, way);
            }
            run.device_fills(0, PAGES);
        }
        if way.has_state() {
            neighbours(&mut run, way);
        }
        private(&mut run, way);
    }
    shared_state(&mut run);
    own_slots(&mut run);
}

/// Two mappings of a process with one state: what is taken away through one of them is taken from both, the pages and
/// the right to write. They show the same pages at different offsets.
fn shared_state<U: User>(run: &mut Run<'_, U>) {
    run.control("pages and not frames", CHOOSE_WAY, 0, Ok(0));
    // The mapping that is made last is the one of the handle.
    for (first, last) in [(0, 1), (1, 0)] {
        run.control("one state for all", SHARE_STATE, 1, Ok(0));
        let part = |from| from_page(Map::shared(PAGES - from), from);
        run.mapped(part(first), |run, one| {
            run.mapped(part(last), |run, two| {
                let page_two = [run.address(one, 2 - first, 0), run.address(two, 2 - last, 0)];
                for round in ["at first", "write-protected", "write-protected again"] {
                    for (which, at) in ["first", "last"].into_iter().zip(page_two) {
                        let what = format!("a store to the {which} of two mappings with one state, {round}");
                        run.checks.success(&what, run.user.write(at, &[0x44]));
                        run.control(format!("{what}: whether it was told"), WAS_TOLD, 0, Ok(1));
                        run.checks.success(format!("{what}, and one more"), run.user.write(at, &[0x55]));
                        run.control(format!("{what}, and one more: whether it was told"), WAS_TOLD, 0, Ok(0));
                    }
                    run.control("write protection", WRITE_PROTECT, 2, Ok(0));
                }
                for at in [run.address(one, 1 - first, 0), run.address(two, 1 - last, 0)] {
                    run.shows_page("page 1", at, Slot::Device(1));
                }
                run.control("a zap of all but page 0", ZAP, 1, Ok(0));
                for (from, at) in [(first, one), (last, two)] {
                    for page in 1..PAGES {
                        let what = format!("page {page} of a mapping of two with one state, zapped");
                        run.shows_page(what, run.address(at, page - from, 0), Slot::Nothing);
                    }
                }
            });
        });
        run.control("a state for each", SHARE_STATE, 0, Ok(0));
        run.device_fills(0, PAGES);
    }
}

/// What is inserted by a handle goes to the mapping that it was made of, and not to another one with the same state. Where
/// a part of that has moved, it goes to whichever shows the page.
fn own_slots<U: User>(run: &mut Run<'_, U>) {
    let on_request = Way::ALL.iter().position(|way| *way == Way::PageOnRequest).unwrap_or(0);
    run.control("pages on request", CHOOSE_WAY, 2_u64.saturating_mul(on_request as u64), Ok(0));
    run.control("one state for all", SHARE_STATE, 1, Ok(0));
    let (map, page) = (from_page(Map::shared(PAGES), 0), from_page(Map::shared(1), 0));
    run.mapped(map, |run, one| {
        run.mapped(map, |run, own| {
            run.control("a zap of all", ZAP, 0, Ok(0));
            run.control("insertion by the handle of the second of two", INSERT, 0, Ok(0));
            run.shows("the second of two with one state", own, &device_pages(0, PAGES));
            run.shows("the first of two with one state", one, &[Slot::Nothing; PAGES]);
        });
        // Where the page moves to is free, and not where the next one comes to lie.
        let place = run.checks.success(format!("mmap of {page}"), run.user.map(page));
        let own = run.checks.success(format!("mmap of {map}"), run.user.map(map));
        let (Some(to), Some(own)) = (place, own) else { return };
        run.checks.success(format!("{page}: munmap"), run.user.unmap(to, 1));
        run.control("a zap of all", ZAP, 0, Ok(0));
        let moved = run.user.move_to(own, 1, to);
        if let Some(moved) = moved.as_ref() {
            run.checks.success("mremap of a page", moved.clone());
            run.control("insertion by the handle of one that was cut", INSERT, 0, Ok(0));
            let rest = run.address(own, 1, 0);
            run.shows("what has stayed", rest, &device_pages(1, PAGES.saturating_sub(1)));
            let (first, second) = if one.get() < to.get() { (one, to) } else { (to, one) };
            run.shows_page("the first that shows the page that has moved", first, Slot::Device(0));
            run.shows_page("the second that shows the page that has moved", second, Slot::Nothing);
            run.checks.success("munmap of a page", run.user.unmap(to, 1));
        }
        run.checks.success(format!("{map}: munmap"), run.user.unmap(own, PAGES));
    });
    run.control("a state for each", SHARE_STATE, 0, Ok(0));
}

/// Makes a mapping of this way, with everything in it.
fn filled<U: User>(run: &mut Run<'_, U>, way: Way, map: Map, act: impl FnOnce(&mut Run<'_, U>, UserAddr)) {
    let before = references(run);
    // If the mapping has this many references more to each page, and none to a decoy.
    let with = |mapped: usize| {
        let more = [mapped, 0].into_iter().flat_map(|more| [more; PAGES]);
        before.iter().zip(more).map(|(before, more)| before.map(|before| before + more)).collect::<Vec<_>>()
    };
    run.mapped(map, |run, at| {
        if way.is_on_request() {
            run.control(format!("{way:?}: insertion"), INSERT, 0, Ok(0));
        }
        run.shows(format!("{way:?}, {map}"), at, &device_pages(0, PAGES));
        let what = format!("{way:?}, {map}: references of pages and decoys");
        run.checks.equal(what, &references(run), &with(usize::from(way.is_of_pages())));
        act(run, at);
    });
    run.checks.equal(format!("{way:?}, {map}: references after that"), &references(run), &with(0));
}

/// The references of the pages, and behind them of the decoys, where the platform tells.
fn references<U: User>(run: &Run<'_, U>) -> Vec<Option<usize>> {
    (0..2 * PAGES).map(|page| run.user.references(page)).collect()
}

/// A shared mapping that nobody may write: not when it is made, not by mprotect, not in a child, not where it moved to,
/// and not for a debugger.
fn not_granted<U: User>(run: &mut Run<'_, U>, way: Way) {
    let map = from_page(Map::shared(PAGES), 0);
    run.refused(map, Errno::EPERM);
    filled(run, way, map.read_only(), |run, at| {
        stays_read_only(run, way, at, "");
        if let Some(expanded) = run.user.expand(at, PAGES, PAGES.saturating_add(1)) {
            run.checks.failure(format!("{way:?}: one page more"), expanded, &Refusal::Errno(Errno::EFAULT));
        }
        let kept = run.with_child(|run, child| {
            begins_as(child, run.checks, format!("{way:?}: the child's"), at, Slot::Device(0));
            let stored = child.write(at, &STORES);
            run.checks.failure(format!("{way:?}: the child's store"), stored, &Trap::Sigsegv(at));
            if let Some(protected) = child.protect(at, PAGES, true) {
                let what = format!("{way:?}: the child's mprotect to write");
                run.checks.failure(what, protected, &Refusal::Errno(Errno::EACCES));
            }
        });
        if kept {
            stays_read_only(run, way, at, ", with a child");
        }
        moved(run, way, at, |run, at| stays_read_only(run, way, at, ", moved"));
    });
}

fn stays_read_only<U: User>(run: &mut Run<'_, U>, way: Way, at: UserAddr, when: &str) {
    if let Some(protected) = run.user.protect(at, PAGES, true) {
        let what = format!("{way:?}{when}: mprotect to write");
        run.checks.failure(what, protected, &Refusal::Errno(Errno::EACCES));
    }
    if let Some(poked) = run.user.poke(at, &STORES) {
        run.checks.failure(format!("{way:?}{when}: a debugger's store"), poked, &Refusal::Errno(Errno::EIO));
    }
    run.checks.failure(format!("{way:?}{when}: a store"), run.user.write(at, &STORES), &Trap::Sigsegv(at));
    run.shows(format!("{way:?}{when}: after that"), at, &device_pages(0, PAGES));
}

/// A shared mapping that may be written: when mprotect says so, and only then.
fn granted<U: User>(run: &mut Run<'_, U>, way: Way) {
    filled(run, way, from_page(Map::shared(PAGES), 0).read_only(), |run, at| {
        cached(run, way, at, "first");
        for (round, byte) in STORES.into_iter().enumerate() {
            let when = format!("round {round}");
            run.checks.failure(format!("{way:?}, {when}: a store"), run.user.write(at, &[byte]), &Trap::Sigsegv(at));
            if let Some(poked) = run.user.poke(at, &[byte]) {
                let what = format!("{way:?}, {when}: a debugger's store");
                run.checks.failure(what, poked, &Refusal::Errno(Errno::EIO));
            }
            if !protect(run, way, at, true) {
                return;
            }
            cached(run, way, at, &when);
            run.checks.success(format!("{way:?}, {when}: a store that is allowed"), run.user.write(at, &[byte]));
            seen(run, way, at, byte, &when);
            poked(run, way, at, !byte);
            protect(run, way, at, false);
            cached(run, way, at, &when);
        }
        let last = !STORES[1];
        let stored = if way.is_of_pages() && run.user.poke(at, &[last]).is_some() { last } else { STORES[1] };
        seen(run, way, at, stored, "read-only again");
        run.with_child(|run, child| {
            let mut byte = [0];
            run.checks.success(format!("{way:?}: the child's load"), child.read(at, &mut byte));
            run.checks.equal(format!("{way:?}: the child's byte"), &byte, &[stored]);
            run.checks.failure(format!("{way:?}: the child's store"), child.write(at, &byte), &Trap::Sigsegv(at));
        });
        moved(run, way, at, |run, at| {
            seen(run, way, at, stored, "moved");
            run.checks.failure(format!("{way:?}, moved: a store"), run.user.write(at, &[0]), &Trap::Sigsegv(at));
            protect(run, way, at, true);
            run.checks.success(format!("{way:?}, moved: a store that is allowed"), run.user.write(at, &[0x33]));
            seen(run, way, at, 0x33, "moved, and written");
        });
    });
}

/// Two mappings side by side that go on in the object as they do in memory: each has a state of its own. A kernel that
/// merges them asks no hook for the second, or loses a state.
fn neighbours<U: User>(run: &mut Run<'_, U>, way: Way) {
    let second = from_page(Map::shared(1), 1);
    run.mapped(second, |run, behind| {
        run.mapped(from_page(Map::shared(1), 0), |run, front| {
            run.control(format!("{way:?}: states of two mappings"), STATES, 0, Ok(2));
            if !way.is_on_request() {
                run.shows(format!("{way:?}: the first of two"), front, &device_pages(0, 1));
                run.shows(format!("{way:?}: the second of two"), behind, &device_pages(1, 1));
            }
        });
        run.control(format!("{way:?}: states of the one that is left"), STATES, 0, Ok(1));
        if !way.is_on_request() {
            run.shows(format!("{way:?}: the one that is left"), behind, &device_pages(1, 1));
        }
    });
    run.control(format!("{way:?}: states of none"), STATES, 0, Ok(0));
}

/// What a user writes privately is his own, whatever mprotect did before. Frames by number cannot be copied.
fn private<U: User>(run: &mut Run<'_, U>, way: Way) {
    let map = from_page(Map::private(PAGES), 0);
    if way.is_by_number() {
        run.refused(map, Errno::EINVAL);
        return;
    }
    if way.is_of_pages() && !way.is_on_request() {
        debugged(run, way, map.read_only());
    }
    filled(run, way, map.read_only(), |run, at| {
        run.checks.failure(format!("{way:?}, private: a store"), run.user.write(at, &STORES), &Trap::Sigsegv(at));
        if protect(run, way, at, true) {
            run.checks.success(format!("{way:?}, private: a store of one's own"), run.user.write(at, &STORES));
            let mut bytes = [0; 2];
            run.checks.success(format!("{way:?}, private: its load"), run.user.read(at, &mut bytes));
            run.checks.equal(format!("{way:?}, private: what was stored"), &bytes, &STORES);
        }
    });
    filled(run, way, map.read_only(), |run, at| run.shows(format!("{way:?}: the object"), at, &device_pages(0, PAGES)));
}

/// A debugger stores to a private copy that the user may not write. It stays so.
fn debugged<U: User>(run: &mut Run<'_, U>, way: Way, map: Map) {
    run.mapped(map, |run, at| {
        let Some(poked) = run.user.poke(at, &STORES) else { return };
        run.checks.success(format!("{way:?}, private, read-only: a debugger's store"), poked);
        let stored = run.user.write(at, &[0]);
        run.checks.failure(format!("{way:?}, private, read-only: a store behind it"), stored, &Trap::Sigsegv(at));
        run.peeks(format!("{way:?}, private, read-only: what the debugger has stored"), at, &STORES);
    });
}

/// `mprotect` that has to succeed. Gives back whether there is one.
fn protect<U: User>(run: &mut Run<'_, U>, way: Way, at: UserAddr, writable: bool) -> bool {
    let Some(protected) = run.user.protect(at, PAGES, writable) else { return false };
    let to = if writable { "to write" } else { "to read only" };
    run.checks.success(format!("{way:?}: mprotect {to}"), protected).is_some()
}

/// A debugger's store to a mapping that may be written: it reaches pages, and where frames are it is no business of his.
fn poked<U: User>(run: &mut Run<'_, U>, way: Way, at: UserAddr, byte: u8) {
    if !way.is_of_pages() {
        return;
    }
    if let Some(poked) = run.user.poke(at, &[byte]) {
        run.checks.success(format!("{way:?}: a debugger's store that is allowed"), poked);
        seen(run, way, at, byte, "the debugger's");
    }
}

/// The first byte, as the user and the device see it.
fn seen<U: User>(run: &mut Run<'_, U>, way: Way, at: UserAddr, wanted: u8, when: &str) {
    let mut byte = [0];
    run.checks.success(format!("{way:?}, {when}: a load"), run.user.read(at, &mut byte));
    run.checks.equal(format!("{way:?}, {when}: the first byte"), &byte, &[wanted]);
    let read = crate::mapping::device_read(run.user, 0, &mut byte);
    run.checks.success(format!("{way:?}, {when}: the device's look"), read);
    run.checks.equal(format!("{way:?}, {when}: the device's first byte"), &byte, &[wanted]);
}

/// The cache attribute of a page that has one of its own stays, whatever mprotect does.
fn cached<U: User>(run: &mut Run<'_, U>, way: Way, at: UserAddr, when: &str) {
    let wanted = if way == Way::FrameCached { Cache::WriteCombine } else { Cache::WriteBack };
    run.checks.success(format!("{way:?}, {when}: a load"), run.user.read(at, &mut [0]));
    if let Some(cache) = run.user.cache(at) {
        run.checks.equal(format!("{way:?}, {when}: cache attribute"), &cache, &wanted);
    }
}

/// Moves a mapping to where another one was, looks at it there, and moves it back.
fn moved<U: User>(run: &mut Run<'_, U>, way: Way, at: UserAddr, act: impl FnOnce(&mut Run<'_, U>, UserAddr)) {
    let map = from_page(Map::shared(PAGES), 0).read_only();
    let what = format!("{way:?}: a place to move to");
    let Some(to) = run.checks.success(&what, run.user.map(map)) else { return };
    run.checks.success(what, run.user.unmap(to, PAGES));
    let Some(there) = run.user.move_to(at, PAGES, to) else { return };
    if run.checks.success(format!("{way:?}: mremap"), there).is_some() {
        act(run, to);
        if let Some(back) = run.user.move_to(to, PAGES, at) {
            run.checks.success(format!("{way:?}: mremap back"), back);
        }
    }
}
