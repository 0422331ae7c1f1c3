//! G9: a wrapper whose kind is not that of what it wraps.
use vmctx::{Mixed, PfnMap, Platform, VmOperations, Wraps};

struct Logged<V>(V);

impl<P: Platform, V: VmOperations<Platform = P, Kind = Mixed>> VmOperations for Logged<V> {
    type Platform = P;
    type Kind = PfnMap;
}

impl<P: Platform, V: VmOperations<Platform = P, Kind = Mixed>> Wraps for Logged<V> {
    type Inner = V;

    fn inner(&self) -> &V {
        &self.0
    }
}

fn main() {}
