//! G8: no page is handed back for a large entry.
use vmctx::{HugeFaultCtx, Mixed, Platform, VmFault};

fn huge_fault<'f, P: Platform>(ctx: HugeFaultCtx<'f, P, Mixed>, page: P::Page) -> VmFault<'f> {
    ctx.deliver(page)
}

fn main() {}
