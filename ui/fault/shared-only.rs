//! G8: refusing private mappings when the mapping has long been made.
use vmctx::{FaultCtx, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, page: &P::Page) -> VmFault<'f> {
    ctx.shared_only().insert_page(page)
}

fn main() {}
