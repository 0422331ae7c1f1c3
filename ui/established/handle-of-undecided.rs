//! G9, G14: a handle before the kind is chosen.
use vmctx::{Errno, MmapCtx, Platform};

fn ioctl<P: Platform>(ctx: &MmapCtx<'_, P>) -> Result<(), Errno> {
    ctx.handle().map(drop)
}

fn main() {}
