//! G14: A locked mapping is zapped by the name that this has in C.
//! At: `mapping.zap_vma_ptes(`
//! Write instead: `zap(first, count)`
use vmctx::*;

fn shrink<P: Platform>(mapping: &EstablishedCtx<'_, P, Mixed>) {
    mapping.zap_vma_ptes(PageOffset::ZERO, PageCount::new(4))
}

fn main() {}
