//! Scenarios that hang are given up and named. That those are not which are only slow is tested beside `Runner`.

use std::{sync::Arc, thread, time::Duration};

use vmctx::{Errno, FaultCtx, Normal, VmFault, VmOperations};
use vmctx_conformance::{
    Device, Outcome, Runner, Site,
    devices::{self, Opened},
    table::Table,
};
use vmctx_drivers::buffer::Buffer;
use vmctx_job::{
    report,
    sim::{SimSite, SimUser, user_of},
};
use vmctx_sim::{Machine, Sim};

use crate::wrong::{Ref, at_mmap, pages};

/// Long enough for a busy machine to make the first checks.
const PATIENCE: Duration = Duration::from_secs(4);

/// A relay whose fault hook does this first.
struct Relay {
    buffer: Ref<Buffer<Sim>>,
    first: fn(),
}

impl VmOperations for Relay {
    type Platform = Sim;
    type Kind = Normal;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Sim, Normal>) -> VmFault<'f> {
        (self.first)();
        match self.buffer.page(ctx.pgoff()) {
            Some(page) => ctx.deliver(page.clone()),
            None => ctx.fail(Errno::ENXIO),
        }
    }
}

/// Simulated machines with such a relay.
struct WithRelay(fn());

impl Site for WithRelay {
    type User = SimUser;

    fn open(&self, device: Device) -> Result<SimUser, String> {
        if device != Device::Relay {
            return SimSite.open(device);
        }
        let machine = Machine::new();
        let ((buffer, side), first) = (pages(&machine, devices::relay::PAGES), self.0);
        let driver = at_mmap(move |ctx| {
            if ctx.page_count() != buffer.page_count() {
                return Err(Errno::EINVAL);
            }
            Ok(ctx.writable().establish(Relay { buffer: buffer.clone(), first })?.fill_later())
        });
        Ok(user_of(&machine, Opened::new(driver, side)))
    }
}

fn waits_for_ever() {
    loop {
        thread::park();
    }
}

#[test]
fn a_scenario_that_hangs_is_named_and_is_the_last() {
    let mut begun = Vec::new();
    let devices = [Device::Kcov, Device::Relay, Device::DevMem];
    let runner = Runner::new(2).patience(PATIENCE);
    let outcomes = runner.run_all(&Arc::new(WithRelay(waits_for_ever)), devices, |device| begun.push(device));
    assert_eq!(begun, [Device::Kcov, Device::Relay]);
    let [kcov, relay] = &outcomes[..] else { panic!("{}", Table(&outcomes)) };
    assert!(kcov.is_ok() && !kcov.hangs);
    assert!(!relay.is_ok() && relay.hangs);

    let mut said = Vec::new();
    assert!(!report(&mut said, &outcomes, "sim").unwrap());
    let said = String::from_utf8(said).unwrap();
    for wanted in [
        "FAILED: hangs after 1 checks",
        "\nrelay: hangs: no check for 4s, after 1 checks\n",
        "\nrelay: the last thing known: 8 pages at 0, shared: reading\n",
        "\nrelay: the last thing known, of thread 0: 8 pages at 0, shared: page 0, read\n",
        "\nrelay: the last thing known, of thread 1: 8 pages at 0, shared: page 0, read\n",
    ] {
        assert!(said.contains(wanted), "no `{wanted}` in\n{said}");
    }
}

#[test]
fn a_device_that_cannot_be_opened_in_time_is_named() {
    struct Nowhere;
    impl Site for Nowhere {
        type User = SimUser;

        fn open(&self, _: Device) -> Result<SimUser, String> {
            waits_for_ever();
            Err("somebody came".to_owned())
        }
    }
    let outcome = Runner::new(1).patience(Duration::from_millis(1)).run(&Arc::new(Nowhere), Device::Kcov);
    assert!(outcome.hangs && !outcome.is_ok());
    let table = Table(&[outcome]).to_string();
    assert!(table.contains("\nkcov: the last thing known: "), "{table}");
}

#[test]
fn a_scenario_that_panics_has_failed() {
    struct Broken;
    impl Site for Broken {
        type User = SimUser;

        fn open(&self, _: Device) -> Result<SimUser, String> {
            panic!("the site is broken");
        }
    }
    let outcome: Outcome = Runner::new(1).run(&Arc::new(Broken), Device::Kcov);
    assert!(!outcome.is_ok() && !outcome.hangs);
    assert_eq!(outcome.failed.first().map(String::as_str), Some("the scenario panicked: the site is broken"));
}
