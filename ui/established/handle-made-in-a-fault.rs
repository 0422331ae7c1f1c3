//! G14: a handle is made by the mapping's own mmap.
use vmctx::{Errno, FaultCtx, Handle, Mixed, Platform};

fn ioctl<P: Platform>(ctx: &FaultCtx<'_, P, Mixed>) -> Result<Handle<P, Mixed>, Errno> {
    ctx.handle()
}

fn main() {}
