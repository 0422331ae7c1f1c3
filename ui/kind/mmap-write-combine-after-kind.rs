//! G9: a cache attribute, after the kind was chosen and slots may be filled.
use vmctx::{MmapCtx, Platform, Remapped};

fn late<'m, P: Platform>(ctx: MmapCtx<'m, P, Remapped>) -> MmapCtx<'m, P, Remapped> {
    ctx.write_combine()
}

fn main() {}
