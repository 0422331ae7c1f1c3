//! Device memory that is switched off while users have it mapped.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use vmctx_conformance::{
    Checks, devices,
    user::{Map, Refusal, Trap, User},
};

use super::{
    access::{open, page, touch},
    requests::SWITCH,
};
use crate::calls::PAGE;

const PAGES: usize = 4;

/// Under the driver's own lock, which its faults take. Whoever touches it sees the memory or gets a SIGBUS; and when it
/// is off nobody sees it.
pub(super) fn under_loads(checks: &mut Checks) -> Result<(), Refusal> {
    const ROUNDS: usize = 300;
    let (process, other) = (open("revoked")?, open("revoked")?);
    let (at, others) = (process.map(Map::shared(PAGES))?, other.map(Map::shared(PAGES))?);
    let done = AtomicBool::new(false);
    let (loads, traps) = thread::scope(|scope| {
        let threads: Vec<_> = (0..2)
            .map(|thread| {
                let (process, done) = (&process, &done);
                scope.spawn(move || {
                    let (mut loads, mut traps, mut wrong) = (0_usize, 0_usize, Vec::new());
                    let address = page(at, thread);
                    while !done.load(Ordering::Relaxed) {
                        match touch(process, address) {
                            Ok(byte) if byte == devices::pattern(thread * PAGE) => loads += 1,
                            Err(Trap::Sigbus(trapped)) if trapped == address => traps += 1,
                            other => wrong.push(format!("{other:?}")),
                        }
                    }
                    (loads, traps, wrong)
                })
            })
            .collect();
        for _ in 0..ROUNDS {
            process.number(SWITCH, 0)?;
            for number in 0..PAGES {
                let address = page(at, number);
                checks.equal("a load while it is off", &touch(&process, address), &Err(Trap::Sigbus(address)));
            }
            process.number(SWITCH, 1)?;
            checks.equal("a load while it is on", &touch(&process, page(at, 2)), &Ok(devices::pattern(2 * PAGE)));
        }
        done.store(true, Ordering::Relaxed);
        let mut sum = (0, 0);
        for thread in threads {
            let (loads, traps, wrong) = thread.join().unwrap_or_default();
            checks.equal("what else a load got", &wrong, &Vec::new());
            sum = (sum.0 + loads, sum.1 + traps);
        }
        Ok::<_, Refusal>(sum)
    })?;
    println!("  {loads} loads, {traps} SIGBUS in {ROUNDS} rounds");
    // Switching one device off does not reach another.
    process.number(SWITCH, 0)?;
    checks.equal("a load of another device's", &touch(&other, others), &Ok(devices::pattern(0)));
    other.unmap(others, PAGES)?;
    process.unmap(at, PAGES)
}
