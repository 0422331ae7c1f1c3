//! G3: an errno is not the answer to a store.
use vmctx::{Errno, Mixed, PageMkwriteCtx, Platform, VmFault};

fn page_mkwrite<'f, P: Platform>(ctx: PageMkwriteCtx<'f, P, Mixed>) -> VmFault<'f> {
    Errno::EROFS
}

fn main() {}
