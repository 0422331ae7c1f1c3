//! G9: making a frame writable in `page_mkwrite` of a `Normal` mapping, which holds no frames.
use vmctx::{Frame, Normal, PageMkwriteCtx, Platform, VmFault};

fn page_mkwrite<'f, P: Platform>(ctx: PageMkwriteCtx<'f, P, Normal>, frame: Frame<'f, P>) -> VmFault<'f> {
    ctx.insert_mixed_mkwrite(frame)
}

fn main() {}
