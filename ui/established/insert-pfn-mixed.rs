//! G9, G14: a frame by number into a mapping of pages.
use vmctx::{Errno, Frame, FrameSlots, Mixed, PageOffset, Platform};

fn ioctl<'s, P: Platform>(slots: FrameSlots<'s, P, Mixed>, at: PageOffset, frame: Frame<'s, P>) -> Result<(), Errno> {
    slots.insert_pfn(at, frame)
}

fn main() {}
