//! G3: the missing conversion written by the driver.
use vmctx::{Errno, VmFault};

impl<'f> From<Errno> for VmFault<'f> {
    fn from(_: Errno) -> Self {
        loop {}
    }
}

fn main() {}
