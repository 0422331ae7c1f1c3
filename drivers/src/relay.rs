//! The relay channel, by which the kernel streams data to a user: `kernel/relay.c`, `relay_mmap_buf` and
//! `relay_buf_fault`.
//!
//! The oldest way to serve a fault: hand the page to the core, which maps it (`nopage`, until 2007).
//!
//! What C does by hand: it checks the mapping's length and forgets its offset, so that the fault looks up whatever
//! lies behind the buffer. It takes the page's reference itself, and an answer of 0 stands for the page in
//! `vmf->page`; 0 without a page is a NULL dereference. Here [`deliver`](vmctx::FaultCtx::deliver) takes the page,
//! its reference with it.

use vmctx::{
    Errno, FaultCtx, MaySleep, Normal, PageRange, Platform, PrepareCtx, PrepareFile, Prepared, VmFault, VmOperations,
};

use crate::buffer::Buffer;

/// The file of one channel buffer.
pub struct Relay<P: Platform> {
    buffer: P::Ref<Buffer<P>>,
}

impl<P: Platform> Relay<P> {
    /// The file through which `buffer` is read.
    pub fn new(buffer: P::Ref<Buffer<P>>) -> Self {
        Self { buffer }
    }
}

impl<P: Platform> PrepareFile for Relay<P> {
    type Platform = P;
    type Ops = View<P>;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Normal>, Errno> {
        if ctx.page_count() != self.buffer.page_count() {
            return Err(Errno::EINVAL);
        }
        ctx.writable().by_faults()
    }

    fn mapped(&self, _: PageRange, may_sleep: MaySleep<'_>) -> Result<P::Ref<View<P>>, Errno> {
        P::share(View::<P> { buffer: self.buffer.clone() }, may_sleep)
    }
}

/// A mapping of the buffer, which it keeps alive.
pub struct View<P: Platform> {
    buffer: P::Ref<Buffer<P>>,
}

impl<P: Platform> VmOperations for View<P> {
    type Platform = P;
    type Kind = Normal;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Normal>) -> VmFault<'f> {
        ctx.deliver_with(|at| self.buffer.page(at.pgoff()).cloned().ok_or(Errno::ENXIO))
    }
}
