//! G21: a fault passed on to a state that ends with the hook.
use vmctx::{FaultCtx, PfnMap, Platform, RwLock, VmFault, VmOperations};

struct Current<V: VmOperations>(<V::Platform as Platform>::RwLock<<V::Platform as Platform>::Ref<V>>);

impl<P: Platform, V: VmOperations<Platform = P, Kind = PfnMap>> VmOperations for Current<V> {
    type Platform = P;
    type Kind = PfnMap;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        let current = self.0.read(ctx.may_sleep()).clone();
        current.fault(ctx)
    }
}

fn main() {}
