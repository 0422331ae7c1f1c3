//! A nonlinear mapping: linux-mm, May 2007, "merge populate and nopage into fault (fixes nonlinear)";
//! `mm/fremap.c`, `sys_remap_file_pages`, and the `populate` hook of `vm_ops`, gone with it.
//!
//! Which page of the file a slot shows is in a table, and the table can change while the file is mapped.
//!
//! What C did by hand: a second hook, `populate`, beside `nopage`, because a slot's page could not be told from its
//! address; what was unmapped had to be remembered in its page table entry. `nopage` looked the page up and returned it
//! without a lock, so a change of the table between that and the insertion showed the old page for good. Who says that
//! nonlinear is "simply a virtual memory concept" is right: with the page offset as the everyday coordinate it is an
//! ordinary driver. The table's lock is held while the page is inserted, and while a changed slot is unmapped, so
//! nobody sees the old page once a change is done.

use alloc::vec::Vec;

use vmctx::{
    Errno, FaultCtx, Mapped, MaySleep, Mixed, MmapCtx, MmapFile, PageCount, PageOffset, Platform, RwLock, SharedObject,
    VmFault, VmOperations,
};

use crate::buffer::Buffer;

/// A window onto a file: as many slots as its table has.
pub struct Window<P: Platform> {
    file: P::Ref<Buffer<P>>,
    /// By slot, the page of the file.
    table: P::RwLock<Vec<PageOffset>>,
    mappings: SharedObject<P>,
}

impl<P: Platform> Window<P> {
    /// A window of `slots` slots, which is linear: slot `i` shows page `i`.
    ///
    /// # Errors
    /// ENOMEM.
    pub fn new(file: P::Ref<Buffer<P>>, slots: PageCount, may_sleep: MaySleep<'_>) -> Result<Self, Errno> {
        let mut table = Vec::new();
        table.try_reserve_exact(slots.get()).map_err(|_| Errno::ENOMEM)?;
        table.extend((0..slots.get()).map(PageOffset::new));
        Ok(Self { file, table: P::RwLock::new(table, may_sleep)?, mappings: SharedObject::new(may_sleep)? })
    }

    /// From now on `count` slots from `slot` on show the file from `page` on (`remap_file_pages`). A page that the file
    /// does not have is a SIGBUS for who touches it.
    ///
    /// # Errors
    /// EINVAL for no slots, or slots that the window does not have, and EOVERFLOW if a page cannot be counted; then
    /// nothing has changed.
    pub fn remap(
        &self,
        slot: PageOffset,
        count: PageCount,
        page: PageOffset,
        may_sleep: MaySleep<'_>,
    ) -> Result<(), Errno> {
        page.checked_add(count).ok_or(Errno::EOVERFLOW)?;
        let end = slot.checked_add(count).ok_or(Errno::EINVAL)?;
        let mut table = self.table.write(may_sleep);
        let changed = table.get_mut(slot.index()..end.index()).filter(|slots| !slots.is_empty());
        for (slot, page) in changed.ok_or(Errno::EINVAL)?.iter_mut().zip(page.index()..) {
            *slot = PageOffset::new(page);
        }
        self.mappings.unmap(slot, count, may_sleep);
        Ok(())
    }
}

impl<P: Platform> VmOperations for Window<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        // Held until the page is in, so that the table does not change before that.
        let table = self.table.read(ctx.may_sleep());
        ctx.insert_page_with(|at| {
            let page = at.pgoff().of(&table).ok_or(Errno::ENXIO)?;
            self.file.page(*page).ok_or(Errno::ENXIO)
        })
    }
}

/// An open file with a window.
pub struct Nonlinear<P: Platform> {
    window: P::Ref<Window<P>>,
}

impl<P: Platform> Nonlinear<P> {
    /// Opens it.
    pub fn new(window: P::Ref<Window<P>>) -> Self {
        Self { window }
    }
}

impl<P: Platform> MmapFile for Nonlinear<P> {
    type Platform = P;

    /// Shared mappings only: a private copy belongs to no page of the file, and would stay where it is. (C lets it be
    /// mapped, and refuses to remap it, with the same EINVAL.)
    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.shared_only()?.writable().establish_shared(self.window.clone())?.fill_later())
    }

    fn object(&self) -> Option<&SharedObject<P>> {
        Some(&self.window.mappings)
    }
}
