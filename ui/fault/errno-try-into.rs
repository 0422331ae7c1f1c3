//! G3: an errno made an answer with `try_into`.
use vmctx::{Errno, FaultCtx, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
    match Errno::ENXIO.try_into() {
        Ok(answer) => answer,
        Err(_) => ctx.fail(Errno::ENXIO),
    }
}

fn main() {}
