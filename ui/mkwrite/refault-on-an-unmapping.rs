//! G4: an unmapping that this fault knows nothing of is no evidence: it may have been of any page.
use vmctx::{Mixed, PageCount, PageMkwriteCtx, PageOffset, Platform, SharedObject, VmFault};

fn page_mkwrite<'f, P: Platform>(ctx: PageMkwriteCtx<'f, P, Mixed>, object: &SharedObject<P>) -> VmFault<'f> {
    let unmapped = object.unmap_once(PageOffset::ZERO, PageCount::new(1), ctx.may_sleep());
    ctx.refault(unmapped)
}

fn main() {}
