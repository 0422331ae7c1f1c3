//! G17: an insertion point of the driver's own.
use core::{borrow::Borrow, marker::PhantomData};
use vmctx::{Errno, InsertPoint, IntoErrno, Mixed, PageOffset, Platform};

struct Log<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> InsertPoint for Log<P> {
    type Platform = P;
    type Kind = Mixed;
    type Outcome = Result<(), Errno>;

    fn pgoff(&self) -> PageOffset {
        PageOffset::ZERO
    }

    fn insert_page(self, _: &P::Page) -> Result<(), Errno> {
        Ok(())
    }

    fn insert_page_with<B: Borrow<P::Page>>(self, _: impl FnOnce(&Self) -> Result<B, Errno>) -> Result<(), Errno> {
        Ok(())
    }

    fn insert_zero_page(self) -> Result<(), Errno> {
        Ok(())
    }

    fn fail(self, errno: impl IntoErrno) -> Result<(), Errno> {
        Err(errno.into_errno())
    }
}

fn main() {}
