//! G7, G21: what inserts frames out of nothing.
use vmctx::{FrameSlots, PfnMap, Platform};

fn forge<'s, P: Platform>() -> FrameSlots<'s, P, PfnMap> {
    Default::default()
}

fn main() {}
