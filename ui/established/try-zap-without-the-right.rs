//! G15: zapping sleeps, and takes the right to.
use vmctx::{Errno, Handle, Mixed, PageCount, PageOffset, Platform};

fn ioctl<P: Platform>(handle: &Handle<P, Mixed>) -> Result<(), Errno> {
    handle.try_zap(PageOffset::ZERO, PageCount::new(1))
}

fn main() {}
