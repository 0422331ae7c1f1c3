//! G17: an insertion point of the driver's own.
use core::marker::PhantomData;
use vmctx::{Errno, Frame, InsertPoint, Mixed, PageOffset, Platform};

struct Log<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> InsertPoint for Log<P> {
    type Platform = P;
    type Mapping = Mixed;
    type Outcome = Result<(), Errno>;

    fn pgoff(&self) -> PageOffset {
        PageOffset::ZERO
    }

    fn insert_page(self, _: &P::Page) -> Result<(), Errno> {
        Ok(())
    }

    fn insert_zero_page(self) -> Result<(), Errno> {
        Ok(())
    }

    fn insert_mixed(self, _: Frame<'_, P>) -> Result<(), Errno> {
        Ok(())
    }

    fn insert_pfn(self, _: Frame<'_, P>) -> Result<(), Errno> {
        Ok(())
    }

    fn fail(self, errno: Errno) -> Result<(), Errno> {
        Err(errno)
    }
}

fn main() {}
