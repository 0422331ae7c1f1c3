//! G13: a frame kept without its source.
use vmctx::{Frame, FrameSource, PageOffset, Platform};

struct Doorbell<P: Platform> {
    frame: Option<Frame<'static, P>>,
}

fn remember<P: Platform>(doorbell: &mut Doorbell<P>, bar: &P::Iomem) {
    doorbell.frame = bar.frame(PageOffset::ZERO);
}

fn main() {}
