use std::{format, vec::Vec};

use vmctx::{Errno, UserAddr};

use super::run::Run;
use crate::{
    devices::states::{CHOOSE_MADE, CLAIM, CLOSED, DROPPED_EARLY, FAIL_OPEN, Made, OPENED, PAGES, STATES},
    mapping::{Slot, device_pages},
    user::{Map, Trap, User},
};

/// No open hook fails.
const NEVER: u64 = u64::MAX;

/// All pages of the memory but the state's own, which is the last.
const SHOWN: usize = PAGES - 1;

pub(crate) fn run<U: User>(mut run: Run<'_, U>) {
    pair(&mut run);
    refuses_to_open(&mut run);
    opens_no_copy(&mut run);
    fails(&mut run);
    by_number(&mut run);
    zeros(&mut run);
    run.control("states that were dropped with their page mapped", DROPPED_EARLY, 0, Ok(0));
    run.control("states at the end", STATES, 0, Ok(0));
}

fn choose<U: User>(run: &mut Run<'_, U>, made: Made) {
    let chosen = Made::ALL.iter().position(|known| *known == made).unwrap_or(Made::ALL.len());
    run.control(format!("{made:?}"), CHOOSE_MADE, chosen as u64, Ok(0));
}

/// How many VMAs were opened, and how many closed.
fn hooks<U: User>(run: &mut Run<'_, U>, what: &str, opened: u64, closed: u64) {
    run.control(format!("{what}: VMAs opened"), OPENED, 0, Ok(opened));
    run.control(format!("{what}: VMAs closed"), CLOSED, 0, Ok(closed));
}

/// Each VMA is opened, and each is closed: that of mmap, a child's, a part's, one that moves. A page that somebody has
/// mapped is nobody's to take.
fn pair<U: User>(run: &mut Run<'_, U>) {
    choose(run, Made::ByFaults);
    run.mapped(Map::shared(PAGES), |run, at| {
        hooks(run, "mmap", 1, 0);
        run.shows("pages by faults", at, &device_pages(0, SHOWN));
        run.shows_page("the state's own page", run.address(at, SHOWN, 0), Slot::Zeros);
        run.control("a page that is mapped, and the device's", CLAIM, 0, Ok(0));
        if run.with_child(|run, child| {
            hooks(run, "fork", 1, 0);
            run.checks.success("the child's munmap", child.unmap(at, PAGES));
            hooks(run, "the child's munmap", 0, 1);
        }) {
            hooks(run, "the child's exit", 0, 0);
        }
        run.control("states of one mapping", STATES, 0, Ok(1));
        run.checks.success("munmap of a page", run.user.unmap(run.address(at, 2, 0), 1));
        let opened = run.ask("VMAs opened by cuts", OPENED, 0).unwrap_or_default();
        let closed = run.ask("VMAs closed by cuts", CLOSED, 0).unwrap_or_default();
        run.checks.equal("VMAs more after a page was taken out", &opened.saturating_sub(closed), &1);
        run.control("states of one mapping in two parts", STATES, 0, Ok(1));
    });
    hooks(run, "munmap of two parts", 0, 2);
    run.control("states of none", STATES, 0, Ok(0));
}

/// An open hook that fails: there is no mapping, and nobody closes it.
fn refuses_to_open<U: User>(run: &mut Run<'_, U>) {
    run.control("an open hook that fails", FAIL_OPEN, 0, Ok(0));
    run.refused(Map::shared(PAGES), Errno::ENFILE);
    hooks(run, "a mmap that was refused", 0, 0);
    run.control("states of none", STATES, 0, Ok(0));
    run.control("no open hook that fails", FAIL_OPEN, NEVER, Ok(0));
}

/// An open hook that fails for a child's VMA, or for a part of one: nothing is mapped there, and nobody closes it.
fn opens_no_copy<U: User>(run: &mut Run<'_, U>) {
    run.mapped(Map::shared(PAGES), |run, at| {
        run.shows("before a child", at, &device_pages(0, SHOWN));
        hooks(run, "mmap", 1, 0);
        run.control("a fork's open hook that fails", FAIL_OPEN, 0, Ok(0));
        run.with_child(|run, child| {
            let page = run.address(at, 1, 0);
            run.checks.failure("a child's load", child.read(page, &mut [0]), &Trap::Sigbus(page));
        });
        hooks(run, "a child that was refused", 0, 0);
        run.control("a cut's open hook that fails", FAIL_OPEN, 0, Ok(0));
        run.checks.success("munmap of the first page", run.user.unmap(at, 1));
        let rest = run.address(at, 1, 0);
        let loads: Vec<bool> =
            (1..SHOWN).map(|page| run.user.read(run.address(at, page, 0), &mut [0]).is_ok()).collect();
        // Whichever part is the new VMA: of one nothing is left, and the other was munmapped or is as before.
        let dead = run.user.read(rest, &mut [0]) == Err(Trap::Sigbus(rest));
        run.checks.equal("pages of the part that is left", &loads, &std::vec![!dead; SHOWN - 1]);
        run.control("no open hook that fails", FAIL_OPEN, NEVER, Ok(0));
    });
    hooks(run, "a part that was refused", 0, 1);
    run.control("states of none", STATES, 0, Ok(0));
}

