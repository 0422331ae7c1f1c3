//! Kernel code coverage: `kernel/kcov.c`, `kcov_mmap`.
//!
//! The user maps the whole coverage area, once, at mmap. In 2018 somebody put a fault's insertion there, for lack of a
//! way to keep the other one out of fault handlers, and the question how to do that is where this project begins
//! (`vmctx::MmapCtx` and `vmctx::FaultCtx` are its answer).
//!
//! What C did by hand: it warned about a failed insertion and went on, so that a user got a mapping with holes and no
//! error; that was corrected years later. Here a failed insertion keeps the token, and without it there is no
//! success to return.

use vmctx::{Errno, Mapped, Mixed, MmapCtx, MmapFile, PageOffset, Platform};

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

impl<P: Platform> MmapFile for Kcov<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        if ctx.pgoff() != PageOffset::ZERO || ctx.page_count() != self.area.page_count() {
            return Err(Errno::EINVAL);
        }
        let mut ctx = ctx.writable().without_faults::<Mixed>()?;
        for page in self.area.pages() {
            ctx = ctx.insert_page(page)?;
        }
        ctx.finish()
    }
}
