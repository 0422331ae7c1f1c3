//! G14: the platform's own lock takes what a handle keeps to itself.
use vmctx::{Errno, FaultCtx, Handle, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, handle: &Handle<P, Mixed>) -> VmFault<'f> {
    let _mapped = P::lock_handle(handle, true);
    ctx.fail(Errno::EIO)
}

fn main() {}
