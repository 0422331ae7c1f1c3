//! G12: `page_mkwrite` cannot give up its lock.
use vmctx::{Mixed, PageMkwriteCtx, Platform, VmFault};

fn page_mkwrite<'f, P: Platform>(ctx: PageMkwriteCtx<'f, P, Mixed>) -> VmFault<'f> {
    ctx.release()
}

fn main() {}
