//! G9: a large entry of pages.
use vmctx::{HugeFaultCtx, PfnMap, Platform, VmFault};

fn huge_fault<'f, P: Platform>(ctx: HugeFaultCtx<'f, P, PfnMap>, pages: &[P::Page]) -> VmFault<'f> {
    ctx.insert_huge_with(|_, _| Some(pages))
}

fn main() {}
