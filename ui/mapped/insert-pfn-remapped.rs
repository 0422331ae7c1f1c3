//! G9, G14: one more frame into a mapping that is mapped once and for all.
use vmctx::{Errno, Frame, MappedCtx, PageOffset, Platform, Remapped};

fn ioctl<P: Platform>(mapped: &MappedCtx<'_, P, Remapped>, at: PageOffset, frame: Frame<'_, P>) -> Result<(), Errno> {
    mapped.insert_pfn(at, frame)
}

fn main() {}
