//! Histories: a difference is found and shortened, and what is the same does not differ.

use vmctx_conformance::{
    Device, Site, User,
    history::{DEVICES, FILES, NOPAGE, Pair, Step},
};
use vmctx_job::sim::{SimSite, SimUser};

/// How many steps a history has.
const STEPS: usize = 300;

/// The simulated machine, with devices of which one byte is wrong.
struct Wrong;

impl Site for Wrong {
    type User = SimUser;

    fn open(&self, device: Device) -> Result<SimUser, String> {
        let user = SimSite.open(device)?;
        user.device_write(3 * user.page_size() + 5, &[0]).map_err(|errno| errno.to_string())?;
        Ok(user)
    }
}

#[test]
fn a_difference_is_found_and_shortened_to_the_steps_that_it_needs() {
    let found = Pair { one: SimSite, two: Wrong }.play_random(&NOPAGE, 1, STEPS).unwrap();
    assert!(found.after > 0, "a history does not begin with the step that shows it");
    let [Step::Look | Step::DeviceLoad { .. }] = found.steps[..] else { panic!("more than one step: {found}") };
    let said = found.to_string();
    assert!(said.contains(&format!("seed 1 differs after {} steps", found.after)), "{said}");
    assert!(said.contains(&format!("Step::{:?},", found.steps[0])), "{said}");
}

#[test]
fn a_history_goes_the_same_way_twice() {
    let pair = Pair { one: SimSite, two: SimSite };
    for subject in DEVICES.iter().chain(&FILES) {
        for seed in [1, 2] {
            if let Some(found) = pair.play_random(subject, seed, STEPS) {
                panic!("{}: {found}", subject.name);
            }
        }
    }
}
