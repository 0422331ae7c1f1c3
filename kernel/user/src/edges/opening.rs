//! VMAs that mmap, fork, cuts and moves make, and a driver that refuses them.

use vmctx::{Errno, UserAddr};
use vmctx_conformance::{
    Checks, devices,
    user::{Map, Refusal, Trap, User},
};

use super::{
    access::{open, page, touch},
    requests::{CLOSED, DROPPED, OPENED, SWITCH},
};
use crate::{
    calls::{self, PAGE},
    device::Process,
};

const PAGES: usize = 8;

/// VMAs opened and closed, and states dropped.
fn hooks(process: &Process) -> Result<[u64; 3], Refusal> {
    Ok([process.number(OPENED, 0)?, process.number(CLOSED, 0)?, process.number(DROPPED, 0)?])
}

fn shows(checks: &mut Checks, process: &Process, at: UserAddr, pages: impl Iterator<Item = usize>) {
    for number in pages {
        let byte = touch(process, page(at, number));
        checks.equal(format!("page {number}"), &byte, &Ok(devices::pattern(number * PAGE)));
    }
}

fn dead(checks: &mut Checks, process: &Process, at: UserAddr, pages: impl Iterator<Item = usize>) {
    for number in pages {
        let address = page(at, number);
        checks.equal(format!("page {number}"), &touch(process, address), &Err(Trap::Sigbus(address)));
    }
}

/// The hooks are called for each VMA, and one that is refused shows nothing.
pub(super) fn opened_and_refused(checks: &mut Checks, device: &str) -> Result<(), Refusal> {
    let process = open(device)?;
    let at = process.map(Map::shared(PAGES))?;
    checks.equal("mmap", &hooks(&process)?, &[1, 0, 0]);
    if let Some(child) = process.fork().transpose()? {
        checks.equal("fork", &hooks(&process)?, &[2, 0, 0]);
        shows(checks, &child, at, 0..PAGES);
    }
    checks.equal("the child's end", &hooks(&process)?, &[2, 1, 0]);
    process.unmap(page(at, 6), 1)?;
    checks.equal("a cut", &hooks(&process)?, &[4, 2, 0]);
    shows(checks, &process, at, (0..6).chain(7..8));
    let moved = process.move_to_somewhere(page(at, 7), 1)?;
    checks.equal("a move", &hooks(&process)?, &[5, 3, 0]);
    checks.equal("what was moved", &touch(&process, moved), &Ok(devices::pattern(7 * PAGE)));

    process.number(SWITCH, 0)?;
    if let Some(child) = process.fork().transpose()? {
        dead(checks, &child, at, 0..6);
        dead(checks, &child, moved, 0..1);
        // A VMA that was refused shows nothing, and neither do the two that a cut makes of it.
        child.unmap(page(at, 2), 1)?;
        dead(checks, &child, at, (0..2).chain(3..6));
    }
    checks.equal("a refused fork", &hooks(&process)?, &[5, 3, 0]);
    shows(checks, &process, at, 0..6);
    let refused = process.move_to_somewhere(moved, 1);
    checks.equal("a refused move", &refused, &Err(Refusal::Errno(Errno::ENOMEM)));
    checks.equal("hooks of a refused move", &hooks(&process)?, &[5, 3, 0]);
    checks.equal("what was to be moved", &touch(&process, moved), &Ok(devices::pattern(7 * PAGE)));
    // Both pieces that a cut leaves are new VMAs and refused; the old one is closed. In 6.1 the first piece is the old one.
    let refused = if calls::kernel_has(6, 12) { 2 } else { 1 };
    let (first, rest) = if refused == 2 { (0..0, 0..2) } else { (0..2, 0..0) };
    process.unmap(page(at, 2), 1)?;
    dead(checks, &process, at, rest.clone().chain(3..6));
    shows(checks, &process, at, first.clone());
    checks.equal("a refused cut", &hooks(&process)?, &[5, 2 + refused, 0]);
    process.number(SWITCH, 1)?;
    dead(checks, &process, at, rest.chain(3..6));
    shows(checks, &process, at, first);
    process.unmap(moved, 1)?;
    checks.equal("before the last", &hooks(&process)?, &[5, 3 + refused, 0]);
    process.unmap(at, PAGES)?;
    checks.equal("the end", &hooks(&process)?, &[5, 5, 1]);

    // Where the first is refused, mmap fails, and nothing is left to be closed.
    process.number(SWITCH, 0)?;
    checks.equal("a refused mmap", &process.map(Map::shared(PAGES)), &Err(Refusal::Errno(Errno::EPERM)));
    checks.equal("hooks of a refused mmap", &hooks(&process)?, &[5, 5, 2]);
    process.number(SWITCH, 1)?;
    // Where the hook fails after that, it is closed, too.
    checks.equal("a mmap behind the end fails", &process.map(Map::shared(PAGES + 1)).is_err(), &true);
    checks.equal("hooks of a failed mmap", &hooks(&process)?, &[6, 6, 3]);
    Ok(())
}
