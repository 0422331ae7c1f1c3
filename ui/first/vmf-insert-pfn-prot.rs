//! G1: A frame and its protection are inserted by the name that this has in C.
//! At: `ctx.vmf_insert_pfn_prot(`
//! Write instead: `ctx.insert_pfn_prot(frame, prot)`
use vmctx::*;

struct Dev<P: Platform> {
    bar: P::Iomem,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = PfnMap;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        let Some(frame) = self.bar.frame(ctx.pgoff()) else { return ctx.fail(Errno::ENXIO) };
        ctx.vmf_insert_pfn_prot(frame, ctx.page_prot())
    }
}

fn main() {}
