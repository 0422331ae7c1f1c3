//! G7: a locked mapping, hidden behind `dyn Any`.
use vmctx::{EstablishedCtx, Mixed, Platform};

fn hide(_: &dyn core::any::Any) {}

fn keep<P: Platform>(ctx: EstablishedCtx<'_, P, Mixed>) {
    hide(&ctx)
}

fn main() {}
