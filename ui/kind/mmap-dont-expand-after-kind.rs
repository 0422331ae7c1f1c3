//! G9: `VM_DONTEXPAND`, after the kind was chosen and slots may be filled.
use vmctx::{MmapCtx, PfnMap, Platform};

fn late<'m, P: Platform>(ctx: MmapCtx<'m, P, PfnMap>) -> MmapCtx<'m, P, PfnMap> {
    ctx.dont_expand()
}

fn main() {}
