// Part of the module `huge`, which includes this file: see `guidance.rs`.

use crate::{
    frame::Frame,
    guidance::{GrantedAtMmap, InsertsOnePage, KnowsItsRange, NamesACodeForAnEntry, ReleasesInFault, SettlesOneEntry},
    prot::PageProt,
};

/// What a fault of one page has, and a code, which nobody names.
#[doc(hidden)]
#[expect(clippy::must_use_candidate, reason = "cannot be called")]
impl<'f, P: Platform, M> HugeFaultCtx<'f, P, M> {
    pub fn insert_huge<A, R>(self, _frames: A) -> R
    where
        Self: KnowsItsRange,
    {
        Self::refused()
    }

    pub fn insert_page<R>(self, _page: &P::Page) -> R
    where
        Self: InsertsOnePage,
    {
        Self::refused()
    }

    pub fn insert_page_with<B, R>(self, _find: impl FnOnce(&Self) -> Result<B, Errno>) -> R
    where
        Self: InsertsOnePage,
    {
        Self::refused()
    }

    pub fn insert_pfn<R>(self, _frame: Frame<'_, P>) -> R
    where
        Self: InsertsOnePage,
    {
        Self::refused()
    }

    pub fn insert_pfn_with<B, R>(self, _find: impl FnOnce(&Self) -> Result<B, Errno>) -> R
    where
        Self: InsertsOnePage,
    {
        Self::refused()
    }

    pub fn insert_mixed<R>(self, _frame: Frame<'_, P>) -> R
    where
        Self: InsertsOnePage,
    {
        Self::refused()
    }

    pub fn insert_mixed_with<B, R>(self, _find: impl FnOnce(&Self) -> Result<B, Errno>) -> R
    where
        Self: InsertsOnePage,
    {
        Self::refused()
    }

    pub fn deliver<R>(self, _page: P::Page) -> R
    where
        Self: InsertsOnePage,
    {
        Self::refused()
    }

    pub fn deliver_with<B, R>(self, _find: impl FnOnce(&Self) -> Result<B, Errno>) -> R
    where
        Self: InsertsOnePage,
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
        Self: InsertsOnePage,
    {
        Self::refused()
    }

    pub fn insert_pfn_prot<R>(self, _frame: Frame<'_, P>, _prot: PageProt) -> R
    where
        Self: InsertsOnePage,
    {
        Self::refused()
    }

    pub fn insert_pfn_prot_with<B, R>(self, _find: impl FnOnce(&Self) -> Result<B, Errno>) -> R
    where
        Self: InsertsOnePage,
    {
        Self::refused()
    }

    pub fn insert_pfn_mkwrite<R>(self, _frame: Frame<'_, P>) -> R
    where
        Self: InsertsOnePage,
    {
        Self::refused()
    }

    pub fn insert_mixed_mkwrite<R>(self, _frame: Frame<'_, P>) -> R
    where
        Self: InsertsOnePage,
    {
        Self::refused()
    }

    pub fn insert_mixed_mkwrite_with<B, R>(self, _find: impl FnOnce(&Self) -> Result<B, Errno>) -> R
    where
        Self: InsertsOnePage,
    {
        Self::refused()
    }

    pub fn prefault_page<R>(&mut self, _at: PageOffset, _page: &P::Page) -> R
    where
        Self: InsertsOnePage,
    {
        Self::refused()
    }

    pub fn prefault_pages<R>(&mut self, _at: PageOffset, _pages: &[P::Page]) -> R
    where
        Self: InsertsOnePage,
    {
        Self::refused()
    }

    pub fn prefault_pfn<R>(&mut self, _at: PageOffset, _frame: Frame<'_, P>) -> R
    where
        Self: InsertsOnePage,
    {
        Self::refused()
    }

    pub fn prefault_pfn_prot<R>(&mut self, _at: PageOffset, _frame: Frame<'_, P>, _prot: PageProt) -> R
    where
        Self: InsertsOnePage,
    {
        Self::refused()
    }

    pub fn prefault_mixed<R>(&mut self, _at: PageOffset, _frame: Frame<'_, P>) -> R
    where
        Self: InsertsOnePage,
    {
        Self::refused()
    }

    pub fn sigbus<R>(self) -> R
    where
        Self: NamesACodeForAnEntry,
    {
        Self::refused()
    }

    pub fn writable<R>(self) -> R
    where
        Self: GrantedAtMmap,
    {
        Self::refused()
    }

    pub fn page_prot(&self) -> PageProt
    where
        Self: SettlesOneEntry,
    {
        Self::refused()
    }
}

/// What takes pages away, which no hook does.
#[doc(hidden)]
impl<P: Platform, M> HugeFaultCtx<'_, P, M> {
    pub fn zap<F, C, R>(&self, _first: F, _count: C) -> R
    where
        Self: ZapsAsInC,
    {
        Self::refused()
    }
}
