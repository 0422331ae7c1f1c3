//! G4: an answer kept by an earlier fault, and replayed.
use core::marker::PhantomData;
use vmctx::{FaultCtx, Mixed, Platform, VmFault, VmOperations};

struct Replay<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> Replay<P> {
    fn last(&self) -> VmFault<'static> {
        loop {}
    }
}

impl<P: Platform> VmOperations for Replay<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, _ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        self.last()
    }
}

fn main() {}