/// A mmap that fails leaves nothing: no reference, no entry, no state, and no VMA that was not closed.
fn fails<U: User>(run: &mut Run<'_, U>) {
    let before = references(run);
    choose(run, Made::NotAtAll);
    run.refused(Map::shared(PAGES), Errno::EIO);
    hooks(run, "a mmap that has failed", 1, 1);
    run.checks.equal("references after a mmap that has failed", &references(run), &before);
    choose(run, Made::ByFaults);
    run.mapped(Map::shared(PAGES), |run, at| run.shows("behind a mmap that has failed", at, &device_pages(0, SHOWN)));
    run.control("states of none", STATES, 0, Ok(0));
}

/// The references of the pages, and behind them of the decoys, where the platform tells.
fn references<U: User>(run: &Run<'_, U>) -> Vec<Option<usize>> {
    (0..2 * PAGES).map(|page| run.user.references(page)).collect()
}

/// Pages that are inserted by their numbers are counted as pages are.
fn by_number<U: User>(run: &mut Run<'_, U>) {
    let before = references(run);
    choose(run, Made::ByNumber);
    run.mapped(Map::shared(PAGES), |run, at| {
        run.shows("pages by their numbers", at, &device_pages(0, SHOWN));
        if run.user.counts_ram_by_number() {
            let more =
                |(page, before): (usize, &Option<usize>)| before.map(|before| before + usize::from(page < SHOWN));
            let wanted: Vec<_> = before.iter().enumerate().map(more).collect();
            run.checks.equal("references of pages that were inserted by number", &references(run), &wanted);
        }
    });
    run.checks.equal("references after that", &references(run), &before);
}

/// The zero page is nobody's to write.
fn zeros<U: User>(run: &mut Run<'_, U>) {
    let zeros = [Slot::Zeros; PAGES];
    choose(run, Made::ZerosToRead);
    run.mapped(Map::shared(PAGES).read_only(), |run, at| {
        run.shows("zeros to read", at, &zeros);
        let stored = run.user.write(at, &[1]);
        run.checks.failure("a store to zeros to read", stored, &Trap::Sigsegv(at));
    });
    choose(run, Made::Zeros);
    run.refused(Map::shared(PAGES), Errno::EINVAL);
    run.refused(Map::shared(PAGES).read_only(), Errno::EINVAL);
    private_zeros(run);
    choose(run, Made::ZerosByFaults);
    for map in [Map::shared(PAGES), Map::shared(PAGES).read_only()] {
        run.mapped(map, |run, at| run.shows("zeros that could be written", at, &[Slot::Nothing; PAGES]));
    }
    run.mapped(Map::shared(PAGES), |run, at| {
        run.checks.failure("a store to no zeros", run.user.write(at, &[1]), &Trap::Sigbus(at));
    });
    private_zeros(run);
}

/// A private store to zeros is to a copy.
fn private_zeros<U: User>(run: &mut Run<'_, U>) {
    run.mapped(Map::private(PAGES), |run, at| {
        let stored = run.address(at, 1, 0);
        run.shows("private zeros", at, &[Slot::Zeros; PAGES]);
        run.checks.success("a private store", run.user.write(stored, &[0x7f]));
        run.mapped(Map::private(PAGES), |run, other| {
            run.shows("zeros beside a copy", other, &[Slot::Zeros; PAGES]);
            copied(run, stored);
        });
        let first = run.user.write(run.address(at, 2, 0), &[0x7f]);
        run.checks.success("a private store", first);
        copied(run, run.address(at, 2, 0));
    });
}

fn copied<U: User>(run: &mut Run<'_, U>, at: UserAddr) {
    let mut byte = [0];
    let read = run.user.read(at, &mut byte);
    run.checks.equal("what was stored privately", &(read, byte), &(Ok(()), [0x7f]));
}
