//! G21: a frame with a page behind it into an established mapping, by whoever has one.
use vmctx::{Errno, EstablishedCtx, Frame, Mixed, PageOffset, Platform};

fn ioctl<P: Platform>(
    established: &EstablishedCtx<'_, P, Mixed>,
    at: PageOffset,
    frame: Frame<'_, P>,
) -> Result<(), Errno> {
    established.insert_mixed(at, frame)
}

fn main() {}
