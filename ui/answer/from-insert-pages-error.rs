//! G3: a batch's error made an answer.
use vmctx::{FaultCtx, InsertPagesError, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(_ctx: FaultCtx<'f, P, Mixed>, error: InsertPagesError) -> VmFault<'f> {
    error.into()
}

fn main() {}
