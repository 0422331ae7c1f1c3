//! G21: a part made anew in each fault, which owns nothing.
use vmctx::{Errno, FaultCtx, IomemPart, PfnMap, Platform, VmFault};

fn serve<'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>, memory: &'f P::Iomem) -> VmFault<'f> {
    let object = IomemPart::<P>::whole(memory.clone());
    match object.frame(ctx.pgoff()) {
        Some(frame) => ctx.insert_pfn(frame),
        None => ctx.fail(Errno::ENXIO),
    }
}

fn main() {}
