//! G13, G18: the promise made with `unsafe`, in a driver that has none.
#![forbid(unsafe_code)]
use core::marker::PhantomData;
use vmctx::{FrameSource, PageCount, Platform};

struct Everything<P>(PhantomData<fn(P) -> P>);

unsafe impl<P: Platform> FrameSource for Everything<P> {
    type Platform = P;

    fn base(&self) -> u64 {
        0
    }

    fn count(&self) -> PageCount {
        PageCount::new(1 << 36)
    }
}

fn main() {}
