//! G21: a fault passed on to a state behind a lock, which somebody else may replace.
use vmctx::{FaultCtx, PfnMap, Platform, RwLock, VmFault, VmOperations};

struct Current<V: VmOperations>(<V::Platform as Platform>::RwLock<V>);

impl<P: Platform, V: VmOperations<Platform = P, Kind = PfnMap>> VmOperations for Current<V> {
    type Platform = P;
    type Kind = PfnMap;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        self.0.read(ctx.may_sleep()).fault(ctx)
    }
}

fn main() {}
