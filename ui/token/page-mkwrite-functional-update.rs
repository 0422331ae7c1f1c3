//! G7, G9: the token for a first store, of another kind, made of a real one.
use vmctx::{Mixed, PageMkwriteCtx, PfnMap, Platform};

fn forge<'f, P: Platform>(ctx: PageMkwriteCtx<'f, P, PfnMap>) -> PageMkwriteCtx<'f, P, Mixed> {
    PageMkwriteCtx { ..ctx }
}

fn main() {}
