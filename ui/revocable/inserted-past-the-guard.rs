//! G9, G13: a page inserted by number, without the memory whose lock keeps it there: it could be freed while mapped.
use vmctx::{FaultCtx, RevocablePoint, PfnMap, Platform, Spot, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>, page: P::Page) -> VmFault<'f> {
    let prot = ctx.page_prot();
    RevocablePoint::insert_spot(ctx, Spot::Page(&page), prot)
}

fn main() {}
