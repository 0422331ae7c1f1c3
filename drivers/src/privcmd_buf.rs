//! Buffers for hypercalls: `drivers/xen/privcmd-buf.c`, `privcmd_buf_mmap` (one of the call sites of linux-mm,
//! September 2018).
//!
//! The mmap hook allocates as many pages as the user wants, and they are freed with the last user. The hypervisor is
//! told their addresses, and reads and writes them: they must not be swapped or moved, which is what the file is for.
//!
//! What C does by hand: it goes on after an allocation that has failed, to have one place where half of them are
//! undone; it counts VMAs under a lock; and it has a fault hook only to say SIGBUS. Here half an allocation is none
//! ([`Buffer::alloc`]), the pages are the state's, and SIGBUS is what a fault hook says that nobody has written.
//!
//! This one keeps its mmap hook: it makes the pages that it fills the mapping with, and what a
//! [prepare hook](vmctx::PrepareFile) fills one with is the file's. Faults are no way, because the hypervisor does not
//! touch a page to have it brought.

use core::sync::atomic::{AtomicUsize, Ordering};

use vmctx::{Errno, Mapped, Mixed, MmapCtx, MmapFile, PageOffset, Platform, UnlockedCtx, UserAddr, VmOperations};

use crate::buffer::Buffer;

/// Bytes of a hypercall's argument, which lies in one page.
pub const ARGUMENT: usize = 8;

/// An open file.
pub struct PrivcmdBuf<P: Platform> {
    memory: P::Memory,
    pages: P::Ref<AtomicUsize>,
}

impl<P: Platform> PrivcmdBuf<P> {
    /// A file whose pages come from `memory`, and are counted in `pages`.
    pub fn new(memory: P::Memory, pages: P::Ref<AtomicUsize>) -> Self {
        Self { memory, pages }
    }

    /// A hypercall: the hypervisor reads the argument at an address of the calling process, and writes its complement
    /// there. Gives back what it has read.
    ///
    /// # Errors
    /// EFAULT if nothing is mapped there, EINVAL if it is no such buffer or the argument reaches over a page.
    pub fn hypercall(ctx: &mut UnlockedCtx<'_, P>, at: UserAddr) -> Result<u64, Errno> {
        let mapped = ctx.find::<Hypercalls<P>>(at)?;
        let pgoff = mapped.pgoff_of(at).ok_or(Errno::EFAULT)?;
        let hypercalls = mapped.state::<Hypercalls<P>>().ok_or(Errno::EINVAL)?;
        let page = pgoff.checked_since(hypercalls.first).ok_or(Errno::EINVAL)?.get();
        let inside = at.get() % P::PAGE_SIZE;
        if inside + ARGUMENT > P::PAGE_SIZE {
            return Err(Errno::EINVAL);
        }
        let offset = page.checked_mul(P::PAGE_SIZE).ok_or(Errno::EINVAL)? + inside;
        let mut argument = [0; ARGUMENT];
        hypercalls.buffer.read(offset, &mut argument)?;
        hypercalls.buffer.write(offset, &argument.map(|byte| !byte))?;
        Ok(u64::from_le_bytes(argument))
    }
}

impl<P: Platform> MmapFile for PrivcmdBuf<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let ctx = ctx.shared_only()?;
        let buffer = Buffer::alloc(&self.memory, ctx.page_count(), ctx.may_sleep())?;
        self.pages.fetch_add(ctx.page_count().get(), Ordering::AcqRel);
        let hypercalls = Hypercalls::<P> { buffer, first: ctx.pgoff(), pages: self.pages.clone() };
        let hypercalls = P::share(hypercalls, ctx.may_sleep())?;
        ctx.io().writable().establish_shared(hypercalls.clone())?.fill_from_first(hypercalls.buffer.pages())
    }
}

/// A mapping, with its pages.
struct Hypercalls<P: Platform> {
    buffer: Buffer<P>,
    /// The page offset that the user gave the mapping. It means nothing, and is needed to find pages by offset.
    first: PageOffset,
    pages: P::Ref<AtomicUsize>,
}

impl<P: Platform> VmOperations for Hypercalls<P> {
    type Platform = P;
    type Kind = Mixed;
}

impl<P: Platform> Drop for Hypercalls<P> {
    fn drop(&mut self) {
        self.pages.fetch_sub(self.buffer.page_count().get(), Ordering::AcqRel);
    }
}
