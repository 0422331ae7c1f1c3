//! G7: a token of `huge_fault`, from the entry point that the platform has for it.
#![forbid(unsafe_code)]

use vmctx::{HugeSize, Platform, VmOperations, entry, platform::FaultCode};

fn forge<P: Platform, V: VmOperations<Platform = P>>(state: P::Ref<V>, fault: P::Fault) -> FaultCode {
    entry::huge_fault::<V>(&state, fault, HugeSize::Pmd)
}

fn main() {}
