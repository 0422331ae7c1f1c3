//! G1, G8: the mmap hook's remap, pasted into a fault with its `?`.
use vmctx::{Errno, FaultCtx, FrameRange, PfnMap, Platform};

fn serve<'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>, frames: FrameRange<'f, P>) -> Result<(), Errno> {
    ctx.remap(frames)?;
    Ok(())
}

fn main() {}
