//! G13: A frame is inserted that nobody has looked for in vain.
//! At: `ctx.insert_pfn(self.bar.frame(at))`
//! Write instead: `ctx.insert_pfn_with`
use vmctx::*;

struct Dev<P: Platform> {
    bar: P::Iomem,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = PfnMap;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        let at = ctx.pgoff();
        ctx.insert_pfn(self.bar.frame(at))
    }
}

fn main() {}
