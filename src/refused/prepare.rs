// Part of the module `prepare`, which includes this file: see `guidance.rs`.

use crate::{
    established::EstablishedCtx,
    frame::Frame,
    guidance::{
        CopiesForADebugger, EndsByAction, ExpandsAnyway, FilledInOneWay, GrowsWhenDescribed, HandleWhenMapped,
        InsertsByAction, MakesStateInMapped, NamesAFlag, RunsNoHook, ServesNoFault, SettledBeforeTheAction,
    },
    ops::VmOperations,
    page_lock::LockedPage,
    prot::PageProt,
    units::UserAddr,
    wait::Ticket,
};

/// What a mmap hook has.
#[doc(hidden)]
impl<'m, P: Platform, M> PrepareCtx<'m, P, M> {
    pub fn establish<V, R>(self, _state: V) -> R
    where
        Self: MakesStateInMapped,
    {
        Self::refused()
    }

    pub fn establish_with<F, R>(self, _state: F) -> R
    where
        Self: MakesStateInMapped,
    {
        Self::refused()
    }

    pub fn establish_shared<V, R>(self, _state: V) -> R
    where
        Self: MakesStateInMapped,
    {
        Self::refused()
    }

    pub fn without_faults<K>(self) -> Result<Self, Errno>
    where
        Self: MakesStateInMapped,
    {
        Self::refused()
    }

    pub fn insert_page<R>(self, _page: &P::Page) -> R
    where
        Self: InsertsByAction,
    {
        Self::refused()
    }

    pub fn insert_page_with<B, R>(self, _find: impl FnOnce(&Self) -> Result<B, Errno>) -> R
    where
        Self: InsertsByAction,
    {
        Self::refused()
    }

    pub fn insert_pages<R>(self, _pages: &[P::Page]) -> R
    where
        Self: InsertsByAction,
    {
        Self::refused()
    }

    pub fn insert_pages_with<B, R>(self, _find: impl FnOnce(&Self) -> Result<B, Errno>) -> R
    where
        Self: InsertsByAction,
    {
        Self::refused()
    }

    pub fn insert_zero_page<R>(self) -> R
    where
        Self: InsertsByAction,
    {
        Self::refused()
    }

