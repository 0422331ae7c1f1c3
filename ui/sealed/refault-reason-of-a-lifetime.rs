//! G4, G17: evidence with the fault's lifetime, and nothing else of it.
use core::marker::PhantomData;
use vmctx::{FaultCtx, Mixed, Platform, RefaultReason, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
    let evidence: PhantomData<fn(&'f ()) -> &'f ()> = PhantomData;
    ctx.refault(evidence)
}

fn _named<'f>(_: impl RefaultReason<'f>) {}

fn main() {}
