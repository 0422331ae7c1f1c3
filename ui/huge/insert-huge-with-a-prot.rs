//! G26: a large entry inserted with a protection of its own.
use vmctx::{HugeFaultCtx, PageProt, PfnMap, Platform, VmFault};

fn huge_fault<'f, P: Platform>(ctx: HugeFaultCtx<'f, P, PfnMap>, bar: &'f P::Iomem, prot: PageProt) -> VmFault<'f> {
    ctx.insert_huge_with(|_, entry| entry.of(bar), prot)
}

fn main() {}
