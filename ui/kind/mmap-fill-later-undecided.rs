//! G6, G9: left to faults before there was anybody to serve them.
use vmctx::{Mapped, MmapCtx, Platform};

fn end<'m, P: Platform>(ctx: MmapCtx<'m, P>) -> Mapped<'m> {
    ctx.fill_later()
}

fn main() {}
