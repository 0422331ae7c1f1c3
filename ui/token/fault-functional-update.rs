//! G7, G9: a token of another kind, made of a real one.
use vmctx::{FaultCtx, Mixed, PfnMap, Platform};

fn forge<'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>) -> FaultCtx<'f, P, Mixed> {
    FaultCtx { ..ctx }
}

fn main() {}
