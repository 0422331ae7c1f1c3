//! G7: a token of `map_pages`, from the entry point that the platform has for it.
#![forbid(unsafe_code)]

use vmctx::{PageRange, Platform, VmOperations, entry, platform::FaultCode};

fn forge<P: Platform, V: VmOperations<Platform = P>>(state: P::Ref<V>, fault: P::Fault) -> FaultCode {
    entry::map_pages::<V>(&state, fault, PageRange::default())
}

fn main() {}
