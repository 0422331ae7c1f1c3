//! G21: a frame of a part that ends with the hook, and with it what it keeps from others.
use vmctx::{Errno, FaultCtx, IomemPart, PfnMap, Platform, VmFault};

fn serve<'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>, object: IomemPart<P>) -> VmFault<'f> {
    match object.frame(ctx.pgoff()) {
        Some(frame) => ctx.insert_pfn(frame),
        None => ctx.fail(Errno::ENXIO),
    }
}

fn main() {}
