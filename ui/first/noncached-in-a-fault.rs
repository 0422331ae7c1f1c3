//! G8: A fault changes the cache attribute of the mapping.
//! At: `ctx.noncached()`
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
        ctx.noncached().insert_pfn(frame)
    }
}

fn main() {}
