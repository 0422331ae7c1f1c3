use core::sync::atomic::{AtomicBool, Ordering};
use std::{format, thread};

use vmctx::{Errno, PageOffset, UserAddr};

use super::run::Run;
use crate::{
    devices::hooks::{
        Act, CHOOSE_ACT, IS_PROTECTED, PAGES, RETRIES, Seen, TAKE, TRY_LOCK, WAIT, WAIT_IN_VAIN, WAITING, WAKE,
        WRITE_PROTECT,
    },
    mapping::device_pages,
    user::{Map, User},
};

/// How often a state of affairs is asked for that must not come: long enough for whoever would bring it about.
const LOOKS: usize = 200;

/// How often something is repeated that would go wrong only now and then.
const ROUNDS: usize = 20;

pub(crate) fn run<U: User>(mut run: Run<'_, U>) {
    told(&mut run);
    retried(&mut run);
    locked(&mut run);
    waited(&mut run);
    told_anew(&mut run);
    written_at_once(&mut run);
    mistaken(&mut run);
    replaced(&mut run);
    protected(&mut run);
    busy(&mut run);
    described(&mut run);
}

/// Maps all pages, with hooks that do this.
fn acting<U: User>(run: &mut Run<'_, U>, act: Act, act_on: impl FnOnce(&mut Run<'_, U>, UserAddr)) {
    choose(run, act);
    run.mapped(Map::shared(PAGES), act_on);
    run.device_fills(0, 2 * PAGES);
}

fn choose<U: User>(run: &mut Run<'_, U>, act: Act) {
    let chosen = Act::ALL.iter().position(|known| *known == act).unwrap_or(Act::ALL.len());
    run.control(format!("{act:?}"), CHOOSE_ACT, chosen as u64, Ok(0));
    for seen in 0..=Seen::Told as u64 {
        run.ask("what was seen before", TAKE, seen);
    }
}

fn saw<U: User>(run: &mut Run<'_, U>, what: &str, seen: Seen, wanted: u64) {
    run.control(format!("{what}: {seen:?}"), TAKE, seen as u64, Ok(wanted));
}

/// What hooks are told of a fault.
fn told<U: User>(run: &mut Run<'_, U>) {
    choose(run, Act::Insert);
    // Beside another mapping, so that a page table does not end where this one does.
    run.mapped(Map::shared(PAGES), |run, _| {
        // A part of the object, so that offsets count from elsewhere than addresses do.
        run.mapped(Map::shared(PAGES - 2).at(PageOffset::new(1)), told_of_a_part);
    });
    run.device_fills(0, PAGES);
}

fn told_of_a_part<U: User>(run: &mut Run<'_, U>, at: UserAddr) {
    for page in [1, 3] {
        let odd = run.address(at, page, run.user.page_size() / 3);
        run.checks.success("a store", run.user.write(odd, &[1]));
        saw(run, "a store to a page that is not there", Seen::Address, odd.get() as u64);
        saw(run, "a store to a page that is not there", Seen::Around, 0);
        saw(run, "a store to a page that is not there", Seen::Told, 1);
    }
    run.checks.success("a load", run.user.read(at, &mut [0]));
    saw(run, "faults of a user's", Seen::NotOfUser, 0);
    saw(run, "faults of a part of the object", Seen::Outside, 0);
}

/// A fault that was retried is not retried for ever: once, or twice where the first try was with the VMA's lock, which
/// Linux does not count as one.
fn retried<U: User>(run: &mut Run<'_, U>) {
    acting(run, Act::Retry, |run, at| {
        run.shows("tried twice", at, &device_pages(0, PAGES));
        let released = run.ask("locks given up", TAKE, Seen::Released as u64).unwrap_or(RETRIES);
        let reason = format!("{released} locks were given up in the faults of {PAGES} pages");
        run.checks.verdict((released > 2 * PAGES as u64).then_some(reason));
    });
}

