//! G8: A fault remaps a range by the name that this has in C.
//! At: `ctx.remap_pfn_range(range)`
//! Write instead: `ctx.insert_pfn(frame)`
use vmctx::*;

struct Dev<P: Platform> {
    bar: P::Iomem,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = PfnMap;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        let Some(range) = self.bar.range(PageOffset::ZERO, PageCount::new(1)) else { return ctx.fail(Errno::ENXIO) };
        ctx.remap_pfn_range(range)
    }
}

fn main() {}
