//! G4: an answer made of a number.
use vmctx::{FaultCtx, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(_ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
    VmFault::from(0x100_u32)
}

fn main() {}
