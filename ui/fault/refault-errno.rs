//! G3, G4: an errno is no evidence, even one that means "again".
use vmctx::{Errno, FaultCtx, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
    ctx.refault(Errno::EAGAIN)
}

fn main() {}
