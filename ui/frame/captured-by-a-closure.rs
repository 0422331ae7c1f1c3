//! G21: a frame of memory that a closure has captured.
use vmctx::{Errno, FaultCtx, FrameSource, PfnMap, Platform, VmFault, VmOperations};

struct State<P: Platform>(P::Iomem);

impl<P: Platform> VmOperations for State<P> {
    type Platform = P;
    type Kind = PfnMap;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        let memory = self.0.clone();
        ctx.insert_pfn_with(move |at| memory.frame(at.pgoff()).ok_or(Errno::ENXIO))
    }
}

fn main() {}
