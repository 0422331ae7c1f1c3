//! G26: a protection for one page at mmap.
use vmctx::{Errno, Frame, MmapCtx, PageProt, PfnMap, Platform, platform::Cache};

fn fill<'m, P: Platform>(ctx: MmapCtx<'m, P, PfnMap>, frame: Frame<'m, P>) -> Result<MmapCtx<'m, P, PfnMap>, Errno> {
    ctx.insert_pfn_prot(frame, PageProt::of_vma(false, Cache::WriteBack))
}

fn main() {}
