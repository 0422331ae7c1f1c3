//! G8, G14: range remaps belong to the mmap hook.
use vmctx::{Errno, EstablishedCtx, FrameRange, PfnMap, Platform};

fn ioctl<P: Platform>(established: EstablishedCtx<'_, P, PfnMap>, frames: FrameRange<'_, P>) -> Result<(), Errno> {
    established.remap(frames)
}

fn main() {}
