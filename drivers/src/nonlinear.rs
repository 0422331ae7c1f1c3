//! A nonlinear mapping: linux-mm, May 2007, "merge populate and nopage into fault (fixes nonlinear)";
//! `mm/fremap.c`, `sys_remap_file_pages`, and the `populate` hook of `vm_ops`, gone with it.
//!
//! Which page of the file a slot shows is in a table, and the table can change while the file is mapped.
//!
//! What C did by hand: a second hook, `populate`, beside `nopage`, because a slot's page could not be told from its
//! address; what was unmapped had to be remembered in its page table entry. `nopage` looked the page up and returned it
//! without a lock, so a change of the table between that and the insertion showed the old page for good. Who says that
//! nonlinear is "simply a virtual memory concept" is right: with the page offset as the everyday coordinate it is an
//! ordinary driver. The table's lock is held while a page is inserted, and who changes a slot has unmapped it
//! ([`Table`]), so nobody sees the old page once a change is done.

use vmctx::{
    Errno, FaultCtx, Hooks, MaySleep, Mixed, OnePage, PageCount, PageOffset, PageRange, Platform, PrepareCtx,
    PrepareFile, Prepared, Revocable, SharedObject, Table, VmFault, VmOperations,
};

use crate::buffer::Buffer;

/// A window onto a file: as many slots as its table has.
pub struct Window<P: Platform> {
    file: P::Ref<Buffer<P>>,
    slots: Revocable<P, Table<Option<OnePage<P>>>>,
}

impl<P: Platform> Window<P> {
    /// A window of `slots` slots, which is linear: slot `i` shows page `i`.
    ///
    /// # Errors
    /// EINVAL for no slots; ENOMEM.
    pub fn new(file: P::Ref<Buffer<P>>, slots: PageCount, may_sleep: MaySleep<'_>) -> Result<Self, Errno> {
        let (object, each) = (SharedObject::new(may_sleep)?, PageCount::new(1));
        let window = Self { file, slots: Revocable::in_pieces(&object, slots, each, may_sleep)? };
        window.remap(PageOffset::ZERO, slots, PageOffset::ZERO, may_sleep)?;
        Ok(window)
    }

    /// From now on `count` slots from `slot` on show the file from `page` on (`remap_file_pages`). A page that the file
    /// does not have is a SIGBUS for who touches it.
    ///
    /// # Errors
    /// EINVAL for no slots, or slots that the window does not have, EOVERFLOW if a page cannot be counted, and ENOMEM;
    /// then nothing has changed, but for ENOMEM the slots before.
    pub fn remap(
        &self,
        slot: PageOffset,
        count: PageCount,
        page: PageOffset,
        may_sleep: MaySleep<'_>,
    ) -> Result<(), Errno> {
        page.checked_add(count).ok_or(Errno::EOVERFLOW)?;
        let end = slot.checked_add(count).filter(|_| count != PageCount::ZERO).ok_or(Errno::EINVAL)?;
        let mut changed = self.slots.revoke_part(slot.index()..end.index(), may_sleep)?;
        for (slot, page) in (slot.index()..end.index()).zip(page.index()..) {
            *changed.get_mut(slot)? = self.file.page(PageOffset::new(page)).cloned().map(OnePage);
        }
        Ok(())
    }
}

impl<P: Platform> VmOperations for Window<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.object(|window: &Self| Some(window.slots.object()));

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        self.slots.resident(ctx.may_sleep()).insert(ctx)
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

impl<P: Platform> PrepareFile for Nonlinear<P> {
    type Platform = P;
    type Ops = Window<P>;

    /// Shared mappings only: a private copy belongs to no page of the file, and would stay where it is. (C lets it be
    /// mapped, and refuses to remap it, with the same EINVAL.)
    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Mixed>, Errno> {
        ctx.shared_only()?.writable().by_faults()
    }

    fn mapped(&self, _: PageRange, _: MaySleep<'_>) -> Result<P::Ref<Window<P>>, Errno> {
        Ok(self.window.clone())
    }

    fn object(&self) -> Option<&SharedObject<P>> {
        Some(self.window.slots.object())
    }
}
