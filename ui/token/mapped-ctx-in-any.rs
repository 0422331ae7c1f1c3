//! G7: a locked mapping, hidden behind `dyn Any`.
use vmctx::{MappedCtx, Mixed, Platform};

fn hide(_: &dyn core::any::Any) {}

fn keep<P: Platform>(ctx: MappedCtx<'_, P, Mixed>) {
    hide(&ctx)
}

fn main() {}
