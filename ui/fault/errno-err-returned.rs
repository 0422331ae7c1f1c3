//! G3: an `Err` returned from a fault.
use vmctx::{Errno, FaultCtx, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(_ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
    Err(Errno::ENOMEM)
}

fn main() {}
