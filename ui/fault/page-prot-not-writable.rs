//! G26: the right to write taken away in the field.
use vmctx::{FaultCtx, Frame, PfnMap, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>, frame: Frame<'f, P>) -> VmFault<'f> {
    let mut prot = ctx.page_prot();
    prot.writable = false;
    ctx.insert_pfn_prot(frame, prot)
}

fn main() {}
