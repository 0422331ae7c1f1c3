//! G23: `open` is no fault, and has none of a fault's token.
use core::marker::PhantomData;
use vmctx::{Errno, FaultCtx, Hooks, Mixed, Platform, VmOperations};

struct Event<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> Event<P> {
    fn open<'f>(&'f self, _ctx: FaultCtx<'f, P, Mixed>) -> Result<(), Errno> {
        Ok(())
    }
}

impl<P: Platform> VmOperations for Event<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.open(Self::open);
}

fn main() {}
