//! G7, G8: `huge_fault` that asks for another hook's token.
use core::marker::PhantomData;
use vmctx::{Errno, FaultCtx, Hooks, Mixed, Platform, VmFault, VmOperations};

struct Ring<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> Ring<P> {
    fn huge_fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        ctx.fail(Errno::EIO)
    }
}

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.huge_fault(Self::huge_fault);
}

fn main() {}
