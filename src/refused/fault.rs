// Part of the module `fault`, which includes this file: see `guidance.rs`.

use crate::{
    c_names::NoAddress,
    established::EstablishedCtx,
    frame::FrameRange,
    guidance::{
        AnswersAnotherHook, AsksPfnMkwrite, ChangesVmaAtMmap, CopiesForADebugger, GrantedAtMmap, GrowsAtMmap,
        HoldsItsLock, MakesHandles, MakesMappingAtMmap, MapsManyAtMmap, NamesACode, NeedsAnAddress, RemapsAtMmap,
        RunsNoHook,
    },
    ops::VmOperations,
};

/// What the mmap hook has.
#[doc(hidden)]
#[expect(clippy::must_use_candidate, reason = "cannot be called")]
impl<'f, P: Platform, M> FaultCtx<'f, P, M> {
    pub fn fill_at_pgoff<R>(self, _pages: &[P::Page]) -> R
    where
        Self: MapsManyAtMmap,
    {
        Self::refused()
    }

    pub fn fill_from_first<R>(self, _pages: &[P::Page]) -> R
    where
        Self: MapsManyAtMmap,
    {
        Self::refused()
    }

    pub fn insert_pages<R>(self, _pages: &[P::Page]) -> R
    where
        Self: MapsManyAtMmap,
    {
        Self::refused()
    }

    pub fn insert_pages_with<B, R>(self, _find: impl FnOnce(&Self) -> Result<B, Errno>) -> R
    where
        Self: MapsManyAtMmap,
    {
        Self::refused()
    }

