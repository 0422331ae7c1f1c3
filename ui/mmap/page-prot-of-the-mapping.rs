//! G26: the mapping's protection, at mmap, to change it for one page.
use vmctx::{MmapCtx, PageProt, PfnMap, Platform};

fn prot<P: Platform>(ctx: &MmapCtx<'_, P, PfnMap>) -> PageProt {
    ctx.page_prot()
}

fn main() {}
