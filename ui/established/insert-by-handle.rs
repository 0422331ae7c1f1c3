//! G14: a handle is no lock.
use vmctx::{Errno, Handle, Mixed, PageOffset, Platform};

fn ioctl<P: Platform>(handle: &Handle<P, Mixed>, at: PageOffset, page: &P::Page) -> Result<(), Errno> {
    handle.insert_page(at, page)
}

fn main() {}
