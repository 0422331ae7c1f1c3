//! G7: the token for a first store to a frame hidden behind `dyn Any`, whose type forgets the hook.
use vmctx::{Mixed, PfnMkwriteCtx, Platform};

fn hide(_: &dyn core::any::Any) {}

fn keep<P: Platform>(ctx: PfnMkwriteCtx<'_, P, Mixed>) {
    hide(&ctx)
}

fn main() {}
