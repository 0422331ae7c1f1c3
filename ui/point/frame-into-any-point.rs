//! G21: a helper for both hooks that inserts a frame, and does not say for how long it is borrowed.
use vmctx::{Frame, InsertPoint, PfnMap, Platform};

fn place<'s, P: Platform, I: InsertPoint<Platform = P, Kind = PfnMap>>(at: I, frame: Frame<'s, P>) -> I::Outcome {
    at.insert_pfn(frame)
}

fn main() {}
