//! G23: `open` is told of a VMA when it is there, and inserts nothing.
use core::marker::PhantomData;
use vmctx::{Errno, Hooks, Mixed, MmapCtx, Platform, VmOperations};

struct Event<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> Event<P> {
    fn open(&self, _ctx: MmapCtx<'_, P, Mixed>) -> Result<(), Errno> {
        Ok(())
    }
}

impl<P: Platform> VmOperations for Event<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.open(Self::open);
}

fn main() {}
