// Part of the module `unlocked`, which includes this file: see `guidance.rs`.

/// What [`EstablishedCtx`] has, a locked mapping.
#[doc(hidden)]
impl<P: Platform> UnlockedCtx<'_, P> {
    pub fn insert_page<R>(&self, _at: PageOffset, _page: &P::Page) -> R
    where
        Self: HoldsAMapping,
    {
        Self::refused()
    }

    pub fn insert_pfn<R>(&self, _at: PageOffset, _frame: Frame<'_, P>) -> R
    where
        Self: HoldsAMapping,
    {
        Self::refused()
    }

    pub fn insert_mixed<R>(&self, _at: PageOffset, _frame: Frame<'_, P>) -> R
    where
        Self: HoldsAMapping,
    {
        Self::refused()
    }

    pub fn zap<R>(&self, _first: PageOffset, _count: PageCount) -> R
    where
        Self: HoldsAMapping,
    {
        Self::refused()
    }
}
