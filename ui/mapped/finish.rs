//! G6, G14: the mapping is made already.
use vmctx::{Errno, MappedCtx, Mixed, Platform};

fn ioctl<P: Platform>(mapped: MappedCtx<'_, P, Mixed>) -> Result<(), Errno> {
    mapped.finish()
}

fn main() {}
