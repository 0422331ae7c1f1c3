//! G21: a page needs no state beside it.
use vmctx::{Errno, EstablishedCtx, Mixed, PageOffset, Platform, VmOperations};

struct Ring<P: Platform>(P::Page);

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = Mixed;
}

fn ioctl<P: Platform>(established: &EstablishedCtx<'_, P, Mixed>, at: PageOffset) -> Option<Result<(), Errno>> {
    established.with_state(|ring: &Ring<P>, slots| slots.insert_page(at, &ring.0))
}

fn main() {}
