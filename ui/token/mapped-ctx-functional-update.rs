//! G7, G9: a locked mapping of another kind, made of a real one.
use vmctx::{MappedCtx, Mixed, PfnMap, Platform};

fn forge<'l, P: Platform>(ctx: MappedCtx<'l, P, PfnMap>) -> MappedCtx<'l, P, Mixed> {
    MappedCtx { ..ctx }
}

fn main() {}
