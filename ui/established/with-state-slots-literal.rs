//! G7, G21: what inserts frames, made up field by field.
use vmctx::{FrameSlots, PfnMap, Platform};

fn forge<'s, P: Platform>() -> FrameSlots<'s, P, PfnMap> {
    FrameSlots {}
}

fn main() {}
