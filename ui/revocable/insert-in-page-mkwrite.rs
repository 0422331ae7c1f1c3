//! G13: memory that moves is inserted where it is missing, not where it is written.
use vmctx::{Backing, Mixed, PageMkwriteCtx, Platform, Resident, VmFault};

fn page_mkwrite<'f, P: Platform, L: Backing<Platform = P>>(
    ctx: PageMkwriteCtx<'f, P, Mixed>,
    resident: &Resident<'_, P, L>,
) -> VmFault<'f> {
    resident.insert(ctx)
}

fn main() {}
