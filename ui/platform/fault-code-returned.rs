//! G4: a platform's fault code is no answer.
use vmctx::{Errno, FaultCtx, Mixed, Platform, VmFault, platform::FaultCode};

fn fault<'f, P: Platform>(_ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
    FaultCode::from_errno(Errno::EIO)
}

fn main() {}
