//! G7, G9: the token for a first store to a frame, of another kind, made of a real one.
use vmctx::{Mixed, PfnMap, PfnMkwriteCtx, Platform};

fn forge<'f, P: Platform>(ctx: PfnMkwriteCtx<'f, P, PfnMap>) -> PfnMkwriteCtx<'f, P, Mixed> {
    PfnMkwriteCtx { ..ctx }
}

fn main() {}
