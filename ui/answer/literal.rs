//! G4: an answer made up field by field.
use vmctx::{FaultCtx, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(_ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
    VmFault { bits: 0x100 }
}

fn main() {}
