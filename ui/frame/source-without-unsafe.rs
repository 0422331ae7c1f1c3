//! G13, G18: a source of frames makes a promise about physical memory, and a driver cannot make one.
use core::marker::PhantomData;
use vmctx::{FrameSource, PageCount, Platform};

struct Everything<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> FrameSource for Everything<P> {
    type Platform = P;

    fn base(&self) -> u64 {
        0
    }

    fn count(&self) -> PageCount {
        PageCount::new(1 << 36)
    }
}

fn main() {}
