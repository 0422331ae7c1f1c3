// Part of the module `pfn_mkwrite`, which includes this file: in a module of its own rustc would call these methods
// `vmctx::..::<impl ..>`. `guidance.rs` says what they are.

use crate::guidance::HasAPage;

/// What a page has.
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
