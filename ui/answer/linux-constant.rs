//! G3: Linux's constants are not there to be returned.
use vmctx::{FaultCtx, Mixed, Platform, VM_FAULT_SIGBUS, VmFault};

fn fault<'f, P: Platform>(_ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
    VM_FAULT_SIGBUS
}

fn main() {}
