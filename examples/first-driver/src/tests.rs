//! What users of the pad notice, on a machine that is a value: each test has one of its own.

use std::boxed::Box;

use vmctx::{Errno, PageCount, PageOffset, PageRef, UserAddr};
use vmctx_sim::{Limits, Machine, Map, Signal, Sim, sweep};

use crate::Pad;

type Result = core::result::Result<(), Box<dyn std::error::Error>>;

const PAGE: usize = 4096;

#[test]
fn users_and_the_driver_share_the_pages() -> Result {
    let machine = Machine::new();
    let pad = Pad::<Sim>::new(2, &machine, machine.may_sleep())?;
    let second = PageOffset::new(1).of(pad.pages()).ok_or(Errno::ENXIO)?.clone();
    let file = machine.open(pad);
    let (one, other) = (machine.process(), machine.process());

    let at = one.mmap(&file, Map::shared(2 * PAGE))?;
    one.thread().write(UserAddr::new(at.get() + PAGE), b"hello")?;
    let mut bytes = [0; 5];
    second.read(0, &mut bytes)?;
    assert_eq!(&bytes, b"hello");

    // Another process maps the second page alone.
    let at = other.mmap(&file, Map::shared(PAGE).offset_bytes(PAGE as u64))?;
    assert_eq!(other.thread().read_u8(at)?, b'h');
    assert!(machine.reports().is_empty());
    Ok(())
}

#[test]
fn behind_the_pad_is_nothing() -> Result {
    let machine = Machine::new();
    let file = machine.open(Pad::<Sim>::new(1, &machine, machine.may_sleep())?);
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(2 * PAGE))?;
    let behind = UserAddr::new(at.get() + PAGE);
    assert_eq!(process.thread().read_u8(behind).unwrap_err().signal(), Some(Signal::Sigbus(behind)));
    Ok(())
}

#[test]
fn nobody_maps_it_privately() -> Result {
    let machine = Machine::new();
    let file = machine.open(Pad::<Sim>::new(1, &machine, machine.may_sleep())?);
    assert_eq!(machine.process().mmap(&file, Map::private(PAGE)).unwrap_err().errno(), Some(Errno::EINVAL));
    Ok(())
}

#[test]
fn a_machine_without_memory_has_no_pad() {
    let machine = Machine::with_limits(Limits { frames: PageCount::new(3), ..Limits::default() });
    let pad = Pad::<Sim>::new(4, &machine, machine.may_sleep());
    assert_eq!(pad.err(), Some(Errno::ENOMEM));
    machine.check_leaks().unwrap();
}

#[test]
fn whatever_fails_nothing_is_left_behind() {
    // The same once for each allocation and insertion, which then fails.
    let failures = sweep(|machine| {
        let Ok(pad) = Pad::<Sim>::new(2, machine, machine.may_sleep()) else { return };
        let (file, process) = (machine.open(pad), machine.process());
        if let Ok(at) = process.mmap(&file, Map::shared(2 * PAGE)) {
            // A signal is what an insertion that fails is to give. Bytes are the pad's.
            if let Ok(byte) = process.thread().read_u8(at) {
                assert_eq!(byte, 0);
            }
        }
    });
    assert!(failures.unwrap() > 4);
}
