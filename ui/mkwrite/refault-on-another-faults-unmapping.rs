//! G4: what another fault has taken away is no evidence for this one.
use vmctx::{Mixed, PageMkwriteCtx, Platform, Unmapped, VmFault};

fn store<'a, 'b: 'a, P: Platform>(ctx: PageMkwriteCtx<'a, P, Mixed>, unmapped: Unmapped<'b>) -> VmFault<'a> {
    ctx.refault(unmapped)
}

fn main() {}
