//! G9, G13: neighbours of memory that moves, in a mapping whose pages are handed back.
use vmctx::{FaultCtx, Backing, Normal, PageOffset, Platform, Resident};

fn around<P: Platform, L: Backing<Platform = P>>(
    ctx: &mut FaultCtx<'_, P, Normal>,
    resident: &Resident<'_, P, L>,
    at: PageOffset,
) {
    let _a_favour = resident.prefault(ctx, at);
}

fn main() {}
