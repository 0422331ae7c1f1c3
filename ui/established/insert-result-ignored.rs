//! G14: an insertion that failed, ignored; the driver denies that lint.
#![deny(unused_must_use)]
use vmctx::{EstablishedCtx, Mixed, PageOffset, Platform};

fn ioctl<P: Platform>(established: &EstablishedCtx<'_, P, Mixed>, at: PageOffset, page: &P::Page) {
    established.insert_page(at, page);
}

fn main() {}
