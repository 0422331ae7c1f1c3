//! G8: giving the mapping another state from a fault.
use vmctx::{FaultCtx, Mixed, Platform, VmFault, VmOperations};

fn fault<'f, P: Platform, V: VmOperations>(
    ctx: FaultCtx<'f, P, Mixed>,
    state: P::Ref<V>,
    page: &P::Page,
) -> VmFault<'f> {
    ctx.establish_shared(state).insert_page(page)
}

fn main() {}