/// A page lock lets one in at a time.
fn locked<U: User>(run: &mut Run<'_, U>) {
    for _ in 0..ROUNDS {
        acting(run, Act::LockPage, |run, at| {
            let size = run.user.page_size();
            run.together("faults that lock one page", |user, thread, checks| {
                for page in 0..PAGES {
                    let at = at.get() + (page + thread) % PAGES * size;
                    checks.success("a load", user.read(UserAddr::new(at), &mut [0]));
                }
            });
            saw(run, "faults that lock one page", Seen::NotAlone, 0);
        });
    }
}

/// Who waits is woken, all of them, and not before.
fn waited<U: User>(run: &mut Run<'_, U>) {
    run.control("a wait for what has happened", WAIT_IN_VAIN, 0, Ok(0));
    acting(run, Act::WaitInVain, |run, at| run.shows("waited in vain", at, &device_pages(0, PAGES)));
    for _ in 0..ROUNDS {
        choose(run, Act::Insert);
        let threads = run.threads.clamp(2, 4);
        let what = "threads that wait, and one that wakes them";
        run.checks.together(threads, what, |thread, checks| {
            let user = run.user;
            if thread == 0 {
                comes(user, (threads - 1) as u64);
                checks.equal("waking", &user.control(WAKE, 0), &Ok(0));
            } else {
                checks.equal("waiting until it has happened", &user.control(WAIT, 0), &Ok(1));
            }
        });
    }
}

/// Waits until so many wait.
fn comes<U: User>(user: &U, waiting: u64) {
    while user.control(WAITING, 0).is_ok_and(|now| now < waiting) {
        thread::yield_now();
    }
}

/// What was write-protected is told of its next store, whatever mprotect has done in between; so is what was never
/// written.
fn told_anew<U: User>(run: &mut Run<'_, U>) {
    for act in [Act::Insert, Act::TellFrame] {
        acting(run, act, |run, at| {
            let loaded = run.address(at, 2, 0);
            for page in [at, loaded] {
                run.checks.success("a load", run.user.read(page, &mut [0]));
            }
            run.checks.success("a store", run.user.write(at, &[0x21]));
            saw(run, "a first store", Seen::Told, 1);
            run.control("write protection", WRITE_PROTECT, 0, Ok(0));
            run.checks.success("a store to what was protected", run.user.write(at, &[0x22]));
            saw(run, "a store to what was protected", Seen::Told, 1);
            run.control("write protection", WRITE_PROTECT, 0, Ok(0));
            for writable in [false, true] {
                if let Some(protected) = run.user.protect(at, PAGES, writable) {
                    run.checks.success("mprotect", protected);
                }
            }
            for page in [at, loaded] {
                run.checks.success("a store behind mprotect", run.user.write(page, &[0x23]));
                saw(run, "a store behind mprotect", Seen::Told, 1);
            }
        });
    }
}

/// A frame that the fault of a store inserts to be written: nobody is asked any more. In a private mapping the store
/// gets a copy.
fn written_at_once<U: User>(run: &mut Run<'_, U>) {
    acting(run, Act::WriteFrame, |run, at| {
        run.checks.success("a store", run.user.write(at, &[0x31]));
        saw(run, "a store that the fault hook knew of", Seen::Told, 0);
        run.checks.success("a load", run.user.read(run.address(at, 1, 0), &mut [0]));
        run.checks.success("a store behind a load", run.user.write(run.address(at, 1, 0), &[0x32]));
        saw(run, "a store behind a load", Seen::Told, 1);
        let mut byte = [0];
        run.checks.success("a load", run.user.read(at, &mut byte));
        run.checks.equal("what was stored at once", &byte, &[0x31]);
    });
    let private = Map::private(PAGES);
    run.mapped(private, |run, at| {
        run.checks.success("a private store", run.user.write(at, &[0x77]));
    });
    run.mapped(private.read_only(), |run, at| {
        let mut byte = [0];
        run.checks.success("a load", run.user.read(at, &mut byte));
        run.checks.equal("a frame after a private store", &byte, &[0x31]);
    });
}

