//! The frame buffer of a 128×64 monochrome LCD: `drivers/auxdisplay/cfag12864bfb.c`, `cfag12864bfb_mmap`.
//!
//! One page, whatever offset the user asks for.
//!
//! What C did by hand: until 2019 it passed `vma->vm_start` to `vm_insert_page` and never looked how long the mapping
//! was. A longer one succeeded, with nothing behind its first page. Here every slot is filled, or the call fails with
//! ENXIO.

use core::slice;

use vmctx::{Errno, MaySleep, Mixed, PageRange, Platform, PrepareCtx, PrepareFile, Prepared, WithoutFaults};

/// The display.
pub struct Cfag12864b<P: Platform> {
    buffer: P::Page,
}

impl<P: Platform> Cfag12864b<P> {
    /// A display that shows what is in `buffer`.
    pub fn new(buffer: P::Page) -> Self {
        Self { buffer }
    }
}

impl<P: Platform> PrepareFile for Cfag12864b<P> {
    type Platform = P;
    type Ops = WithoutFaults<P, Mixed>;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Mixed>, Errno> {
        ctx.writable().fill_from_first(slice::from_ref(&self.buffer))
    }

    fn mapped(&self, _: PageRange, may_sleep: MaySleep<'_>) -> Result<P::Ref<Self::Ops>, Errno> {
        P::share(WithoutFaults::new(), may_sleep)
    }
}
