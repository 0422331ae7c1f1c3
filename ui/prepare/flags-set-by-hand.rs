//! G25, G20: nor are flags set by hand: the barrier against merging is not the driver's.
use vmctx::{Errno, Mixed, Platform, PrepareCtx, Prepared};

const VM_DONTEXPAND: u64 = 0x4_0000;

fn mmap_prepare<'m, P: Platform>(ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Mixed>, Errno> {
    ctx.vm_flags_clear(VM_DONTEXPAND).by_faults()
}

fn main() {}
