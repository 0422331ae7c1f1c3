//! G7: the token for a large entry hidden behind `dyn Any`, whose type forgets the hook.
use vmctx::{HugeFaultCtx, Mixed, Platform};

fn hide(_: &dyn core::any::Any) {}

fn keep<P: Platform>(ctx: HugeFaultCtx<'_, P, Mixed>) {
    hide(&ctx)
}

fn main() {}
