//! G1: the raw insertion called from a fault: a driver has no VMA to call it with.
use vmctx::{Errno, FaultCtx, Mixed, Platform};

fn serve<P: Platform>(mut ctx: FaultCtx<'_, P, Mixed>, page: &P::Page) -> Result<(), Errno> {
    P::vm_insert_page(&mut ctx, 0x1000, page)
}

fn main() {}
