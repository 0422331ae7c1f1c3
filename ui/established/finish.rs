//! G6, G14: the mapping is made already.
use vmctx::{Errno, EstablishedCtx, Mixed, Platform};

fn ioctl<P: Platform>(established: EstablishedCtx<'_, P, Mixed>) -> Result<(), Errno> {
    established.finish()
}

fn main() {}
