//! G4, G5: the fault hook's answer, given to a store.
use vmctx::{Errno, FaultCtx, Mixed, PageMkwriteCtx, Platform, VmFault};

fn self_fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
    ctx.fail(Errno::EIO)
}

fn page_mkwrite<'f, P: Platform>(ctx: PageMkwriteCtx<'f, P, Mixed>) -> VmFault<'f> {
    self_fault(ctx)
}

fn main() {}
