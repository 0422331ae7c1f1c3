//! G3: an errno does not become the answer to a large fault.
use vmctx::{Errno, HugeFaultCtx, PfnMap, Platform, VmFault};

fn huge_fault<'f, P: Platform>(ctx: HugeFaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
    Errno::ENXIO.into()
}

fn main() {}
