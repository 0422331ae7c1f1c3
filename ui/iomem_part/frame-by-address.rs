//! G10, G27: a frame asked for by the address at which the user touched it.
use vmctx::{Errno, FaultCtx, IomemPart, PfnMap, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>, registers: &'f IomemPart<P>) -> VmFault<'f> {
    ctx.insert_pfn_with(|at| registers.frame(at.user_address_for_odd_page_sizes()).ok_or(Errno::ENXIO))
}

fn main() {}
