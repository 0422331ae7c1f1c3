//! G3: a whole `Result` made an answer.
use vmctx::{Errno, FaultCtx, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(_ctx: FaultCtx<'f, P, Mixed>, served: Result<(), Errno>) -> VmFault<'f> {
    served.into()
}

fn main() {}
