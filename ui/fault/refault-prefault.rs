//! G4, G11: a filled neighbour is no evidence that this fault was served.
use vmctx::{FaultCtx, Mixed, PageOffset, Platform, VmFault};

fn fault<'f, P: Platform>(mut ctx: FaultCtx<'f, P, Mixed>, page: &P::Page, next: PageOffset) -> VmFault<'f> {
    let prefault = ctx.prefault_page(next, page);
    ctx.refault(prefault)
}

fn main() {}
