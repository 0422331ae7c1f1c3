//! G4: one fault answered with what another one got, even one that encloses it.
use vmctx::{Errno, FaultCtx, Mixed, Platform, VmFault};

fn serve<'a, 'b: 'a, P: Platform>(_a: FaultCtx<'a, P, Mixed>, b: FaultCtx<'b, P, Mixed>) -> VmFault<'a> {
    b.fail(Errno::EIO)
}

fn main() {}
