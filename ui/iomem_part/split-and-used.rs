//! G21: a part used after it was split: two owners of one page.
use vmctx::{IomemPart, PageCount, Platform};

fn allocate<P: Platform>(heap: &mut Vec<IomemPart<P>>, all: IomemPart<P>) {
    if let Ok((object, rest)) = all.split_at(PageCount::new(1)) {
        heap.extend([object, rest]);
    }
    heap.push(all);
}

fn main() {}
