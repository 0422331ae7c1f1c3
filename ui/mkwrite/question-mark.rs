//! G1, G3: `?` on a `Result` in a hook that answers with `VmFault`.
use vmctx::{Mixed, PageRef, PageMkwriteCtx, Platform, VmFault};

fn page_mkwrite<'f, P: Platform>(ctx: PageMkwriteCtx<'f, P, Mixed>, page: &P::Page) -> VmFault<'f> {
    page.write(0, &[1])?;
    ctx.allow()
}

fn main() {}
