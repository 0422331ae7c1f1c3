//! G4: evidence kept in the state, for a later fault.
use core::marker::PhantomData;
use vmctx::{FaultCtx, Mixed, Moved, Platform, RwLock, VmFault, VmOperations};

struct Hoard<P: Platform> {
    kept: P::RwLock<Option<Moved<'static>>>,
    platform: PhantomData<fn(P) -> P>,
}

impl<P: Platform> VmOperations for Hoard<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let Some(moved) = self.kept.write(ctx.may_sleep()).take() else { loop {} };
        ctx.refault(moved)
    }
}

fn main() {}
