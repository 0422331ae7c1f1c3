//! G8: `vm_iomap_memory` in a fault.
use vmctx::{FaultCtx, FrameRange, Platform, Remapped, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Remapped>, bar: FrameRange<'f, P>) -> VmFault<'f> {
    ctx.remap_at_pgoff(bar)
}

fn main() {}
