//! G6, G7: a slot counted as filled by hand.
use vmctx::{Mixed, MmapCtx, Platform};

fn cheat<P: Platform>(ctx: &mut MmapCtx<'_, P, Mixed>) {
    ctx.filled += 1;
}

fn main() {}
