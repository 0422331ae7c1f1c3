//! G21: a part given back to the heap by the state of a mapping, whose users still have it (CVE-2024-0582).
use vmctx::{IomemPart, PfnMap, Platform, VmOperations};

struct Object<P: Platform>(IomemPart<P>);

impl<P: Platform> VmOperations for Object<P> {
    type Platform = P;
    type Kind = PfnMap;
}

fn free<P: Platform>(heap: &mut Vec<IomemPart<P>>, object: &Object<P>) {
    heap.push(object.0);
}

fn main() {}
