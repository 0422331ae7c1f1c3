//! G9: memory shared with a device, said after the kind was chosen and slots may be filled.
use vmctx::{MmapCtx, PfnMap, Platform};

fn late<'m, P: Platform>(ctx: MmapCtx<'m, P, PfnMap>) -> MmapCtx<'m, P, PfnMap> {
    ctx.decrypted()
}

fn main() {}
