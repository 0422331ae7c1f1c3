//! G9, G17: a kind of the driver's own.
use vmctx::{Errno, MmapCtx, Platform};

enum Framebuffer {}

fn mmap<'m, P: Platform>(ctx: MmapCtx<'m, P>) -> Result<MmapCtx<'m, P, Framebuffer>, Errno> {
    ctx.without_faults::<Framebuffer>()
}

fn main() {}
