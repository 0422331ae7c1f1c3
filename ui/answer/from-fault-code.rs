//! G3, G4: a platform's fault code made an answer.
use vmctx::{FaultCtx, Mixed, Platform, VmFault, platform::FaultCode};

fn fault<'f, P: Platform>(_ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
    FaultCode::SIGBUS.into()
}

fn main() {}
