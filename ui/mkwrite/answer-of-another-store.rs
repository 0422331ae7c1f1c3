//! G4: the answer to one store, returned for another.
use vmctx::{Mixed, PageMkwriteCtx, Platform, VmFault};

fn page_mkwrite<'a, 'b: 'a, P: Platform>(
    ctx: PageMkwriteCtx<'a, P, Mixed>,
    other: PageMkwriteCtx<'b, P, Mixed>,
) -> VmFault<'a> {
    drop(ctx);
    other.allow()
}

fn main() {}
