//! G8, G14: cache attributes belong to the mmap hook.
use vmctx::{Errno, EstablishedCtx, PfnMap, Platform};

fn ioctl<P: Platform>(established: EstablishedCtx<'_, P, PfnMap>) -> Result<(), Errno> {
    established.noncached()
}

fn main() {}
