//! G7, G18: a token of another kind by force: a driver has no `unsafe`.
#![forbid(unsafe_code)]
use vmctx::{FaultCtx, Mixed, PfnMap, Platform};

fn force<'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>) -> FaultCtx<'f, P, Mixed> {
    unsafe { core::mem::transmute(ctx) }
}

fn main() {}
