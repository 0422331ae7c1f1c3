//! G13: a number where the frame belongs that becomes writable.
use vmctx::{Mixed, PageMkwriteCtx, Platform, VmFault};

fn page_mkwrite<'f, P: Platform>(ctx: PageMkwriteCtx<'f, P, Mixed>, base: u64) -> VmFault<'f> {
    let at = ctx.pgoff().index() as u64;
    ctx.insert_mixed_mkwrite(base + at)
}

fn main() {}
