//! G7: the token for a first store hidden behind `dyn Any`, whose type forgets the hook.
use vmctx::{Mixed, PageMkwriteCtx, Platform};

fn hide(_: &dyn core::any::Any) {}

fn keep<P: Platform>(ctx: PageMkwriteCtx<'_, P, Mixed>) {
    hide(&ctx)
}

fn main() {}
