//! G3: an answer under the name that C gives it.
use vmctx::{FaultCtx, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(_ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
    VmFault::NOPAGE
}

fn main() {}
