//! G26: one page made read-only, until its next store (04ea3086c4d7, bpf ring buffer).
use vmctx::{FaultCtx, Frame, PfnMap, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>, frame: Frame<'f, P>) -> VmFault<'f> {
    let prot = ctx.page_prot();
    ctx.insert_pfn_prot(frame, prot.read_only())
}

fn main() {}
