//! Calls with numbers at the extremes, on both platforms, with every device: none ends in a panic, and nothing is left.

use vmctx_conformance::{Device, history::play_numbers};
use vmctx_job::sim::{SimHost, user_of};
use vmctx_sim::Machine;

/// How many calls each device gets: more than 100,000 together.
const CALLS: usize = 3000;

#[test]
fn no_number_is_too_much_for_the_simulated_machine() {
    for (seed, device) in (1..).zip(Device::ALL) {
        let machine = Machine::new();
        let user = user_of(&machine, device.open(&SimHost(machine.clone())).unwrap());
        play_numbers(&user, seed, CALLS).unwrap_or_else(|wrong| panic!("{device}: {wrong}"));
        drop(user);
        machine.check_leaks().unwrap_or_else(|leaks| panic!("{device}, seed {seed}: {leaks}"));
    }
}

/// On real memory a call takes a thousand times longer, so only some devices get some calls.
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
#[test]
fn no_number_is_too_much_for_real_memory() {
    use vmctx_conformance::Site;
    let Ok(site) = vmctx_job::uffd::UffdSite::new() else { return };
    for (seed, device) in (1..).zip([Device::Rights, Device::Nopage, Device::Dax, Device::VfioPci, Device::FbDefio]) {
        let user = site.open(device).unwrap();
        play_numbers(&user, seed, CALLS / 10).unwrap_or_else(|wrong| panic!("{device}: {wrong}"));
    }
}
