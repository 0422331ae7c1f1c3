//! G21: a wrapper whose inner state is behind a lock.
use vmctx::{Hooks, Platform, RwLock, VmOperations, Wraps};

struct Locked<V: VmOperations>(<V::Platform as Platform>::RwLock<Option<V>>, V);

impl<P: Platform, V: VmOperations<Platform = P>> VmOperations for Locked<V> {
    type Platform = P;
    type Kind = V::Kind;
    const HOOKS: Hooks<Self> = Hooks::of_inner();
}

impl<P: Platform, V: VmOperations<Platform = P>> Wraps for Locked<V> {
    type Inner = V;

    fn inner(&self) -> &V {
        match self.0.try_read() {
            Some(inner) => inner.as_ref().unwrap_or(&self.1),
            None => &self.1,
        }
    }
}

fn main() {}
