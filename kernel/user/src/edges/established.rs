//! Mappings that an ioctl comes back to.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use vmctx::{Errno, UserAddr};
use vmctx_conformance::{
    Checks, devices,
    user::{Map, Refusal, Trap, User},
};

use super::{
    access::{open, page, range, touch},
    requests::{FIND, FIND_AS_ANOTHER, INSERT, ZAP},
};
use crate::{
    calls::{self, PAGE},
    device::Process,
};

const PAGES: usize = 16;

/// How many pages went in, and what stopped it.
fn insert(process: &Process, first: u32, count: u32) -> Result<(u64, Option<Errno>), Refusal> {
    let answer = process.number(INSERT, range(first, count))?;
    Ok((answer & 0xffff_ffff, Errno::from_raw((answer >> 32) as i32)))
}

/// Which pages of a mapping from page 0 on are there; the others are a SIGBUS.
fn shows(checks: &mut Checks, process: &Process, at: UserAddr, pages: &[usize]) {
    for number in 0..PAGES {
        let address = page(at, number);
        let wanted =
            if pages.contains(&number) { Ok(devices::pattern(number * PAGE)) } else { Err(Trap::Sigbus(address)) };
        checks.equal(format!("page {number}"), &touch(process, address), &wanted);
    }
}

const fn errno<T>(errno: Errno) -> Result<T, Refusal> {
    Err(Refusal::Errno(errno))
}

/// A batch says exactly how many pages went in, and passes over those that are there.
pub(super) fn inserts_and_zaps(checks: &mut Checks) -> Result<(), Refusal> {
    let process = open("established")?;
    checks.equal("before any mapping", &insert(&process, 0, 1), &errno(Errno::EINVAL));
    let at = process.map(Map::shared(PAGES))?;
    shows(checks, &process, at, &[]);
    checks.equal("one page", &insert(&process, 5, 1), &Ok((1, None)));
    checks.equal("a batch that meets it", &insert(&process, 0, 8), &Ok((7, None)));
    shows(checks, &process, at, &[0, 1, 2, 3, 4, 5, 6, 7]);
    checks.equal("a batch that meets some at once", &insert(&process, 5, 4), &Ok((1, None)));
    checks.equal("a batch of which all are there", &insert(&process, 0, 9), &Ok((0, None)));
    process.number(ZAP, range(1, 4))?;
    process.number(ZAP, range(6, 3))?;
    shows(checks, &process, at, &[0, 5]);
    checks.equal("a batch that ends with one", &insert(&process, 1, 5), &Ok((4, None)));
    checks.equal("a batch that begins with one", &insert(&process, 5, 11), &Ok((10, None)));
    process.number(ZAP, range(0, 1000))?;
    shows(checks, &process, at, &[]);
    checks.equal("all", &insert(&process, 0, PAGES as u32), &Ok((PAGES as u64, None)));
    shows(checks, &process, at, &(0..PAGES).collect::<Vec<_>>());
    process.unmap(at, PAGES)
}

/// Slots are found by page offset, wherever the user has them.
pub(super) fn cut_and_moved(checks: &mut Checks) -> Result<(), Refusal> {
    let process = open("established")?;
    let at = process.map(Map::shared(PAGES))?;
    process.unmap(page(at, 5), 1)?;
    checks.equal("into a hole", &insert(&process, 0, 8), &Ok((5, Some(Errno::EFAULT))));
    checks.equal("behind the hole", &insert(&process, 6, 10), &Ok((10, None)));
    // The back of the mapping is moved to addresses before its front.
    let place = calls::mmap(-1, PAGES * PAGE, libc::PROT_NONE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, 0)?;
    let moved = calls::mremap(page(at, 6), 4 * PAGE, place, 4 * PAGE)?;
    checks.equal("a page that was moved", &touch(&process, moved), &Ok(devices::pattern(6 * PAGE)));
    process.number(ZAP, range(0, PAGES as u32))?;
    checks.equal("a page that was zapped", &touch(&process, moved), &Err(Trap::Sigbus(moved)));
    checks.equal("over both", &insert(&process, 6, 10), &Ok((10, None)));
    checks.equal("the moved one", &touch(&process, moved), &Ok(devices::pattern(6 * PAGE)));
    let stayed = page(at, 10);
    checks.equal("the one that stayed", &touch(&process, stayed), &Ok(devices::pattern(10 * PAGE)));
    // A second place for the same slots: a zap reaches it as well.
    let again = calls::mremap(page(at, 10), 0, page(place, 4), 6 * PAGE)?;
    checks.equal("before: the second place", &touch(&process, again), &Err(Trap::Sigbus(again)));
    process.number(ZAP, range(10, 1))?;
    checks.equal("into one of two places", &insert(&process, 10, 1), &Ok((1, None)));
    let there = [touch(&process, stayed).is_ok(), touch(&process, again).is_ok()];
    checks.equal("places that have it", &there.iter().filter(|there| **there).count(), &1);
    process.number(ZAP, range(10, 1))?;
    let there = [touch(&process, stayed).is_ok(), touch(&process, again).is_ok()];
    checks.equal("places that have it after the zap", &there, &[false, false]);
    process.unmap(at, PAGES)?;
    process.unmap(place, PAGES)
}

