// Part of the module `handle`, which includes this file: see `guidance.rs`.

use crate::{frame::Frame, guidance::HoldsAMapping};

/// What [`EstablishedCtx`] has, a locked mapping.
#[doc(hidden)]
impl<P: Platform, M> Handle<P, M> {
    pub fn insert_page<R>(&self, _at: PageOffset, _page: &P::Page) -> R
    where
        for<'x> &'x Self: HoldsAMapping,
    {
        <&Self>::refused()
    }

    pub fn insert_pfn<R>(&self, _at: PageOffset, _frame: Frame<'_, P>) -> R
    where
        for<'x> &'x Self: HoldsAMapping,
    {
        <&Self>::refused()
    }

    pub fn insert_mixed<R>(&self, _at: PageOffset, _frame: Frame<'_, P>) -> R
    where
        for<'x> &'x Self: HoldsAMapping,
    {
        <&Self>::refused()
    }

    pub fn zap<R>(&self, _first: PageOffset, _count: PageCount) -> R
    where
        for<'x> &'x Self: HoldsAMapping,
    {
        <&Self>::refused()
    }
}
