//! G10: an offset that a user chose, as an index without a bounds check.
use vmctx::{FaultCtx, Mixed, Platform};

fn page<'p, P: Platform>(ctx: &FaultCtx<'_, P, Mixed>, pages: &'p [P::Page]) -> &'p P::Page {
    &pages[ctx.pgoff()]
}

fn main() {}