/// The mapping is gone, or the process: an errno, whatever is at the address now.
pub(super) fn gone(checks: &mut Checks) -> Result<(), Refusal> {
    let process = open("established")?;
    let at = process.map(Map::shared(PAGES))?;
    process.unmap(at, PAGES)?;
    checks.equal("after munmap", &insert(&process, 0, 1), &errno(Errno::EFAULT));
    let other = open("established")?;
    other.map_at(Map::shared(PAGES), at)?;
    checks.equal("another file's at the address", &insert(&process, 0, 1), &errno(Errno::EFAULT));
    shows(checks, &other, at, &[]);
    checks.equal("which has its own", &insert(&other, 2, 1), &Ok((1, None)));
    shows(checks, &other, at, &[2]);
    other.unmap(at, PAGES)?;

    // A child makes the mapping, and exits.
    // SAFETY: the child only makes system calls.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let mapped = process.map(Map::shared(PAGES)).is_ok();
        // SAFETY: ends the child, without what the parent has registered for its own end.
        unsafe { libc::_exit(i32::from(!mapped)) };
    }
    let mut status = -1;
    // SAFETY: it is our child, and nobody else waits for it.
    unsafe { libc::waitpid(child, &mut status, 0) };
    checks.equal("the child's status", &status, &0);
    checks.equal("after the process", &insert(&process, 0, 1), &errno(Errno::ESRCH));
    Ok(())
}

/// A mapping is found by an address of the caller's if it has the device's operations.
pub(super) fn found(checks: &mut Checks) -> Result<(), Refusal> {
    let (process, same, wrong) = (open("established")?, open("established")?, open("around")?);
    let at = process.map(Map::shared(PAGES))?;
    let find = |process: &Process, at: UserAddr| process.number(FIND, at.get());
    checks.equal("its own", &find(&process, page(at, 3)), &Ok(3));
    checks.equal("of another file", &find(&same, page(at, 3)), &errno(Errno::EPERM));
    let other = wrong.map(Map::shared(1))?;
    checks.equal("of another device", &find(&process, other), &errno(Errno::EINVAL));
    let anonymous = calls::mmap(-1, PAGE, libc::PROT_READ, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, 0)?;
    checks.equal("of no device", &find(&process, anonymous), &errno(Errno::EINVAL));
    calls::munmap(anonymous, PAGE)?;
    checks.equal("of nothing", &find(&process, anonymous), &errno(Errno::EFAULT));
    checks.equal("the first address", &find(&process, UserAddr::new(0)), &errno(Errno::EFAULT));
    checks.equal("the last address", &find(&process, UserAddr::new(usize::MAX)), &errno(Errno::EFAULT));
    if let Some(child) = process.fork().transpose()? {
        process.unmap(at, PAGES)?;
        checks.equal("gone from the parent", &find(&process, at), &errno(Errno::EFAULT));
        checks.equal("the child's own", &find(&child, page(at, 7)), &Ok(7));
    }
    wrong.unmap(other, 1)
}

/// Insertions and zaps while the mapping is made and unmade: each finds it or does not.
pub(super) fn while_it_changes(checks: &mut Checks) -> Result<(), Refusal> {
    const ROUNDS: usize = 300;
    let process = open("established")?;
    let first = process.map(Map::shared(PAGES))?;
    let done = AtomicBool::new(false);
    let wrong = thread::scope(|scope| {
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let (process, done) = (&process, &done);
                scope.spawn(move || {
                    let mut wrong = Vec::new();
                    while !done.load(Ordering::Relaxed) {
                        match insert(process, 0, PAGES as u32) {
                            Ok((_, None | Some(Errno::EFAULT))) | Err(Refusal::Errno(Errno::EFAULT)) => {}
                            other => wrong.push(format!("{other:?}")),
                        }
                        match process.number(ZAP, range(0, PAGES as u32)) {
                            Ok(_) | Err(Refusal::Errno(Errno::EFAULT)) => {}
                            other => wrong.push(format!("{other:?}")),
                        }
                    }
                    wrong
                })
            })
            .collect();
        let mut at = first;
        for round in 0..ROUNDS {
            let changed = match round % 3 {
                0 => process.move_to_somewhere(at, PAGES).map(|moved| at = moved),
                1 => process.unmap(at, PAGES),
                _ => process.map(Map::shared(PAGES)).map(|mapped| at = mapped),
            };
            checks.success(format!("round {round}"), changed);
        }
        done.store(true, Ordering::Relaxed);
        let wrong = threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect::<Vec<_>>();
        process.unmap(at, PAGES).map(|()| wrong)
    })?;
    checks.equal("what else came back", &wrong, &Vec::new());
    Ok(())
}

/// A mapping of frames by number is not found as one of pages, whose insertion would be a `BUG_ON`.
pub(super) fn not_of_another_type(checks: &mut Checks) -> Result<(), Refusal> {
    let process = open("two_types")?;
    let at = process.map(Map { writable: false, ..Map::shared(1) })?;
    checks.equal("by its own type", &process.number(FIND, at.get()), &Ok(0));
    checks.equal("by the other", &process.number(FIND_AS_ANOTHER, at.get()), &errno(Errno::EINVAL));
    checks.equal("a touch", &touch(&process, at), &Err(Trap::Sigbus(at)));
    process.unmap(at, 1)
}
