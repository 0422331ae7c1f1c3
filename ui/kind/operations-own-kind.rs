//! G9, G17: the state of a mapping of a kind of the driver's own.
use core::marker::PhantomData;
use vmctx::{Platform, VmOperations};

struct Ring<P>(PhantomData<fn(P) -> P>);

enum Framebuffer {}

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = Framebuffer;
}

fn main() {}
