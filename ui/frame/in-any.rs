//! G21: a frame kept for the next fault behind `dyn Any`, which forgets lifetimes.
use core::any::Any;
use vmctx::{FaultCtx, FrameSource, PfnMap, Platform};

fn keep<'f, P: Platform>(ctx: &FaultCtx<'f, P, PfnMap>, memory: &'f P::Iomem) -> Option<Box<dyn Any>> {
    let frame = memory.frame(ctx.pgoff())?;
    Some(Box::new(frame))
}

fn main() {}
