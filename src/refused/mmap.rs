// Part of the module `mmap`, which includes this file: see `guidance.rs`.

use crate::{
    c_names::{NoAddress, VmfInC},
    established::EstablishedCtx,
    guidance::{
        AnswersFault, CopiesForADebugger, DeliversInFault, DescribesInPrepare, ExpandsAnyway, GrantedAtMmap,
        GrowsAtMmap, HasItsKind, HasNoKindYet, MadeWithoutAnAddress, NamesAFlag, PrefaultsInFault, RunsNoHook,
        SettlesOnePte,
    },
    page_lock::LockedPage,
    prot::PageProt,
    units::UserAddr,
    wait::Ticket,
};

/// What a fault has.
#[doc(hidden)]
#[expect(clippy::must_use_candidate, reason = "cannot be called")]
impl<'m, P: Platform, M> MmapCtx<'m, P, M> {
    pub fn deliver<R>(self, _page: P::Page) -> R
    where
        Self: DeliversInFault,
    {
        Self::refused()
    }

    pub fn deliver_with<B, R>(self, _find: impl FnOnce(&Self) -> Result<B, Errno>) -> R
    where
        Self: DeliversInFault,
    {
        Self::refused()
    }

    pub fn deliver_locked<R>(self, _page: LockedPage<'_, P>) -> R
    where
        Self: DeliversInFault,
    {
        Self::refused()
    }

    pub fn lock_page<R>(&self, _page: &P::Page) -> R
    where
        Self: DeliversInFault,
    {
        Self::refused()
    }

    pub fn copy_mapped<R>(&self) -> R
    where
        Self: CopiesForADebugger,
    {
        Self::refused()
    }

    pub fn prefault_page<R>(&mut self, _at: PageOffset, _page: &P::Page) -> R
    where
        Self: PrefaultsInFault,
    {
        Self::refused()
    }

    pub fn prefault_pages<R>(&mut self, _at: PageOffset, _pages: &[P::Page]) -> R
    where
        Self: PrefaultsInFault,
    {
        Self::refused()
    }

    pub fn prefault_pfn<R>(&mut self, _at: PageOffset, _frame: Frame<'_, P>) -> R
    where
        Self: PrefaultsInFault,
    {
        Self::refused()
    }

    pub fn prefault_pfn_prot<R>(&mut self, _at: PageOffset, _frame: Frame<'_, P>, _prot: PageProt) -> R
    where
        Self: SettlesOnePte,
    {
        Self::refused()
    }

    pub fn prefault_mixed<R>(&mut self, _at: PageOffset, _frame: Frame<'_, P>) -> R
    where
        Self: PrefaultsInFault,
    {
        Self::refused()
    }

    pub fn page_prot(&self) -> PageProt
    where
        Self: SettlesOnePte,
    {
        Self::refused()
    }

    pub fn insert_pfn_prot<R>(self, _frame: Frame<'_, P>, _prot: PageProt) -> R
    where
        Self: SettlesOnePte,
    {
        Self::refused()
    }

    pub fn insert_pfn_prot_with<B, R>(self, _find: impl FnOnce(&Self) -> Result<B, Errno>) -> R
    where
        Self: SettlesOnePte,
    {
        Self::refused()
    }

    pub fn insert_pfn_mkwrite<R>(self, _frame: Frame<'_, P>) -> R
    where
        Self: SettlesOnePte,
    {
        Self::refused()
    }

    pub fn insert_mixed_mkwrite<R>(self, _frame: Frame<'_, P>) -> R
    where
        Self: SettlesOnePte,
    {
        Self::refused()
    }

    pub fn insert_mixed_mkwrite_with<B, R>(self, _find: impl FnOnce(&Self) -> Result<B, Errno>) -> R
    where
        Self: SettlesOnePte,
    {
        Self::refused()
    }

    pub fn fail<R>(self, _errno: Errno) -> R
    where
        Self: AnswersFault,
    {
        Self::refused()
    }

    pub fn fail_or_refault<R>(self, _errno: Errno) -> R
    where
        Self: AnswersFault,
    {
        Self::refused()
    }

    pub fn wait<R>(&self, _since: Ticket<'_, P::WaitQueue>) -> R
    where
        Self: AnswersFault,
    {
        Self::refused()
    }

    pub fn refault<E, R>(self, _evidence: E) -> R
    where
        Self: AnswersFault,
    {
        Self::refused()
    }

    pub fn release<R>(self) -> R
    where
        Self: AnswersFault,
    {
        Self::refused()
    }

    pub fn release_and_wait<A, R>(self, _since: A) -> R
    where
        Self: AnswersFault,
    {
        Self::refused()
    }

    pub fn retry<R>(self) -> R
    where
        Self: AnswersFault,
    {
        Self::refused()
    }
}

/// What a mmap hook does before the kind of its mapping is chosen, and what it does afterwards.
///
/// Each of these operations exists in one of the two states alone. In the other one the token has no method of that
/// name, and rustc goes on to what it dereferences to: this, whose methods say so. (Were they the token's own, there
/// would be two of a name, and where the kind is not known because of another mistake, that would be an error more.)
#[doc(hidden)]
pub struct NotNow<P, M>(PhantomData<fn() -> (P, M)>);

#[doc(hidden)]
impl<P: Platform, M> core::ops::Deref for MmapCtx<'_, P, M> {
    type Target = NotNow<P, M>;

    fn deref(&self) -> &NotNow<P, M> {
        &NotNow(PhantomData)
    }
}

/// Its fields, as C has them.
#[doc(hidden)]
impl<P: Platform, M> core::ops::Deref for NotNow<P, M> {
    type Target = VmfInC;

    fn deref(&self) -> &VmfInC {
        VmfInC::NONE
    }
}

#[doc(hidden)]
impl<P: Platform, M: Kind> NotNow<P, M> {
    pub fn writable<R>(&self) -> R
    where
        M: HasNoKindYet,
    {
        M::refused()
    }

    pub fn read_only<R>(&self) -> R
    where
        M: HasNoKindYet,
    {
        M::refused()
    }

    pub fn drop_write<R>(&self) -> R
    where
        M: HasNoKindYet,
    {
        M::refused()
    }

    pub fn no_read<R>(&self) -> R
    where
        M: HasNoKindYet,
    {
        M::refused()
    }

    pub fn no_exec<R>(&self) -> R
    where
        M: HasNoKindYet,
    {
        M::refused()
    }

    pub fn rebase<A, R>(&self, _: A) -> R
    where
        M: HasNoKindYet,
    {
        M::refused()
    }

    pub fn shared_only<R>(&self) -> R
    where
        M: HasNoKindYet,
    {
        M::refused()
    }

    pub fn dont_copy<R>(&self) -> R
    where
        M: HasNoKindYet,
    {
        M::refused()
    }

    pub fn dont_dump<R>(&self) -> R
    where
        M: HasNoKindYet,
    {
        M::refused()
    }

    pub fn io<R>(&self) -> R
    where
        M: HasNoKindYet,
    {
        M::refused()
    }

    pub fn allow_any_uncached<R>(&self) -> R
    where
        M: HasNoKindYet,
    {
        M::refused()
    }

    pub fn noncached<R>(&self) -> R
    where
        M: HasNoKindYet,
    {
        M::refused()
    }

    pub fn write_combine<R>(&self) -> R
    where
        M: HasNoKindYet,
    {
        M::refused()
    }

    pub fn decrypted<R>(&self) -> R
    where
        M: HasNoKindYet,
    {
        M::refused()
    }
}

#[doc(hidden)]
impl<P: Platform, M: StillUndecided> NotNow<P, M> {
    pub fn insert_page<A, R>(&self, _: A) -> R
    where
        M: HasItsKind,
    {
        M::refused()
    }

    pub fn insert_page_with<B, R>(&self, _find: impl FnOnce(&MmapCtx<'_, P, M>) -> Result<B, Errno>) -> R
    where
        M: HasItsKind,
    {
        M::refused()
    }

    pub fn insert_pages<A, R>(&self, _: A) -> R
    where
        M: HasItsKind,
    {
        M::refused()
    }

    pub fn insert_pages_with<B, R>(&self, _find: impl FnOnce(&MmapCtx<'_, P, M>) -> Result<B, Errno>) -> R
    where
        M: HasItsKind,
    {
        M::refused()
    }

    pub fn fill_at_pgoff<A, R>(&self, _: A) -> R
    where
        M: HasItsKind,
    {
        M::refused()
    }

    pub fn fill_from_first<A, R>(&self, _: A) -> R
    where
        M: HasItsKind,
    {
        M::refused()
    }

    pub fn insert_zero_page<R>(&self) -> R
    where
        M: HasItsKind,
    {
        M::refused()
    }

    pub fn insert_mixed<A, R>(&self, _: A) -> R
    where
        M: HasItsKind,
    {
        M::refused()
    }

    pub fn insert_mixed_with<B, R>(&self, _find: impl FnOnce(&MmapCtx<'_, P, M>) -> Result<B, Errno>) -> R
    where
        M: HasItsKind,
    {
        M::refused()
    }

    pub fn insert_pfn<A, R>(&self, _: A) -> R
    where
        M: HasItsKind,
    {
        M::refused()
    }

    pub fn insert_pfn_with<B, R>(&self, _find: impl FnOnce(&MmapCtx<'_, P, M>) -> Result<B, Errno>) -> R
    where
        M: HasItsKind,
    {
        M::refused()
    }

    pub fn remap<A, R>(&self, _: A) -> R
    where
        M: HasItsKind,
    {
        M::refused()
    }

    pub fn remap_with<B, R>(&self, _find: impl FnOnce(&MmapCtx<'_, P, M>) -> Result<B, Errno>) -> R
    where
        M: HasItsKind,
    {
        M::refused()
    }

    pub fn remap_from_first<A, R>(&self, _: A) -> R
    where
        M: HasItsKind,
    {
        M::refused()
    }

    pub fn remap_at_pgoff<A, R>(&self, _: A) -> R
    where
        M: HasItsKind,
    {
        M::refused()
    }

    pub fn finish<R>(&self) -> R
    where
        M: HasItsKind,
    {
        M::refused()
    }

    pub fn fill_later<R>(&self) -> R
    where
        M: HasItsKind,
    {
        M::refused()
    }
}

/// What a prepare hook has.
#[doc(hidden)]
#[expect(clippy::must_use_candidate, reason = "cannot be called")]
impl<P: Platform, M> MmapCtx<'_, P, M> {
    pub fn by_faults<R>(self) -> R
    where
        Self: DescribesInPrepare,
    {
        Self::refused()
    }
}

/// What every mapping has anyway.
#[doc(hidden)]
#[expect(clippy::must_use_candidate, reason = "cannot be called")]
impl<P: Platform, M> MmapCtx<'_, P, M> {
    pub fn dont_expand<R>(self) -> R
    where
        Self: ExpandsAnyway,
    {
        Self::refused()
    }
}

/// Flags by their names, as in C.
#[doc(hidden)]
impl<P: Platform, M> MmapCtx<'_, P, M> {
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

/// What is said before a mapping is a success.
#[doc(hidden)]
#[expect(clippy::must_use_candidate, reason = "cannot be called")]
impl Mapped<'_> {
    pub fn writable<R>(self) -> R
    where
        Self: GrantedAtMmap,
    {
        Self::refused()
    }

    pub fn may_expand<R>(self) -> R
    where
        Self: GrowsAtMmap,
    {
        Self::refused()
    }
}

/// Other mappings, which no hook reaches.
#[doc(hidden)]
impl<P: Platform, M> MmapCtx<'_, P, M> {
    pub fn find<V>(&mut self, _address: UserAddr) -> Result<EstablishedCtx<'_, P, V::Kind>, Errno>
    where
        V: VmOperations<Platform = P>,
        Self: RunsNoHook,
    {
        Self::refused()
    }
}

/// What takes pages away, which no hook does.
#[doc(hidden)]
impl<P: Platform, M> MmapCtx<'_, P, M> {
    pub fn zap<F, C, R>(&self, _first: F, _count: C) -> R
    where
        Self: ZapsAsInC,
    {
        Self::refused()
    }
}

/// Addresses, of which a mmap hook needs none.
#[doc(hidden)]
#[expect(clippy::must_use_candidate, reason = "cannot be called")]
impl<P: Platform, M> MmapCtx<'_, P, M> {
    pub fn vm_end<R>(&self) -> R
    where
        Self: MadeWithoutAnAddress,
    {
        Self::refused()
    }

    pub fn vm_pgoff<R>(&self) -> R
    where
        Self: MadeWithoutAnAddress,
    {
        Self::refused()
    }

    #[deprecated(note = "a mmap hook needs no address: how long the mapping is says `ctx.page_count()`")]
    pub const fn vm_start(&self) -> NoAddress {
        NoAddress
    }
}
