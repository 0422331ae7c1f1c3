//! G21: a part taken out of the state of a mapping, with nothing left in its place.
use vmctx::{IomemPart, Platform};

struct Object<P: Platform>(IomemPart<P>);

fn free<P: Platform>(heap: &mut Vec<IomemPart<P>>, object: &mut Object<P>) {
    heap.push(core::mem::take(&mut object.0));
}

fn main() {}
