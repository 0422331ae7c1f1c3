//! G14, G20: a mapping allowed to grow when it is made already.
use vmctx::{Errno, EstablishedCtx, Mixed, Platform};

fn ioctl<P: Platform>(established: EstablishedCtx<'_, P, Mixed>) -> Result<(), Errno> {
    established.may_expand()
}

fn main() {}
