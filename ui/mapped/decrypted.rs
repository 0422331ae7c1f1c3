//! G8, G14: whether memory is encrypted is settled by the mmap hook.
use vmctx::{Errno, MappedCtx, PfnMap, Platform};

fn ioctl<P: Platform>(mapped: MappedCtx<'_, P, PfnMap>) -> Result<(), Errno> {
    mapped.decrypted()
}

fn main() {}
