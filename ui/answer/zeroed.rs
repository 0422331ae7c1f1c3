//! G4, G18: an answer out of zeros: a driver has no `unsafe`.
#![forbid(unsafe_code)]
use vmctx::{FaultCtx, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(_ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
    unsafe { core::mem::zeroed() }
}

fn main() {}
