//! G10: a place compared with a length.
use vmctx::{Mixed, MmapCtx, Platform};

fn inside<P: Platform>(ctx: &MmapCtx<'_, P, Mixed>) -> bool {
    ctx.pgoff() < ctx.page_count()
}

fn main() {}
