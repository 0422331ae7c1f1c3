//! G21: A VMA is taken out of the token, and remapped as in C.
//! At: `let vma = ctx.vma;`
//! Write instead: `.remap_from_first(frames)`
use vmctx::*;

struct Dev<P: Platform> {
    bar: P::Iomem,
}

impl<P: Platform> MmapFile for Dev<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let vma = ctx.vma;
        remap_pfn_range(vma, vma.vm_start, 0x1000, vma.vm_end - vma.vm_start, vma.vm_page_prot)
    }
}

fn main() {}
