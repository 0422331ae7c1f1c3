//! G26: a large entry with a protection of its own.
use vmctx::{HugeFaultCtx, PageProt, PfnMap, Platform};

fn prot<P: Platform>(ctx: &HugeFaultCtx<'_, P, PfnMap>) -> PageProt {
    ctx.page_prot()
}

fn main() {}
