//! Kernel code coverage: `kernel/kcov.c`, `kcov_mmap`.
//!
//! The user maps the whole coverage area, once, at mmap. In 2018 somebody put a fault's insertion there, for lack of a
//! way to keep the other one out of fault handlers, and the question how to do that is where this project begins
//! ([`MmapCtx`](vmctx::MmapCtx) and [`FaultCtx`](vmctx::FaultCtx) are its answer).
//!
//! What C did by hand: it warned about a failed insertion and went on, so that a user got a mapping with holes and no
//! error; that was corrected years later. Here the hook says which pages a mapping is to have. There is no loop in which
//! one could be missed, and a mapping that cannot be filled is none.

use vmctx::{
    Errno, MaySleep, Mixed, PageOffset, PageRange, Platform, PrepareCtx, PrepareFile, Prepared, WithoutFaults,
};

use crate::buffer::Buffer;

/// An open kcov file whose area is set up.
pub struct Kcov<P: Platform> {
    area: P::Ref<Buffer<P>>,
}

impl<P: Platform> Kcov<P> {
    /// A file that collects into `area` (what `KCOV_INIT_TRACE` does).
    pub fn new(area: P::Ref<Buffer<P>>) -> Self {
        Self { area }
    }
}

impl<P: Platform> PrepareFile for Kcov<P> {
    type Platform = P;
    type Ops = WithoutFaults<P, Mixed>;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Mixed>, Errno> {
        if ctx.pgoff() != PageOffset::ZERO || ctx.page_count() != self.area.page_count() {
            return Err(Errno::EINVAL);
        }
        ctx.writable().fill_at_pgoff(self.area.pages())
    }

    fn mapped(&self, _: PageRange, may_sleep: MaySleep<'_>) -> Result<P::Ref<Self::Ops>, Errno> {
        P::share(WithoutFaults::new(), may_sleep)
    }
}
