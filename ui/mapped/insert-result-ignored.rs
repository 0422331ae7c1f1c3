//! G14: an insertion that failed, ignored; the driver denies that lint.
#![deny(unused_must_use)]
use vmctx::{MappedCtx, Mixed, PageOffset, Platform};

fn ioctl<P: Platform>(mapped: &MappedCtx<'_, P, Mixed>, at: PageOffset, page: &P::Page) {
    mapped.insert_page(at, page);
}

fn main() {}
