//! G7, G9: the token for a large entry, of another kind, made of a real one.
use vmctx::{HugeFaultCtx, Mixed, PfnMap, Platform};

fn forge<'f, P: Platform>(ctx: HugeFaultCtx<'f, P, PfnMap>) -> HugeFaultCtx<'f, P, Mixed> {
    HugeFaultCtx { ..ctx }
}

fn main() {}
