//! Every device on a simulated machine with larger pages.

#[path = "../../conformance/job/src/sim.rs"]
#[expect(unreachable_pub, reason = "the main job has the same file")]
mod sim;

use std::sync::Arc;

use vmctx::Platform;
use vmctx_conformance::{Device, Outcome, Runner, table::Table};
use vmctx_sim::Sim;

#[test]
fn all_devices_are_in_order() {
    let shift = if cfg!(feature = "pages-64k") { 16 } else { 14 };
    assert_eq!(Sim::PAGE_SIZE, 1 << shift);
    let outcomes = Runner::new(4).run_all(&Arc::new(sim::SimSite), Device::ALL.iter().copied(), |_| {});
    assert!(outcomes.iter().all(Outcome::is_ok), "{}", Table(&outcomes));
}
