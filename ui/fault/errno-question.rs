//! G3: `?` on a driver's own result in a fault hook.
use vmctx::{Errno, FaultCtx, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, page: Result<&P::Page, Errno>) -> VmFault<'f> {
    ctx.insert_page(page?)
}

fn main() {}
