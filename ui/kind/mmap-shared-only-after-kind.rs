//! G9: private mappings refused, after the kind was chosen and slots may be filled.
use vmctx::{Errno, MmapCtx, PfnMap, Platform};

fn late<'m, P: Platform>(ctx: MmapCtx<'m, P, PfnMap>) -> Result<MmapCtx<'m, P, PfnMap>, Errno> {
    ctx.shared_only()
}

fn main() {}
