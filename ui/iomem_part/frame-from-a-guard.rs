//! G21: a frame of a part in a slot that others may empty.
use vmctx::{Errno, FaultCtx, IomemPart, PfnMap, Platform, RwLock, VmFault};

fn serve<'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>, slot: &'f P::RwLock<Option<IomemPart<P>>>) -> VmFault<'f> {
    let object = slot.read(ctx.may_sleep());
    match object.as_ref().and_then(|object| object.frame(ctx.pgoff())) {
        Some(frame) => ctx.insert_pfn(frame),
        None => ctx.fail(Errno::ENXIO),
    }
}

fn main() {}
