//! G7: a token of `pfn_mkwrite`, from the entry point that the platform has for it.
#![forbid(unsafe_code)]

use vmctx::{Platform, VmOperations, entry, platform::FaultCode};

fn forge<P: Platform, V: VmOperations<Platform = P>>(state: P::Ref<V>, fault: P::Fault) -> FaultCode {
    entry::pfn_mkwrite::<V>(&state, fault)
}

fn main() {}
