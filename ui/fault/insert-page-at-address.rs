//! G10: the answering insertion goes where the fault was, and has no address to get wrong.
use vmctx::{FaultCtx, Mixed, Platform, UserAddr, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, page: &P::Page, address: UserAddr) -> VmFault<'f> {
    ctx.insert_page(address, page)
}

fn main() {}
