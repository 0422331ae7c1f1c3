//! G13, G18, G21: a part made a source of frames by the driver.
#![forbid(unsafe_code)]
use vmctx::{FrameSource, IomemPart, PageCount, Platform};

struct Object<P: Platform>(IomemPart<P>);

unsafe impl<P: Platform> FrameSource for Object<P> {
    type Platform = P;

    fn base(&self) -> u64 {
        0
    }

    fn count(&self) -> PageCount {
        self.0.page_count()
    }
}

fn main() {}
