//! G7: a state that must not change threads, when faults come on any.
use core::marker::PhantomData;
use vmctx::{Mixed, Platform, VmOperations};

struct NotSend(PhantomData<*mut ()>);

struct Ring<P> {
    local: NotSend,
    platform: PhantomData<fn(P) -> P>,
}

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = Mixed;
}

fn main() {}
