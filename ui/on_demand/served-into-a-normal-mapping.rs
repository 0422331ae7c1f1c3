//! G9, G24: what is made on demand goes into a mapping of pages or of frames that can be taken back.
use vmctx::{Errno, FaultCtx, IomemPart, Normal, OnDemand, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Normal>, blocks: &OnDemand<P, IomemPart<P>>) -> VmFault<'f> {
    blocks.serve(ctx, |_, _| Err(Errno::ENOMEM))
}

fn main() {}
