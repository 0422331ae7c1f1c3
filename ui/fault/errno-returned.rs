//! G3: an errno returned from a fault.
use vmctx::{Errno, FaultCtx, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(_ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
    Errno::ENXIO
}

fn main() {}
