//! G7: the token for pages at hand hidden behind `dyn Any`, whose type forgets the hook.
use vmctx::{MapPagesCtx, Mixed, Platform};

fn hide(_: &dyn core::any::Any) {}

fn keep<P: Platform>(ctx: MapPagesCtx<'_, P, Mixed>) {
    hide(&ctx)
}

fn main() {}
