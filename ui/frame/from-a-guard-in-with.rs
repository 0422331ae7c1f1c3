//! G21: a frame of an object in a table, with the table locked while it is looked up.
use vmctx::{Errno, FaultCtx, FrameSource, PfnMap, Platform, RwLock, VmFault, VmOperations};

struct State<P: Platform>(P::RwLock<Vec<P::Iomem>>);

impl<P: Platform> VmOperations for State<P> {
    type Platform = P;
    type Kind = PfnMap;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        ctx.insert_pfn_with(|at| {
            let table = self.0.read(at.may_sleep());
            table.first().and_then(|object| object.frame(at.pgoff())).ok_or(Errno::ENXIO)
        })
    }
}

fn main() {}
