//! G9: "undecided" is what there is to decide.
use vmctx::{Errno, MmapCtx, Platform, Undecided};

fn mmap<'m, P: Platform>(ctx: MmapCtx<'m, P>) -> Result<MmapCtx<'m, P, Undecided>, Errno> {
    ctx.without_faults::<Undecided>()
}

fn main() {}
