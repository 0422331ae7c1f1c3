//! G8, G14: range remaps belong to the mmap hook.
use vmctx::{Errno, FrameRange, MappedCtx, PfnMap, Platform};

fn ioctl<P: Platform>(mapped: MappedCtx<'_, P, PfnMap>, frames: FrameRange<'_, P>) -> Result<(), Errno> {
    mapped.remap(frames)
}

fn main() {}
