//! G8, G14: cache attributes belong to the mmap hook.
use vmctx::{Errno, MappedCtx, PfnMap, Platform};

fn ioctl<P: Platform>(mapped: MappedCtx<'_, P, PfnMap>) -> Result<(), Errno> {
    mapped.noncached()
}

fn main() {}
