//! G21: a table looked up at mmap, and again in the fault, where another object may have the number.
use vmctx::{Errno, FaultCtx, FrameSource, PfnMap, Platform, RwLock, VmFault, VmOperations};

struct State<P: Platform> {
    table: P::RwLock<Vec<P::Ref<P::Iomem>>>,
    number: usize,
}

impl<P: Platform> VmOperations for State<P> {
    type Platform = P;
    type Kind = PfnMap;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        // A reference of this fault's own, given up when the hook returns.
        let Some(object) = self.table.read(ctx.may_sleep()).get(self.number).cloned() else {
            return ctx.fail(Errno::ENXIO);
        };
        ctx.insert_pfn_with(|at| object.frame(at.pgoff()).ok_or(Errno::ENXIO))
    }
}

fn main() {}
