//! G2, G14: no page is handed back outside a fault.
use vmctx::{Errno, EstablishedCtx, Mixed, Platform};

fn ioctl<P: Platform>(established: EstablishedCtx<'_, P, Mixed>, page: P::Page) -> Result<(), Errno> {
    established.deliver(page)
}

fn main() {}
