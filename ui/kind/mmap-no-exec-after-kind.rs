//! G9: execution refused, after the kind was chosen and slots may be filled.
use vmctx::{Errno, Mixed, MmapCtx, Platform};

fn late<'m, P: Platform>(ctx: MmapCtx<'m, P, Mixed>) -> Result<MmapCtx<'m, P, Mixed>, Errno> {
    ctx.no_exec()
}

fn main() {}
