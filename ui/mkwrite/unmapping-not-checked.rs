//! G4: an unmapping that was refused is no evidence.
use vmctx::{Mixed, PageMkwriteCtx, Platform, SharedObject, VmFault};

fn page_mkwrite<'f, P: Platform>(ctx: PageMkwriteCtx<'f, P, Mixed>, object: &SharedObject<P>) -> VmFault<'f> {
    let unmapped = ctx.unmap(object);
    ctx.refault(unmapped)
}

fn main() {}
