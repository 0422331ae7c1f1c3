//! G1, G8: filling the whole mapping from a fault, as `vm_map_pages` does at mmap.
use vmctx::{FaultCtx, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, pages: &[P::Page]) -> VmFault<'f> {
    ctx.fill_at_pgoff(pages)
}

fn main() {}
