//! G14: a mapping is locked only with the proof that no hook is running.
use vmctx::{Errno, Handle, Mixed, PageOffset, Platform};

fn ioctl<P: Platform>(handle: &Handle<P, Mixed>, at: PageOffset, page: &P::Page) -> Result<(), Errno> {
    handle.lock()?.insert_page(at, page)
}

fn main() {}
