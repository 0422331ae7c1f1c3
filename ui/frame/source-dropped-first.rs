//! G13: the memory is given up between asking for a frame and using it.
use vmctx::{FrameSource, PageOffset, Platform};

fn give_up<T>(_: T) {}

fn number<P: Platform>(bar: P::Iomem) -> Option<u64> {
    let frame = bar.frame(PageOffset::ZERO)?;
    give_up(bar);
    Some(frame.pfn())
}

fn main() {}
