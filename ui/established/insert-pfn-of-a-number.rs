//! G13, G14: a number is no frame.
use vmctx::{Errno, FrameSlots, PageOffset, PfnMap, Platform};

fn ioctl<P: Platform>(slots: FrameSlots<'_, P, PfnMap>, at: PageOffset) -> Result<(), Errno> {
    slots.insert_pfn(at, 0x1000)
}

fn main() {}
