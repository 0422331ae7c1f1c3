//! G8: refusing execution when the mapping has long been made.
use vmctx::{FaultCtx, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, page: &P::Page) -> VmFault<'f> {
    ctx.no_exec().insert_page(page)
}

fn main() {}
