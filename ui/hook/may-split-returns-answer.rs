//! G2: the question whether a mapping may be cut is not a fault.
use core::marker::PhantomData;
use vmctx::{Hooks, Mixed, PageOffset, Platform, VmFault, VmOperations};

struct Ring<P>(PhantomData<fn(P) -> P>);

fn may_split<'f, P: Platform>(_: &Ring<P>, _: PageOffset) -> VmFault<'f> {
    loop {}
}

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.may_split(may_split);
}

fn main() {}
