//! G3: `vmf_error` as a function of the answer's type, without the token.
use vmctx::{Errno, FaultCtx, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(_ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
    VmFault::from_errno(Errno::ENXIO)
}

fn main() {}
