//! G1: a large fault is answered with `VmFault`.
use vmctx::{Errno, HugeFaultCtx, PfnMap, Platform, VmFault};

fn huge_fault<'f, P: Platform>(ctx: HugeFaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
    Err(Errno::ENXIO)
}

fn main() {}
