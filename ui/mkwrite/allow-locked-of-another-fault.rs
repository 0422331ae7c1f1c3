//! G12: a page that another fault has locked.
use vmctx::{LockedPage, Mixed, PageMkwriteCtx, Platform, VmFault};

fn page_mkwrite<'a, 'b: 'a, P: Platform>(ctx: PageMkwriteCtx<'a, P, Mixed>, page: LockedPage<'b, P>) -> VmFault<'a> {
    ctx.allow_locked(page)
}

fn main() {}
