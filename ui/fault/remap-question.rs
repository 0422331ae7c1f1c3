//! G1, G8: the mmap hook's remap, pasted into a fault with its `?`.
use vmctx::{Errno, FaultCtx, FrameRange, PfnMap, Platform};

fn serve<P: Platform>(ctx: FaultCtx<'_, P, PfnMap>, frames: FrameRange<'_, P>) -> Result<(), Errno> {
    ctx.remap(frames)?;
    Ok(())
}

fn main() {}