/// Of another frame than the one that is there no store is let through.
fn mistaken<U: User>(run: &mut Run<'_, U>) {
    acting(run, Act::MistakeFrame, |run, at| {
        let page = run.address(at, 2, 0);
        run.checks.success("a load", run.user.read(page, &mut [0]));
        run.checks.success("a store", run.user.write(page, &[0x41]));
        saw(run, "a store that was let through to another frame first", Seen::Told, 2);
    });
}

/// A page that goes while its first store is told: the store goes to the page that has taken its place.
fn replaced<U: User>(run: &mut Run<'_, U>) {
    acting(run, Act::ReplacePage, |run, at| {
        run.shows("before", at, &device_pages(0, PAGES));
        run.checks.success("a store", run.user.write(at, &[0x51]));
        saw(run, "a store to a page that was replaced meanwhile", Seen::Told, 1);
        for (page, wanted) in [(0, crate::devices::pattern(0)), (PAGES, 0x51)] {
            let mut byte = [0];
            let read = crate::mapping::device_read(run.user, page * run.user.page_size(), &mut byte);
            run.checks.equal(format!("page {page} of the device"), &(read, byte), &(Ok(()), [wanted]));
        }
    });
}

/// A page that is write-protected while its first store is told: that happens before the store, which is then told once
/// more, or after it, and then the next store is told.
fn protected<U: User>(run: &mut Run<'_, U>) {
    acting(run, Act::HoldPage, |run, at| {
        run.checks.success("a load", run.user.read(at, &mut [0]));
        let asks = AtomicBool::new(false);
        run.checks.together(3, "a store, a request to protect the page, and a look", |thread, checks| {
            let user = run.user;
            match thread {
                0 => {
                    checks.success("a store that is held", user.write(at, &[0x61]));
                }
                1 => {
                    comes(user, 1);
                    asks.store(true, Ordering::Release);
                    checks.equal("protecting the page", &user.control(WRITE_PROTECT, 0), &Ok(0));
                }
                _ => {
                    while !asks.load(Ordering::Acquire) {
                        thread::yield_now();
                    }
                    // A platform that does not wait for the page comes to its end meanwhile.
                    for _ in 0..LOOKS {
                        thread::yield_now();
                        if user.control(IS_PROTECTED, 0) == Ok(1) {
                            break;
                        }
                    }
                    checks.equal("letting the store go on", &user.control(WAKE, 0), &Ok(0));
                }
            }
        });
        run.checks.success("a store behind it", run.user.write(at, &[0x62]));
        saw(run, "two stores, and protection during the first", Seen::Told, 2);
    });
}

/// A mapping that cannot be locked now is not waited for.
fn busy<U: User>(run: &mut Run<'_, U>) {
    acting(run, Act::Insert, |run, _| {
        let chosen = Act::ALL.iter().position(|known| *known == Act::HoldMmap).unwrap_or(Act::ALL.len());
        run.control("mmap hooks that wait", CHOOSE_ACT, chosen as u64, Ok(0));
        run.checks.together(2, "a mmap, and a mapping that is locked meanwhile", |thread, checks| {
            let user = run.user;
            if thread == 0 {
                checks.equal("locking without waiting", &user.control(TRY_LOCK, 0), &Err(Errno::EAGAIN));
            } else {
                comes(user, 1);
                if let Some(at) = checks.success("a mmap that waits", user.map(Map::shared(1))) {
                    checks.success("munmap", user.unmap(at, 1));
                }
            }
        });
    });
}

/// What was described is mapped at once, and its first stores are told.
fn described<U: User>(run: &mut Run<'_, U>) {
    acting(run, Act::Describe, |run, at| {
        run.shows("described", at, &device_pages(0, PAGES));
        for wanted in [1, 0] {
            run.checks.success("a store", run.user.write(run.address(at, 3, 0), &[0x71]));
            saw(run, "a store to what was described", Seen::Told, wanted);
        }
    });
}
