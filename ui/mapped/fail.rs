//! G2, G14: nobody waits for a fault's answer here.
use vmctx::{Errno, MappedCtx, Mixed, Platform};

fn ioctl<P: Platform>(mapped: MappedCtx<'_, P, Mixed>) -> Result<(), Errno> {
    mapped.fail(Errno::EIO)
}

fn main() {}
