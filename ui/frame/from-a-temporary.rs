//! G21: a frame of memory that a helper has given back by value.
use vmctx::{Errno, FaultCtx, FrameSource, PfnMap, Platform, VmFault, VmOperations};

struct State<P: Platform>(P::Iomem);

impl<P: Platform> State<P> {
    fn memory(&self) -> P::Iomem {
        self.0.clone()
    }
}

impl<P: Platform> VmOperations for State<P> {
    type Platform = P;
    type Kind = PfnMap;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        match self.memory().frame(ctx.pgoff()) {
            Some(frame) => ctx.insert_pfn(frame),
            None => ctx.fail(Errno::ENXIO),
        }
    }
}

fn main() {}
