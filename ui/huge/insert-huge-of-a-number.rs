//! G13: a large entry by number.
use vmctx::{HugeFaultCtx, PfnMap, Platform, VmFault};

fn huge_fault<'f, P: Platform>(ctx: HugeFaultCtx<'f, P, PfnMap>, base: u64) -> VmFault<'f> {
    ctx.insert_huge_with(|_, _| Some(base))
}

fn main() {}
