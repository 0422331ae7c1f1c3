//! A file that describes its mappings, which are filled before they have a state.

use vmctx::Errno;
use vmctx_conformance::{
    Checks, devices,
    user::{Map, Refusal, User},
};

use super::{
    PREPARED,
    access::{open, page, touch},
    requests::{CLOSED, DROPPED, FAULTS, OPENED, STORES, SWITCH},
};
use crate::{
    calls::{self, PAGE},
    device::Process,
};

const PAGES: usize = 8;

/// Faults and stores that were told, VMAs opened and closed, and states dropped.
fn hooks(process: &Process) -> Result<[u64; 5], Refusal> {
    let count = |request| process.number(request, 0);
    Ok([count(FAULTS)?, count(STORES)?, count(OPENED)?, count(CLOSED)?, count(DROPPED)?])
}

/// All pages are there, without a fault, and their first stores are told; a mapping whose state cannot be made leaves
/// nothing, and no hook is called for it.
pub(super) fn filled_before_there_is_a_state(checks: &mut Checks) -> Result<(), Refusal> {
    let process = open("described")?;
    let before = process.number(PREPARED, 0)?;
    let at = process.map(Map::shared(PAGES))?;
    // Before 7.1 the file's mmap hook does what is described.
    let real = calls::kernel_has(7, 1);
    let prepared = process.number(PREPARED, 0)? - before;
    checks.equal("calls of f_op->mmap_prepare", &prepared, &u64::from(real));
    println!("  mappings are described {}", if real { "in f_op->mmap_prepare" } else { "in f_op->mmap" });
    for number in 0..PAGES {
        let byte = touch(&process, page(at, number));
        checks.equal(format!("page {number}"), &byte, &Ok(devices::pattern(number * PAGE)));
    }
    checks.equal("mmap and loads", &hooks(&process)?, &[0, 0, 1, 0, 0]);
    for store in [9, 10] {
        checks.success("a store", process.write(page(at, 2), &[store]));
        checks.equal("what was stored", &touch(&process, page(at, 2)), &Ok(store));
        checks.equal("the first store is told", &hooks(&process)?, &[0, 1, 1, 0, 0]);
    }
    process.unmap(at, PAGES)?;
    checks.equal("munmap", &hooks(&process)?, &[0, 1, 1, 1, 1]);

    process.number(SWITCH, 0)?;
    checks.equal("no state", &process.map(Map::shared(PAGES)), &Err(Refusal::Errno(Errno::ENOSPC)));
    checks.equal("behind the end", &process.map(Map::shared(PAGES + 1)), &Err(Refusal::Errno(Errno::ENXIO)));
    checks.equal("hooks of a mapping without a state", &hooks(&process)?, &[0, 1, 1, 1, 1]);
    process.number(SWITCH, 1)?;
    let at = process.map(Map::shared(PAGES))?;
    checks.equal("what was stored stays", &touch(&process, page(at, 2)), &Ok(10));
    checks.equal("one more", &hooks(&process)?, &[0, 1, 2, 1, 1]);
    Ok(())
}
