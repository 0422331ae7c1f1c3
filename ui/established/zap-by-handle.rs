//! G14: zapping through a handle, without the lock.
use vmctx::{Handle, Mixed, PageCount, PageOffset, Platform};

fn ioctl<P: Platform>(handle: &Handle<P, Mixed>, at: PageOffset) {
    handle.zap(at, PageCount::new(1))
}

fn main() {}
