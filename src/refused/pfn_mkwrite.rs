// Part of the module `pfn_mkwrite`, which includes this file: see `guidance.rs`.

use crate::guidance::HasAPage;

/// What `page_mkwrite` has, because there is a page.
#[doc(hidden)]
#[expect(clippy::must_use_candidate, reason = "cannot be called")]
impl<'f, P: Platform, M> PfnMkwriteCtx<'f, P, M> {
    pub fn page<R>(&self) -> R
    where
        Self: HasAPage,
    {
        Self::refused()
    }

    pub fn lock_page<R>(&self) -> R
    where
        Self: HasAPage,
    {
        Self::refused()
    }

    pub fn allow_locked<R>(self, _page: LockedPage<'f, P>) -> R
    where
        Self: HasAPage,
    {
        Self::refused()
    }
}
