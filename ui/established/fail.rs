//! G2, G14: nobody waits for a fault's answer here.
use vmctx::{Errno, EstablishedCtx, Mixed, Platform};

fn ioctl<P: Platform>(established: EstablishedCtx<'_, P, Mixed>) -> Result<(), Errno> {
    established.fail(Errno::EIO)
}

fn main() {}
