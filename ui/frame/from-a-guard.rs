//! G21: a frame of an object that is looked up in a table behind a lock (6eb6ebcc8590, omapfb).
use vmctx::{Errno, FaultCtx, FrameSource, PfnMap, Platform, RwLock, VmFault, VmOperations};

struct State<P: Platform>(P::RwLock<Vec<P::Iomem>>, usize);

impl<P: Platform> VmOperations for State<P> {
    type Platform = P;
    type Kind = PfnMap;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        let table = self.0.read(ctx.may_sleep());
        match table.get(self.1).and_then(|object| object.frame(ctx.pgoff())) {
            Some(frame) => ctx.insert_pfn(frame),
            None => ctx.fail(Errno::ENXIO),
        }
    }
}

fn main() {}
