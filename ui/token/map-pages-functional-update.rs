//! G7, G9: the token for pages at hand, of another kind, made of a real one.
use vmctx::{MapPagesCtx, Mixed, PfnMap, Platform};

fn forge<'f, P: Platform>(ctx: MapPagesCtx<'f, P, PfnMap>) -> MapPagesCtx<'f, P, Mixed> {
    MapPagesCtx { ..ctx }
}

fn main() {}
