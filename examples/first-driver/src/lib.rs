//! A pad: pages that the driver has, and that its users share. They are inserted when they are touched.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

#[cfg(test)]
mod tests;

use alloc::vec::Vec;
use vmctx::{Errno, FaultCtx, Mapped, MaySleep, Mixed, MmapCtx, MmapFile, Platform, VmFault, VmOperations};

/// The device, which is the open file as well.
pub struct Pad<P: Platform> {
    pages: P::Ref<Vec<P::Page>>,
}

impl<P: Platform> Pad<P> {
    /// A pad with this many pages of zeros.
    ///
    /// # Errors
    /// ENOMEM.
    pub fn new(count: usize, memory: &P::Memory, may_sleep: MaySleep<'_>) -> Result<Self, Errno> {
        let pages = (0..count).map(|_| P::alloc_page(memory, may_sleep)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { pages: P::share(pages, may_sleep)? })
    }

    /// Its pages, through which the driver reads and writes what its users see.
    #[must_use]
    pub fn pages(&self) -> &[P::Page] {
        &self.pages
    }
}

impl<P: Platform> MmapFile for Pad<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        // `shared_only`: a copy that a user writes for itself is no pad. `writable`: without it nobody may ever store to it.
        Ok(ctx.shared_only()?.writable().establish(View(self.pages.clone()))?.fill_later())
    }
}

/// The state of one mapping: what its faults need. It is dropped when the last of its VMAs has gone.
struct View<P: Platform>(P::Ref<Vec<P::Page>>);

impl<P: Platform> VmOperations for View<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        ctx.insert_page_with(|at| at.pgoff().of(&self.0).ok_or(Errno::ENXIO))
    }
}
