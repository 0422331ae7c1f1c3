//! G8: the encryption of the whole mapping, changed from a fault.
use vmctx::{FaultCtx, Frame, PfnMap, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>, frame: Frame<'f, P>) -> VmFault<'f> {
    ctx.decrypted().insert_pfn(frame)
}

fn main() {}
