//! Calls with numbers at the extremes, on the simulated machine: the first byte chooses a device, the others the calls.
#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};

use vmctx_conformance::{Device, history::play_given_numbers};
use vmctx_job::sim::{SimHost, user_of};
use vmctx_sim::Machine;

fuzz_target!(|given: &[u8]| -> Corpus {
    let Some((first, given)) = given.split_first() else { return Corpus::Reject };
    let Some(device) = Device::ALL.get(usize::from(*first)) else { return Corpus::Reject };
    let machine = Machine::new();
    let user = user_of(&machine, device.open(&SimHost(machine.clone())).unwrap());
    play_given_numbers(&user, given).unwrap_or_else(|wrong| panic!("{device}: {wrong}"));
    drop(user);
    machine.check_leaks().unwrap_or_else(|leaks| panic!("{device}: {leaks}"));
    Corpus::Keep
});
