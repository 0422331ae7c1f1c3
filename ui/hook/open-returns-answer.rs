//! G2, G23: another VMA of the mapping is not a fault.
use core::marker::PhantomData;
use vmctx::{Hooks, Mixed, Platform, VmFault, VmOperations};

struct Ring<P>(PhantomData<fn(P) -> P>);

fn open<'f, P: Platform>(_: &Ring<P>) -> VmFault<'f> {
    loop {}
}

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.open(open);
}

fn main() {}
