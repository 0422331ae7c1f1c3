//! G9, G14: a frame with a page behind it into a mapping that has none.
use vmctx::{Errno, Frame, FrameSlots, PageOffset, PfnMap, Platform};

fn ioctl<'s, P: Platform>(slots: FrameSlots<'s, P, PfnMap>, at: PageOffset, frame: Frame<'s, P>) -> Result<(), Errno> {
    slots.insert_mixed(at, frame)
}

fn main() {}
