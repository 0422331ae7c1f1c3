//! G9, G14: the platform's own insertion takes what a locked mapping keeps to itself.
use vmctx::{Errno, EstablishedCtx, PfnMap, Platform};

fn ioctl<P: Platform>(established: &EstablishedCtx<'_, P, PfnMap>, page: &P::Page) -> Result<(), Errno> {
    P::established_insert_page(established, 0x1000, page)
}

fn main() {}
