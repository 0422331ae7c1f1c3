//! G21: `&self` says nothing of how long the state is there: write `&'f self` out.
use vmctx::{Errno, FaultCtx, FrameSource, PfnMap, Platform, VmFault, VmOperations};

struct Bar<P: Platform>(P::Iomem);

impl<P: Platform> VmOperations for Bar<P> {
    type Platform = P;
    type Kind = PfnMap;

    fn fault<'f>(&self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        ctx.insert_pfn_with(|at| self.0.frame(at.pgoff()).ok_or(Errno::ENXIO))
    }
}

fn main() {}
