//! G3: the answer used as a function of an errno.
use vmctx::{Errno, FaultCtx, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(_ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
    VmFault(Errno::ENXIO)
}

fn main() {}
