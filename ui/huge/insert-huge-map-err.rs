//! G1: a large insertion answers the fault, it gives no `Result`.
use vmctx::{Errno, FrameRange, HugeFaultCtx, PfnMap, Platform};

fn huge_fault<'f, P: Platform>(ctx: HugeFaultCtx<'f, P, PfnMap>, frames: FrameRange<'f, P>) -> Result<(), Errno> {
    ctx.insert_huge_with(|_, _| Some(frames)).map_err(|_| Errno::ENXIO)
}

fn main() {}