    pub fn insert_mixed<R>(self, _frame: Frame<'_, P>) -> R
    where
        Self: InsertsByAction,
    {
        Self::refused()
    }

    pub fn insert_mixed_with<B, R>(self, _find: impl FnOnce(&Self) -> Result<B, Errno>) -> R
    where
        Self: InsertsByAction,
    {
        Self::refused()
    }

    pub fn insert_pfn<R>(self, _frame: Frame<'_, P>) -> R
    where
        Self: InsertsByAction,
    {
        Self::refused()
    }

    pub fn insert_pfn_with<B, R>(self, _find: impl FnOnce(&Self) -> Result<B, Errno>) -> R
    where
        Self: InsertsByAction,
    {
        Self::refused()
    }

    pub fn remap<R>(self, _frames: FrameRange<'_, P>) -> R
    where
        Self: InsertsByAction,
    {
        Self::refused()
    }

    pub fn remap_with<B, R>(self, _find: impl FnOnce(&Self) -> Result<B, Errno>) -> R
    where
        Self: InsertsByAction,
    {
        Self::refused()
    }

    pub fn finish<R>(self) -> R
    where
        Self: EndsByAction,
    {
        Self::refused()
    }

    pub fn fill_later<R>(self) -> R
    where
        Self: EndsByAction,
    {
        Self::refused()
    }

    pub fn handle<R>(&self) -> R
    where
        Self: HandleWhenMapped,
    {
        Self::refused()
    }

    pub fn may_expand<R>(self) -> R
    where
        Self: GrowsWhenDescribed,
    {
        Self::refused()
    }

    pub fn dont_expand<R>(self) -> R
    where
        Self: ExpandsAnyway,
    {
        Self::refused()
    }

    pub fn vm_flags_set<F, R>(self, _flags: F) -> R
    where
        Self: NamesAFlag,
    {
        Self::refused()
    }

    pub fn vm_flags_clear<F, R>(self, _flags: F) -> R
    where
        Self: NamesAFlag,
    {
        Self::refused()
    }
}

/// What a fault has.
#[doc(hidden)]
impl<'m, P: Platform, M> PrepareCtx<'m, P, M> {
    pub fn deliver<R>(self, _page: P::Page) -> R
    where
        Self: ServesNoFault,
    {
        Self::refused()
    }

    pub fn deliver_with<B, R>(self, _find: impl FnOnce(&Self) -> Result<B, Errno>) -> R
    where
        Self: ServesNoFault,
    {
        Self::refused()
    }

    pub fn deliver_locked<R>(self, _page: LockedPage<'_, P>) -> R
    where
        Self: ServesNoFault,
    {
        Self::refused()
    }

    pub fn lock_page<R>(&self, _page: &P::Page) -> R
    where
        Self: ServesNoFault,
    {
        Self::refused()
    }

    pub fn prefault_page<R>(&mut self, _at: PageOffset, _page: &P::Page) -> R
    where
        Self: ServesNoFault,
    {
        Self::refused()
    }

    pub fn prefault_pages<R>(&mut self, _at: PageOffset, _pages: &[P::Page]) -> R
    where
        Self: ServesNoFault,
    {
        Self::refused()
    }

    pub fn prefault_pfn<R>(&mut self, _at: PageOffset, _frame: Frame<'_, P>) -> R
    where
        Self: ServesNoFault,
    {
        Self::refused()
    }

    pub fn prefault_mixed<R>(&mut self, _at: PageOffset, _frame: Frame<'_, P>) -> R
    where
        Self: ServesNoFault,
    {
        Self::refused()
    }

    pub fn page_prot(&self) -> PageProt
    where
        Self: ServesNoFault,
    {
        Self::refused()
    }

    pub fn insert_pfn_prot<R>(self, _frame: Frame<'_, P>, _prot: PageProt) -> R
    where
        Self: ServesNoFault,
    {
        Self::refused()
    }

    pub fn insert_mixed_mkwrite<R>(self, _frame: Frame<'_, P>) -> R
    where
        Self: ServesNoFault,
    {
        Self::refused()
    }

    pub fn fail<R>(self, _errno: Errno) -> R
    where
        Self: ServesNoFault,
    {
        Self::refused()
    }

    pub fn fail_or_refault<R>(self, _errno: Errno) -> R
    where
        Self: ServesNoFault,
    {
        Self::refused()
    }

    pub fn wait<R>(&self, _since: Ticket<'_, P::WaitQueue>) -> R
    where
        Self: ServesNoFault,
    {
        Self::refused()
    }

    pub fn refault<E, R>(self, _evidence: E) -> R
    where
        Self: ServesNoFault,
    {
        Self::refused()
    }

    pub fn release<R>(self) -> R
    where
        Self: ServesNoFault,
    {
        Self::refused()
    }

    pub fn release_and_wait<A, R>(self, _since: A) -> R
    where
        Self: ServesNoFault,
    {
        Self::refused()
    }

    pub fn retry<R>(self) -> R
    where
        Self: ServesNoFault,
    {
        Self::refused()
    }

    pub fn copy_mapped<R>(&self) -> R
    where
        Self: CopiesForADebugger,
    {
        Self::refused()
    }
}

/// Other mappings, which no hook reaches.
#[doc(hidden)]
impl<P: Platform, M> PrepareCtx<'_, P, M> {
    pub fn find<V>(&mut self, _address: UserAddr) -> Result<EstablishedCtx<'_, P, V::Kind>, Errno>
    where
        V: VmOperations<Platform = P>,
        Self: RunsNoHook,
    {
        Self::refused()
    }
}

/// What is said before a mapping is described, and what comes after it.
#[doc(hidden)]
impl<'m, P: Platform, K> Prepared<'m, P, K> {
    pub fn by_faults(self) -> Result<Self, Errno>
    where
        Self: FilledInOneWay,
    {
        Self::refused()
    }

    pub fn fill_at_pgoff(self, _pages: &[P::Page]) -> Result<Self, Errno>
    where
        Self: FilledInOneWay,
    {
        Self::refused()
    }

    pub fn fill_from_first(self, _pages: &[P::Page]) -> Result<Self, Errno>
    where
        Self: FilledInOneWay,
    {
        Self::refused()
    }

    pub fn remap_from_first(self, _frames: FrameRange<'_, P>) -> Result<Self, Errno>
    where
        Self: FilledInOneWay,
    {
        Self::refused()
    }

    pub fn remap_at_pgoff(self, _frames: FrameRange<'_, P>) -> Result<Self, Errno>
    where
        Self: FilledInOneWay,
    {
        Self::refused()
    }

    pub fn insert_page(self, _page: &P::Page) -> Result<Self, Errno>
    where
        Self: InsertsByAction,
    {
        Self::refused()
    }

    pub fn writable<R>(self) -> R
    where
        Self: SettledBeforeTheAction,
    {
        Self::refused()
    }

    pub fn io<R>(self) -> R
    where
        Self: SettledBeforeTheAction,
    {
        Self::refused()
    }

    pub fn dont_copy<R>(self) -> R
    where
        Self: SettledBeforeTheAction,
    {
        Self::refused()
    }

    pub fn dont_dump<R>(self) -> R
    where
        Self: SettledBeforeTheAction,
    {
        Self::refused()
    }

    pub fn noncached<R>(self) -> R
    where
        Self: SettledBeforeTheAction,
    {
        Self::refused()
    }

    pub fn write_combine<R>(self) -> R
    where
        Self: SettledBeforeTheAction,
    {
        Self::refused()
    }

    pub fn decrypted<R>(self) -> R
    where
        Self: SettledBeforeTheAction,
    {
        Self::refused()
    }

    pub fn rebase(self, _object: &SharedObject<P>) -> Result<Self, Errno>
    where
        Self: SettledBeforeTheAction,
    {
        Self::refused()
    }

    pub fn shared_only(self) -> Result<Self, Errno>
    where
        Self: SettledBeforeTheAction,
    {
        Self::refused()
    }

    pub fn read_only(self) -> Result<Self, Errno>
    where
        Self: SettledBeforeTheAction,
    {
        Self::refused()
    }

    pub fn no_exec(self) -> Result<Self, Errno>
    where
        Self: SettledBeforeTheAction,
    {
        Self::refused()
    }

    pub fn no_read(self) -> Result<Self, Errno>
    where
        Self: SettledBeforeTheAction,
    {
        Self::refused()
    }

    pub fn establish<V>(self, _state: V) -> Result<Self, Errno>
    where
        Self: MakesStateInMapped,
    {
        Self::refused()
    }

    pub fn handle<R>(&self) -> R
    where
        Self: HandleWhenMapped,
    {
        Self::refused()
    }
}

/// What takes pages away, which no hook does.
#[doc(hidden)]
impl<P: Platform, M> PrepareCtx<'_, P, M> {
    pub fn zap<F, C, R>(&self, _first: F, _count: C) -> R
    where
        Self: ZapsAsInC,
    {
        Self::refused()
    }
}

/// Its fields, as C has them.
#[doc(hidden)]
impl<P: Platform, M> core::ops::Deref for PrepareCtx<'_, P, M> {
    type Target = crate::c_names::VmfInC;

    fn deref(&self) -> &crate::c_names::VmfInC {
        crate::c_names::VmfInC::NONE
    }
}
