//! G1, G2, G14: outside a fault no insertion answers one.
use vmctx::{EstablishedCtx, Mixed, PageOffset, Platform, VmFault};

fn ioctl<'f, P: Platform>(established: &EstablishedCtx<'_, P, Mixed>, at: PageOffset, page: &P::Page) -> VmFault<'f> {
    established.insert_page(at, page)
}

fn main() {}
