//! G21: what a lock guards can be taken away when it is given back, and the frame stays with the user.
use vmctx::{Errno, FaultCtx, FrameSource, PfnMap, Platform, SpinLock, VmFault, VmOperations};

struct State<P: Platform>(P::SpinLock<Vec<P::Iomem>>, usize);

impl<P: Platform> VmOperations for State<P> {
    type Platform = P;
    type Kind = PfnMap;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        let table = self.0.lock();
        match table.get(self.1).and_then(|memory| memory.frame(ctx.pgoff())) {
            Some(frame) => ctx.insert_pfn(frame),
            None => ctx.fail(Errno::ENXIO),
        }
    }
}

fn main() {}
