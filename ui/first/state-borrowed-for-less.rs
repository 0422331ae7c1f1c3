//! G21: A frame is borrowed for less than the fault.
//! At: `ctx.insert_pfn(frame)`
//! Write instead: `&'f self`
//! Missing: A
use vmctx::*;

struct Dev<P: Platform> {
    bar: P::Iomem,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = PfnMap;

    fn fault<'f>(&self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        let Some(frame) = self.bar.frame(ctx.pgoff()) else { return ctx.fail(Errno::ENXIO) };
        ctx.insert_pfn(frame)
    }
}

fn main() {}
