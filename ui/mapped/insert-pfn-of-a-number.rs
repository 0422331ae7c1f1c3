//! G13, G14: a number is no frame.
use vmctx::{Errno, MappedCtx, PageOffset, PfnMap, Platform};

fn ioctl<P: Platform>(mapped: &MappedCtx<'_, P, PfnMap>, at: PageOffset) -> Result<(), Errno> {
    mapped.insert_pfn(at, 0x1000)
}

fn main() {}
