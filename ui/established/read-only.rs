//! G14, G19: writing forbidden when the mapping is made already, and was written.
use vmctx::{Errno, EstablishedCtx, Mixed, Platform};

fn ioctl<P: Platform>(established: EstablishedCtx<'_, P, Mixed>) -> Result<(), Errno> {
    established.read_only()
}

fn main() {}
