//! G9, G14: the zero page into a mapping of frames.
use vmctx::{Errno, EstablishedCtx, PageOffset, PfnMap, Platform};

fn ioctl<P: Platform>(established: &EstablishedCtx<'_, P, PfnMap>, at: PageOffset) -> Result<(), Errno> {
    established.insert_zero_page(at)
}

fn main() {}
