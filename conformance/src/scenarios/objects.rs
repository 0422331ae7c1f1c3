use std::format;

use vmctx::{Errno, UserAddr};

use super::run::Run;
use crate::{
    devices::{
        objects::{CHOOSE_OF, FIND, Of, PAGES, SHOW, ZAP},
        pattern,
    },
    mapping::{Slot, device_pages},
    user::{Map, Refusal, User},
};

/// What a user stores into a copy of his own.
const OWN: u8 = 0x5c;

pub(crate) fn run<U: User>(mut run: Run<'_, U>) {
    another(&mut run);
    cut(&mut run);
    moved(&mut run);
    copies(&mut run);
    zapped(&mut run);
    found(&mut run);
    gone(&mut run);
}

fn choose<U: User>(run: &mut Run<'_, U>, of: Of) {
    let chosen = Of::ALL.iter().position(|known| *known == of).unwrap_or(Of::ALL.len());
    run.control(format!("{of:?}"), CHOOSE_OF, chosen as u64, Ok(0));
}

/// Shows one half of the memory, and then the other: all of these pages have to follow. They are told by their place,
/// in a mapping of all of it, and where that page is.
fn follow<U: User>(run: &mut Run<'_, U>, what: &str, pages: &[(usize, UserAddr)]) {
    for half in [1_usize, 0] {
        run.control(format!("{what}: half {half}"), SHOW, half as u64, Ok(0));
        for (page, at) in pages {
            let shown = half * PAGES + page;
            run.shows_page(format!("{what}: page {page} of half {half}"), *at, Slot::Device(shown));
        }
    }
}

/// What is not of the file's object is not mapped: nobody would find it who takes it back.
fn another<U: User>(run: &mut Run<'_, U>) {
    choose(run, Of::AnotherObject);
    run.refused(Map::shared(PAGES), Errno::EINVAL);
    choose(run, Of::AnotherMemory);
    run.mapped(Map::shared(PAGES), |run, at| run.shows("memory of another object", at, &[Slot::Nothing; PAGES]));
    choose(run, Of::Memory);
}

/// A mapping that has lost a page in its middle, and one of which a part has other rights.
fn cut<U: User>(run: &mut Run<'_, U>) {
    run.mapped(Map::shared(PAGES), |run, at| {
        run.shows("before a cut", at, &device_pages(0, PAGES));
        run.checks.success("munmap of a page", run.user.unmap(run.address(at, 2, 0), 1));
        let rest: [_; PAGES - 1] = [0, 1, 3, 4, 5].map(|page| (page, run.address(at, page, 0)));
        follow(run, "after a cut", &rest);
        if let Some(protected) = run.user.protect(run.address(at, 4, 0), 1, false) {
            run.checks.success("mprotect of a page", protected);
            follow(run, "with a page that is read-only", &rest);
        }
    });
}

/// A part of a mapping that has moved. The handle reaches all of it, too.
fn moved<U: User>(run: &mut Run<'_, U>) {
    let Some(place) = run.checks.success("a place to move to", run.user.map(Map::shared(PAGES))) else { return };
    run.mapped(Map::private(PAGES), |run, at| {
        run.checks.success("munmap of the place", run.user.unmap(place, PAGES));
        for page in 0..PAGES {
            run.checks.success("a private store", run.user.write(run.address(at, page, 0), &[OWN]));
        }
        // The first half goes to higher addresses than the second has, or to lower ones.
        let Some(done) = run.user.move_to(at, PAGES / 2, place) else { return };
        run.checks.success("mremap of a half", done);
        let now = |run: &Run<'_, U>, page| run.address(if page < PAGES / 2 { place } else { at }, page, 0);
        let pages: [_; PAGES] = core::array::from_fn(|page| (page, now(run, page)));
        owned(run, "moved in part", &pages);
        run.control("a zap of what has moved in part", ZAP, 0, Ok(0));
        for (page, at) in pages {
            run.shows_page(format!("page {page}, moved in part and zapped"), at, Slot::Device(page));
        }
        follow(run, "moved in part", &pages);
        run.checks.success("munmap of the half", run.user.unmap(place, PAGES / 2));
    });
}

