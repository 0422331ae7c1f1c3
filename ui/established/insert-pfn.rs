//! G21: a frame by number into an established mapping, by whoever has one.
use vmctx::{Errno, EstablishedCtx, Frame, PageOffset, PfnMap, Platform};

fn ioctl<P: Platform>(
    established: &EstablishedCtx<'_, P, PfnMap>,
    at: PageOffset,
    frame: Frame<'_, P>,
) -> Result<(), Errno> {
    established.insert_pfn(at, frame)
}

fn main() {}
