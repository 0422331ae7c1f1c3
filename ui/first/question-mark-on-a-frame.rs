//! G3: A frame that is missing is handed on by `?` in a fault.
//! At: `self.bar.frame(ctx.pgoff())?`
//! Write instead: `ctx.insert_pfn_with(`
//! Missing: A, C
use vmctx::*;

struct Dev<P: Platform> {
    bar: P::Iomem,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = PfnMap;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        let frame = self.bar.frame(ctx.pgoff())?;
        ctx.insert_pfn(frame)
    }
}

fn main() {}
