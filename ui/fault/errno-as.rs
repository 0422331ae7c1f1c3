//! G3: an errno made an answer with `as`.
use vmctx::{Errno, FaultCtx, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(_ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
    Errno::ENXIO as VmFault<'f>
}

fn main() {}
