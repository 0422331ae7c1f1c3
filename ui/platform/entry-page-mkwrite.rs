//! G7, G18: the entry point that makes a hook's token is `unsafe`.
#![forbid(unsafe_code)]
use core::mem::ManuallyDrop;
use vmctx::{Platform, VmOperations, entry};

fn forge<P: Platform, V: VmOperations<Platform = P>>(state: ManuallyDrop<P::Ref<V>>, fault: P::Fault) {
    let _code = entry::page_mkwrite::<V>(&state, fault);
}

fn main() {}
