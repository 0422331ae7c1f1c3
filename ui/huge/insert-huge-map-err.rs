//! G1: a large insertion answers the fault, it gives no `Result`.
use vmctx::{Errno, HugeFaultCtx, PfnMap, Platform};

fn huge_fault<'f, P: Platform>(ctx: HugeFaultCtx<'f, P, PfnMap>, bar: &'f P::Iomem) -> Result<(), Errno> {
    ctx.insert_huge_with(|_, entry| entry.of(bar)).map_err(|_| Errno::ENXIO)
}

fn main() {}
