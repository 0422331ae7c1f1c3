//! G9, G14: the zero page into a mapping of frames.
use vmctx::{Errno, MappedCtx, PageOffset, PfnMap, Platform};

fn ioctl<P: Platform>(mapped: &MappedCtx<'_, P, PfnMap>, at: PageOffset) -> Result<(), Errno> {
    mapped.insert_zero_page(at)
}

fn main() {}
