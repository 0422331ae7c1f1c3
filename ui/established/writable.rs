//! G14, G19: the grant that users may write, for a mapping that is made already.
use vmctx::{Errno, EstablishedCtx, Mixed, Platform};

fn ioctl<P: Platform>(established: EstablishedCtx<'_, P, Mixed>) -> Result<(), Errno> {
    established.writable()
}

fn main() {}
