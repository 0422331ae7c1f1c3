//! G7, G18: the entry point that makes tokens is the platform's to call.
use vmctx::{Platform, VmOperations, entry, platform::FaultCode};

fn forge<P: Platform, V: VmOperations<Platform = P>>(state: P::Ref<V>, fault: P::Fault) -> FaultCode {
    entry::fault::<V>(&state, fault)
}

fn main() {}
