//! G21: a frame of a clone, which ends with the hook and keeps nothing for the mapping.
use vmctx::{Errno, FaultCtx, FrameSource, PfnMap, Platform, VmFault, VmOperations};

struct State<P: Platform>(P::Iomem);

impl<P: Platform> VmOperations for State<P> {
    type Platform = P;
    type Kind = PfnMap;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        let memory = self.0.clone();
        match memory.frame(ctx.pgoff()) {
            Some(frame) => ctx.insert_pfn(frame),
            None => ctx.fail(Errno::ENXIO),
        }
    }
}

fn main() {}
