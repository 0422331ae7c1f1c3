//! G3: a driver's own error made an answer: the body has no token to make it with.
use vmctx::VmFault;

struct OutOfRange;

impl<'f> From<OutOfRange> for VmFault<'f> {
    fn from(_: OutOfRange) -> Self {
        VmFault { bits: 2 }
    }
}

fn main() {}
