//! G21: a part taken out of a state that the mapping shares.
use vmctx::{IomemPart, PfnMap, Platform, VmOperations};

struct Object<P: Platform>(Option<IomemPart<P>>);

impl<P: Platform> VmOperations for Object<P> {
    type Platform = P;
    type Kind = PfnMap;
}

fn free<P: Platform>(heap: &mut Vec<IomemPart<P>>, object: P::Ref<Object<P>>) {
    heap.extend(object.0.take());
}

fn main() {}
