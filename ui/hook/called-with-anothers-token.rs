//! G7, G8: one hook calls another by hand, with its own token.
use vmctx::{Errno, FaultCtx, Mixed, Platform, VmFault, VmOperations};

fn fault<'f, P: Platform, V: VmOperations<Platform = P, Kind = Mixed>>(
    state: &V,
    ctx: FaultCtx<'f, P, Mixed>,
) -> VmFault<'f> {
    match V::HOOKS.registered_page_mkwrite() {
        Some(hook) => hook(state, ctx),
        None => ctx.fail(Errno::EIO),
    }
}

fn main() {}
