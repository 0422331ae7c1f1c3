//! G12: handing a page back moves its reference; a borrowed page has none to give.
use vmctx::{FaultCtx, Normal, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Normal>, page: &P::Page) -> VmFault<'f> {
    ctx.deliver(page)
}

fn main() {}
