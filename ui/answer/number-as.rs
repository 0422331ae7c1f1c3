//! G4: a number cast to an answer.
use vmctx::{FaultCtx, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(_ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
    0x100_u32 as VmFault<'f>
}

fn main() {}
