//! G13: a large entry picks its frames, and a type of the driver's cannot say that it was picked.

use vmctx::{FillsEntry, FrameRange, Platform};

struct Whole<'f, P: Platform>(FrameRange<'f, P>);

impl<'f, P: Platform> FillsEntry<'f> for Whole<'f, P> {
    type Platform = P;

    fn frames(self) -> FrameRange<'f, P> {
        self.0
    }
}

fn main() {}
