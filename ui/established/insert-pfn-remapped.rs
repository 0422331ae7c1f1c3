//! G9, G14: one more frame into a mapping that is mapped once and for all.
use vmctx::{Errno, Frame, FrameSlots, PageOffset, Platform, Remapped};

fn ioctl<'s, P: Platform>(
    slots: FrameSlots<'s, P, Remapped>,
    at: PageOffset,
    frame: Frame<'s, P>,
) -> Result<(), Errno> {
    slots.insert_pfn(at, frame)
}

fn main() {}
