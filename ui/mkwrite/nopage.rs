//! G3, G4: a store is tried again with evidence, not with a code.
use vmctx::{Mixed, PfnMkwriteCtx, Platform, VmFault};

fn pfn_mkwrite<'f, P: Platform>(ctx: PfnMkwriteCtx<'f, P, Mixed>) -> VmFault<'f> {
    ctx.nopage()
}

fn main() {}
