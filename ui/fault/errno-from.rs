//! G3: an errno made an answer with `from`.
use vmctx::{Errno, FaultCtx, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(_ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
    VmFault::from(Errno::ENXIO)
}

fn main() {}
