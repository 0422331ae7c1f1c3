//! G7, G9: a locked mapping of another kind, made of a real one.
use vmctx::{EstablishedCtx, Mixed, PfnMap, Platform};

fn forge<'l, P: Platform>(ctx: EstablishedCtx<'l, P, PfnMap>) -> EstablishedCtx<'l, P, Mixed> {
    EstablishedCtx { ..ctx }
}

fn main() {}
