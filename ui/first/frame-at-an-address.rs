//! G10: A frame is inserted at the address of the fault.
//! At: `ctx.insert_pfn(`
//! Write instead: `ctx.insert_pfn(frame)`
//! Missing: D
use vmctx::*;

struct Dev<P: Platform> {
    bar: P::Iomem,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = PfnMap;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        let Some(frame) = self.bar.frame(ctx.pgoff()) else { return ctx.fail(Errno::ENXIO) };
        ctx.insert_pfn(ctx.user_address_for_odd_page_sizes(), frame)
    }
}

fn main() {}
