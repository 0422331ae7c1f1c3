//! G3: an errno does not become the answer to a store.
use vmctx::{Errno, Mixed, PageMkwriteCtx, Platform, VmFault};

fn page_mkwrite<'f, P: Platform>(ctx: PageMkwriteCtx<'f, P, Mixed>) -> VmFault<'f> {
    Errno::EROFS.into()
}

fn main() {}
