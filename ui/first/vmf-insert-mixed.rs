//! G1: A frame with a page behind it is inserted by the name that this has in C.
//! At: `ctx.vmf_insert_mixed(frame)`
//! Write instead: `ctx.insert_mixed(frame)`
use vmctx::*;

struct Dev<P: Platform> {
    bar: P::Iomem,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let Some(frame) = self.bar.frame(ctx.pgoff()) else { return ctx.fail(Errno::ENXIO) };
        ctx.vmf_insert_mixed(frame)
    }
}

fn main() {}
