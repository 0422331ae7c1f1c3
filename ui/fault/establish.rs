//! G8: establishing the mapping anew from a fault.
use vmctx::{FaultCtx, Mixed, Platform, VmFault, VmOperations};

fn fault<'f, P: Platform, V: VmOperations>(ctx: FaultCtx<'f, P, Mixed>, state: V, page: &P::Page) -> VmFault<'f> {
    ctx.establish(state).insert_page(page)
}

fn main() {}
