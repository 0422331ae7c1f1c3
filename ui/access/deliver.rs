//! G8: a page handed back to a debugger.
use vmctx::{AccessCtx, Accessed, Errno, Normal, Platform};

fn access<'a, P: Platform>(ctx: AccessCtx<'a, P, Normal>, page: P::Page) -> Result<Accessed<'a>, Errno> {
    ctx.deliver(page)
}

fn main() {}