    pub fn remap<R>(self, _frames: FrameRange<'_, P>) -> R
    where
        Self: RemapsAtMmap,
    {
        Self::refused()
    }

    pub fn remap_with<B, R>(self, _find: impl FnOnce(&Self) -> Result<B, Errno>) -> R
    where
        Self: RemapsAtMmap,
    {
        Self::refused()
    }

    pub fn remap_from_first<R>(self, _frames: FrameRange<'_, P>) -> R
    where
        Self: RemapsAtMmap,
    {
        Self::refused()
    }

    pub fn remap_at_pgoff<R>(self, _frames: FrameRange<'_, P>) -> R
    where
        Self: RemapsAtMmap,
    {
        Self::refused()
    }

    pub fn read_only<R>(self) -> R
    where
        Self: ChangesVmaAtMmap,
    {
        Self::refused()
    }

    pub fn no_exec<R>(self) -> R
    where
        Self: ChangesVmaAtMmap,
    {
        Self::refused()
    }

    pub fn shared_only<R>(self) -> R
    where
        Self: ChangesVmaAtMmap,
    {
        Self::refused()
    }

    pub fn dont_copy<R>(self) -> R
    where
        Self: ChangesVmaAtMmap,
    {
        Self::refused()
    }

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

    pub fn dont_expand<R>(self) -> R
    where
        Self: GrowsAtMmap,
    {
        Self::refused()
    }

    pub fn no_read<R>(self) -> R
    where
        Self: ChangesVmaAtMmap,
    {
        Self::refused()
    }

    pub fn dont_dump<R>(self) -> R
    where
        Self: ChangesVmaAtMmap,
    {
        Self::refused()
    }

    pub fn io<R>(self) -> R
    where
        Self: ChangesVmaAtMmap,
    {
        Self::refused()
    }

    pub fn noncached<R>(self) -> R
    where
        Self: ChangesVmaAtMmap,
    {
        Self::refused()
    }

    pub fn write_combine<R>(self) -> R
    where
        Self: ChangesVmaAtMmap,
    {
        Self::refused()
    }

    pub fn decrypted<R>(self) -> R
    where
        Self: ChangesVmaAtMmap,
    {
        Self::refused()
    }

    pub fn establish<V, R>(self, _state: V) -> R
    where
        Self: MakesMappingAtMmap,
    {
        Self::refused()
    }

    pub fn establish_with<V, R>(self, _state: V) -> R
    where
        Self: MakesMappingAtMmap,
    {
        Self::refused()
    }

    pub fn establish_shared<V, R>(self, _state: V) -> R
    where
        Self: MakesMappingAtMmap,
    {
        Self::refused()
    }

    pub fn without_faults<K>(self) -> Result<FaultCtx<'f, P, K>, Errno>
    where
        Self: MakesMappingAtMmap,
    {
        Self::refused()
    }

    pub fn finish<R>(self) -> R
    where
        Self: MakesMappingAtMmap,
    {
        Self::refused()
    }

    pub fn fill_later<R>(self) -> R
    where
        Self: MakesMappingAtMmap,
    {
        Self::refused()
    }
}

/// What a fault has in C, and does not need or must not have here.
#[doc(hidden)]
#[expect(clippy::must_use_candidate, reason = "cannot be called")]
impl<'f, P: Platform, M> FaultCtx<'f, P, M> {
    pub fn sigbus<R>(self) -> R
    where
        Self: NamesACode,
    {
        Self::refused()
    }

    pub fn oom<R>(self) -> R
    where
        Self: NamesACode,
    {
        Self::refused()
    }

    pub fn nopage<R>(self) -> R
    where
        Self: NamesACode,
    {
        Self::refused()
    }

    pub fn retry<R>(self) -> R
    where
        Self: NamesACode,
    {
        Self::refused()
    }

    pub fn address<R>(&self) -> R
    where
        Self: NeedsAnAddress,
    {
        Self::refused()
    }

    pub fn vm_end<R>(&self) -> R
    where
        Self: NeedsAnAddress,
    {
        Self::refused()
    }

    #[deprecated(note = "a fault hook needs no address: which page is missing says `ctx.pgoff()`")]
    pub const fn vm_start(&self) -> NoAddress {
        NoAddress
    }
}

/// What is done for the driver when the hook has returned.
#[doc(hidden)]
#[expect(clippy::must_use_candidate, reason = "cannot be called")]
impl<'f, P: Platform, M> FaultCtx<'f, P, M> {
    pub fn insert_pfn_mkwrite<R>(self, _frame: Frame<'_, P>) -> R
    where
        Self: AsksPfnMkwrite,
    {
        Self::refused()
    }

    pub fn insert_pfn_mkwrite_with<B, R>(self, _find: impl FnOnce(&Self) -> Result<B, Errno>) -> R
    where
        Self: AsksPfnMkwrite,
    {
        Self::refused()
    }
}

/// What other hooks have.
#[doc(hidden)]
#[expect(clippy::must_use_candidate, reason = "cannot be called")]
impl<'f, P: Platform, M> FaultCtx<'f, P, M> {
    pub fn allow<R>(self) -> R
    where
        Self: AnswersAnotherHook,
    {
        Self::refused()
    }

    pub fn allow_locked<R>(self, _page: LockedPage<'f, P>) -> R
    where
        Self: AnswersAnotherHook,
    {
        Self::refused()
    }

    pub fn fallback<R>(self) -> R
    where
        Self: AnswersAnotherHook,
    {
        Self::refused()
    }

    pub fn copy_mapped<R>(&self) -> R
    where
        Self: CopiesForADebugger,
    {
        Self::refused()
    }

    pub fn insert_huge<R>(self, _frames: FrameRange<'_, P>) -> R
    where
        Self: AnswersAnotherHook,
    {
        Self::refused()
    }

    pub fn insert_huge_with<A, R>(self, _find: A) -> R
    where
        Self: AnswersAnotherHook,
    {
        Self::refused()
    }
}

/// Handles, which the mmap hook makes, and other mappings, which no hook reaches.
#[doc(hidden)]
#[expect(clippy::must_use_candidate, reason = "cannot be called")]
impl<P: Platform, M> FaultCtx<'_, P, M> {
    pub fn handle<R>(&self) -> R
    where
        Self: MakesHandles,
    {
        Self::refused()
    }

    pub fn find<V>(&mut self, _address: UserAddr) -> Result<EstablishedCtx<'_, P, V::Kind>, Errno>
    where
        V: VmOperations<Platform = P>,
        Self: RunsNoHook,
    {
        Self::refused()
    }
}

/// What a fault has only while it holds its lock.
#[doc(hidden)]
#[expect(clippy::must_use_candidate, reason = "cannot be called")]
impl<'f, P: Platform, M> Released<'f, P, M> {
    pub fn insert_page<R>(self, _page: &P::Page) -> R
    where
        Self: HoldsItsLock,
    {
        Self::refused()
    }

    pub fn insert_page_with<B, R>(self, _find: impl FnOnce(&Self) -> Result<B, Errno>) -> R
    where
        Self: HoldsItsLock,
    {
        Self::refused()
    }

    pub fn insert_pfn<R>(self, _frame: Frame<'_, P>) -> R
    where
        Self: HoldsItsLock,
    {
        Self::refused()
    }

    pub fn insert_pfn_with<B, R>(self, _find: impl FnOnce(&Self) -> Result<B, Errno>) -> R
    where
        Self: HoldsItsLock,
    {
        Self::refused()
    }

    pub fn insert_mixed<R>(self, _frame: Frame<'_, P>) -> R
    where
        Self: HoldsItsLock,
    {
        Self::refused()
    }

    pub fn insert_mixed_with<B, R>(self, _find: impl FnOnce(&Self) -> Result<B, Errno>) -> R
    where
        Self: HoldsItsLock,
    {
        Self::refused()
    }

    pub fn deliver<R>(self, _page: P::Page) -> R
    where
        Self: HoldsItsLock,
    {
        Self::refused()
    }

    pub fn deliver_with<B, R>(self, _find: impl FnOnce(&Self) -> Result<B, Errno>) -> R
    where
        Self: HoldsItsLock,
    {
        Self::refused()
    }

    pub fn fail<R>(self, _errno: Errno) -> R
    where
        Self: HoldsItsLock,
    {
        Self::refused()
    }

    pub fn fail_or_refault<R>(self, _errno: Errno) -> R
    where
        Self: HoldsItsLock,
    {
        Self::refused()
    }
}

/// What takes pages away, which no hook does.
#[doc(hidden)]
impl<P: Platform, M> FaultCtx<'_, P, M> {
    pub fn zap<F, C, R>(&self, _first: F, _count: C) -> R
    where
        Self: ZapsAsInC,
    {
        Self::refused()
    }
}
