//! G9: `VM_DONTCOPY`, after the kind was chosen and slots may be filled.
use vmctx::{Mixed, MmapCtx, Platform};

fn late<'m, P: Platform>(ctx: MmapCtx<'m, P, Mixed>) -> MmapCtx<'m, P, Mixed> {
    ctx.dont_copy()
}

fn main() {}
