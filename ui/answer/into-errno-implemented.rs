//! G3: the missing conversion written by the driver, the other way round.
use vmctx::{Errno, VmFault};

impl From<VmFault<'_>> for Errno {
    fn from(_: VmFault<'_>) -> Self {
        Errno::EFAULT
    }
}

fn main() {}
