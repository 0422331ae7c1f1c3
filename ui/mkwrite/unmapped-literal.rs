//! G4: evidence made up.
use vmctx::{Mixed, Platform, PfnMkwriteCtx, Unmapped, VmFault};

fn pfn_mkwrite<'f, P: Platform>(ctx: PfnMkwriteCtx<'f, P, Mixed>) -> VmFault<'f> {
    ctx.refault(Unmapped {})
}

fn main() {}
