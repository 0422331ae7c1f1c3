//! G9, G14: a frame by number into a mapping of pages.
use vmctx::{Errno, Frame, MappedCtx, Mixed, PageOffset, Platform};

fn ioctl<P: Platform>(mapped: &MappedCtx<'_, P, Mixed>, at: PageOffset, frame: Frame<'_, P>) -> Result<(), Errno> {
    mapped.insert_pfn(at, frame)
}

fn main() {}
