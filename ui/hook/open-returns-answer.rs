//! G2: another VMA of the mapping is not a fault.
use core::marker::PhantomData;
use core::ops::Range;
use vmctx::{Hooks, Mixed, PageOffset, Platform, VmFault, VmOperations};

struct Ring<P>(PhantomData<fn(P) -> P>);

fn open<'f, P: Platform>(_: &Ring<P>, _: Range<PageOffset>) -> VmFault<'f> {
    loop {}
}

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Mapping = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.open(open);
}

fn main() {}
