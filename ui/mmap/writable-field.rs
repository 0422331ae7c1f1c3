//! G19: the field that says who may write, set from outside.
use vmctx::{MmapCtx, Platform};

fn grant<P: Platform>(ctx: &mut MmapCtx<'_, P>) {
    ctx.writable = true;
}

fn main() {}
