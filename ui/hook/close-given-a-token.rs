//! G23: `close` is told of a VMA whose pages have gone, and inserts nothing.
use core::marker::PhantomData;
use vmctx::{FaultCtx, Hooks, Mixed, Platform, VmOperations};

struct Event<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> Event<P> {
    fn close<'f>(&'f self, _ctx: FaultCtx<'f, P, Mixed>) {}
}

impl<P: Platform> VmOperations for Event<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.close(Self::close);
}

fn main() {}
