//! G9, G14: a state under an `Arc` established as the platform's.
use std::sync::Arc;
use vmctx::{Errno, Mapped, Mixed, MmapCtx, VmOperations};
use vmctx_sim::Sim;

struct Ring;

impl VmOperations for Ring {
    type Platform = Sim;
    type Kind = Mixed;
}

fn mmap<'m>(ctx: MmapCtx<'m, Sim>, state: &Arc<Ring>) -> Result<Mapped<'m>, Errno> {
    Ok(ctx.establish_shared::<Ring>(Arc::clone(state))?.fill_later())
}

fn main() {}
