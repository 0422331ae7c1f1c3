//! G9, G14: a frame with a page behind it into a mapping that has none.
use vmctx::{Errno, Frame, MappedCtx, PageOffset, PfnMap, Platform};

fn ioctl<P: Platform>(mapped: &MappedCtx<'_, P, PfnMap>, at: PageOffset, frame: Frame<'_, P>) -> Result<(), Errno> {
    mapped.insert_mixed(at, frame)
}

fn main() {}
