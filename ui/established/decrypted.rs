//! G8, G14: whether memory is encrypted is settled by the mmap hook.
use vmctx::{Errno, EstablishedCtx, PfnMap, Platform};

fn ioctl<P: Platform>(established: EstablishedCtx<'_, P, PfnMap>) -> Result<(), Errno> {
    established.decrypted()
}

fn main() {}
