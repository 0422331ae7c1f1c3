//! G1: `huge_fault` answers with `VmFault`, not with an errno.
use core::marker::PhantomData;
use vmctx::{Errno, Hooks, HugeFaultCtx, Mixed, Platform, VmOperations};

struct Ring<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> Ring<P> {
    fn huge_fault<'f>(&'f self, ctx: HugeFaultCtx<'f, P, Mixed>) -> Result<(), Errno> {
        drop(ctx);
        Err(Errno::EIO)
    }
}

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.huge_fault(Self::huge_fault);
}

fn main() {}
