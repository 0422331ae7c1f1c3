//! G21: a frame of a part that is back in the heap.
use vmctx::{IomemPart, PageOffset, Platform};

fn program<P: Platform>(object: IomemPart<P>, heap: &mut Vec<IomemPart<P>>) -> Option<u64> {
    let frame = object.frame(PageOffset::ZERO)?;
    heap.push(object);
    Some(frame.pfn())
}

fn main() {}
