//! G19: the hook as C has it.
use core::marker::PhantomData;
use vmctx::{Hooks, PfnMap, Platform, VmOperations};

struct Ring<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> = Hooks::NONE.access(Self::access);
}

impl<P: Platform> Ring<P> {
    fn access(&self, _address: usize, _buffer: &mut [u8], _write: bool) -> i32 {
        0
    }
}

fn main() {}