/// These pages begin with what their user has stored.
fn owned<U: User>(run: &mut Run<'_, U>, what: &str, pages: &[(usize, UserAddr)]) {
    for (page, at) in pages {
        let mut byte = [0];
        let read = run.user.read(*at, &mut byte);
        run.checks.equal(format!("{what}: the user's own page {page}"), &(read, byte), &(Ok(()), [OWN]));
    }
}

/// What users have copied is their own, whatever is taken back.
fn copies<U: User>(run: &mut Run<'_, U>) {
    run.mapped(Map::private(PAGES), |run, at| {
        let own: [_; 2] = [1, 4].map(|page| (page, run.address(at, page, 0)));
        let others: [_; 4] = [0, 2, 3, 5].map(|page| (page, run.address(at, page, 0)));
        for (page, at) in own {
            run.checks.success("a load", run.user.read(at, &mut [0]));
            run.checks.success(format!("a private store to page {page}"), run.user.write(at, &[OWN]));
        }
        follow(run, "beside copies", &others);
        owned(run, "after the memory was taken back", &own);
        let mut byte = [0];
        let read = crate::mapping::device_read(run.user, run.user.page_size(), &mut byte);
        run.checks.equal("page 1 of the device", &(read, byte), &(Ok(()), [pattern(run.user.page_size())]));
    });
}

/// A zap of one mapping takes its user's copies, too, and nothing of another mapping.
fn zapped<U: User>(run: &mut Run<'_, U>) {
    run.mapped(Map::private(PAGES), |run, other| {
        run.mapped(Map::private(PAGES), |run, at| {
            for at in [at, other] {
                run.checks.success("a private store", run.user.write(at, &[OWN]));
            }
            run.control("a zap", ZAP, 0, Ok(0));
            run.shows_page("page 0, zapped", at, Slot::Device(0));
            owned(run, "another mapping's", &[(0, other)]);
        });
    });
}

/// A mapping is found by its address, if its state is of the type that is asked for.
fn found<U: User>(run: &mut Run<'_, U>) {
    run.mapped(Map::shared(PAGES), |run, at| {
        let inside = run.address(at, 3, 5);
        run.control("the page at an address", FIND, inside.get() as u64, Ok(3));
        run.control("page 0", FIND, 0, Err(Errno::EFAULT));
        choose(run, Of::MemoryToo);
        run.mapped(Map::shared(1), |run, at| {
            run.control("a state of another type", FIND, at.get() as u64, Err(Errno::EINVAL));
            run.shows_page("a state of another type", at, Slot::Device(0));
        });
        choose(run, Of::Memory);
    });
}

/// A handle finds its own mapping, and no other.
fn gone<U: User>(run: &mut Run<'_, U>) {
    run.mapped(Map::private(PAGES), |run, kept| {
        run.checks.success("a private store", run.user.write(kept, &[OWN]));
        let Some(gone) = run.checks.success("a mapping", run.user.map(Map::shared(1))) else { return };
        run.checks.success("munmap", run.user.unmap(gone, 1));
        run.control("a zap of what has gone", ZAP, 0, Err(Errno::EFAULT));
        owned(run, "beside what has gone", &[(0, kept)]);
        let again = Map { at: Some(gone), ..Map::private(1) };
        if let Some(again) = run.checks.success("another mapping at that address", run.user.map(again)) {
            run.checks.success("munmap", run.user.unmap(again, 1));
        }
        let taken: Result<UserAddr, Refusal> = run.user.map(Map { at: Some(kept), ..Map::shared(1) });
        run.checks.failure("a mapping over another", taken, &Refusal::Errno(Errno::EEXIST));
    });
}
