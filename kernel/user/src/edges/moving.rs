//! Memory that moves between a device and RAM.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use vmctx_conformance::{
    Checks,
    devices::{self, spufs::SWITCH},
    user::{Map, Refusal, User},
};
use vmctx_drivers::spufs::hardware_page;

use super::access::{open, page, touch};
use crate::calls::PAGE;

const PAGES: usize = hardware_page(PAGE) / PAGE;

/// No load sees what was left where the memory has been, and no store is lost there.
pub(super) fn under_loads_and_stores(checks: &mut Checks) -> Result<(), Refusal> {
    const MOVES: usize = 2000;
    let process = open("spufs")?;
    let at = process.map(Map::shared(PAGES))?;
    let done = AtomicBool::new(false);
    let (loads, stores) = thread::scope(|scope| {
        let loads = scope.spawn(|| {
            let (mut loads, mut wrong) = (0_usize, Vec::new());
            // Once at least, also if all moves are over before this thread gets a processor.
            loop {
                let number = 1 + loads % (PAGES - 1);
                match touch(&process, page(at, number)) {
                    Ok(byte) if byte == devices::pattern(number * PAGE) => loads += 1,
                    other => wrong.push(format!("page {number}: {other:?}")),
                }
                if done.load(Ordering::Relaxed) {
                    break;
                }
            }
            (loads, wrong)
        });
        let stores = scope.spawn(|| {
            let (mut stores, mut wrong) = (0_usize, Vec::new());
            loop {
                let byte = stores as u8;
                if let Err(trap) = process.write(at, &[byte]) {
                    wrong.push(trap.to_string());
                }
                match touch(&process, at) {
                    Ok(found) if found == byte => stores += 1,
                    other => wrong.push(format!("{byte} was stored, {other:?} is there")),
                }
                if done.load(Ordering::Relaxed) {
                    break;
                }
            }
            (stores, wrong)
        });
        for round in 0..MOVES {
            // To one processor, to RAM, to the other processor.
            let to = [1, 0, 2, 1, 2, 0][round % 6];
            if let Err(refusal) = process.number(SWITCH, to) {
                checks.verdict(Some(format!("move {round}: {refusal}")));
                break;
            }
        }
        done.store(true, Ordering::Relaxed);
        let mut counts = [0; 2];
        for (count, thread) in counts.iter_mut().zip([loads, stores]) {
            let (accesses, wrong) = thread.join().unwrap_or_default();
            checks.equal("stale bytes", &wrong, &Vec::new());
            *count = accesses;
        }
        (counts[0], counts[1])
    });
    checks.verdict((loads == 0 || stores == 0).then(|| "nobody got to the memory".into()));
    println!("  {loads} loads and {stores} stores during {MOVES} moves");
    process.unmap(at, PAGES)
}
