// Part of the modules `page_mkwrite` and `pfn_mkwrite`, which include this file: see `guidance.rs`.

use crate::guidance::{GrantedAtMmap, InsertsInFault, NamesACodeForAStore, ReleasesInFault};

/// What only `VmOperations::fault` has: something to insert, and a lock that can be given up. And codes, which nobody
/// names.
#[doc(hidden)]
#[expect(clippy::must_use_candidate, reason = "cannot be called")]
impl<'f, P: Platform, M> Token<'f, P, M> {
    pub fn insert_page<R>(self, _page: &P::Page) -> R
    where
        Self: InsertsInFault,
    {
        Self::refused()
    }

    pub fn insert_page_with<B, R>(self, _find: impl FnOnce(&Self) -> Result<B, Errno>) -> R
    where
        Self: InsertsInFault,
    {
        Self::refused()
    }

    pub fn insert_pfn<R>(self, _frame: Frame<'_, P>) -> R
    where
        Self: InsertsInFault,
    {
        Self::refused()
    }

    pub fn insert_pfn_with<B, R>(self, _find: impl FnOnce(&Self) -> Result<B, Errno>) -> R
    where
        Self: InsertsInFault,
    {
        Self::refused()
    }

    pub fn insert_pfn_mkwrite<R>(self, _frame: Frame<'_, P>) -> R
    where
        Self: InsertsInFault,
    {
        Self::refused()
    }

    pub fn insert_mixed<R>(self, _frame: Frame<'_, P>) -> R
    where
        Self: InsertsInFault,
    {
        Self::refused()
    }

    pub fn insert_mixed_with<B, R>(self, _find: impl FnOnce(&Self) -> Result<B, Errno>) -> R
    where
        Self: InsertsInFault,
    {
        Self::refused()
    }

    pub fn deliver<R>(self, _page: P::Page) -> R
    where
        Self: InsertsInFault,
    {
        Self::refused()
    }

    pub fn deliver_with<B, R>(self, _find: impl FnOnce(&Self) -> Result<B, Errno>) -> R
    where
        Self: InsertsInFault,
    {
        Self::refused()
    }

    pub fn prefault_page<R>(&mut self, _at: PageOffset, _page: &P::Page) -> R
    where
        Self: InsertsInFault,
    {
        Self::refused()
    }

    pub fn prefault_pages<R>(&mut self, _at: PageOffset, _pages: &[P::Page]) -> R
    where
        Self: InsertsInFault,
    {
        Self::refused()
    }

    pub fn release<R>(self) -> R
    where
        Self: ReleasesInFault,
    {
        Self::refused()
    }

    pub fn release_and_wait<A, R>(self, _since: A) -> R
    where
        Self: ReleasesInFault,
    {
        Self::refused()
    }

    pub fn insert_zero_page<R>(self) -> R
    where
        Self: InsertsInFault,
    {
        Self::refused()
    }

    pub fn deliver_locked<R>(self, _page: LockedPage<'f, P>) -> R
    where
        Self: InsertsInFault,
    {
        Self::refused()
    }

    pub fn oom<R>(self) -> R
    where
        Self: NamesACodeForAStore,
    {
        Self::refused()
    }

    pub fn nopage<R>(self) -> R
    where
        Self: NamesACodeForAStore,
    {
        Self::refused()
    }

    pub fn sigbus<R>(self) -> R
    where
        Self: NamesACodeForAStore,
    {
        Self::refused()
    }

    pub fn retry<R>(self) -> R
    where
        Self: ReleasesInFault,
    {
        Self::refused()
    }

    pub fn writable<R>(self) -> R
    where
        Self: GrantedAtMmap,
    {
        Self::refused()
    }
}

/// What takes pages away, which no hook does.
#[doc(hidden)]
impl<P: Platform, M> Token<'_, P, M> {
    pub fn zap<F, C, R>(&self, _first: F, _count: C) -> R
    where
        Self: ZapsAsInC,
    {
        Self::refused()
    }
}
