// Part of the module `map_pages`, which includes this file: see `guidance.rs`.

use crate::{
    errno::Errno,
    guidance::{AnswersAtTheEnd, FailsInFault, GrantedAtMmap, SleepsInFault},
    page_lock::LockedPage,
    wait::Ticket,
};

/// What a hook has that may sleep, fail, or answer for one page.
#[doc(hidden)]
#[expect(clippy::must_use_candidate, reason = "cannot be called")]
impl<'f, P: Platform, M> MapPagesCtx<'f, P, M> {
    pub fn may_sleep<R>(&self) -> R
    where
        Self: SleepsInFault,
    {
        Self::refused()
    }

    pub fn wait<R>(&self, _since: Ticket<'_, P::WaitQueue>) -> R
    where
        Self: SleepsInFault,
    {
        Self::refused()
    }

    pub fn lock_page(&self, _page: &P::Page) -> LockedPage<'f, P>
    where
        Self: SleepsInFault,
    {
        Self::refused()
    }

    pub fn release<R>(self) -> R
    where
        Self: SleepsInFault,
    {
        Self::refused()
    }

    pub fn release_and_wait<A, R>(self, _since: A) -> R
    where
        Self: SleepsInFault,
    {
        Self::refused()
    }

    pub fn prefault_pages<R>(&mut self, _at: PageOffset, _pages: &[P::Page]) -> R
    where
        Self: SleepsInFault,
    {
        Self::refused()
    }

    pub fn insert_page<R>(self, _page: &P::Page) -> R
    where
        Self: AnswersAtTheEnd,
    {
        Self::refused()
    }

    pub fn insert_page_with<B, R>(self, _find: impl FnOnce(&Self) -> Result<B, Errno>) -> R
    where
        Self: AnswersAtTheEnd,
    {
        Self::refused()
    }

    pub fn insert_mixed<R>(self, _frame: Frame<'_, P>) -> R
    where
        Self: AnswersAtTheEnd,
    {
        Self::refused()
    }

    pub fn insert_mixed_with<B, R>(self, _find: impl FnOnce(&Self) -> Result<B, Errno>) -> R
    where
        Self: AnswersAtTheEnd,
    {
        Self::refused()
    }

    pub fn insert_pfn<R>(self, _frame: Frame<'_, P>) -> R
    where
        Self: AnswersAtTheEnd,
    {
        Self::refused()
    }

    pub fn insert_pfn_with<B, R>(self, _find: impl FnOnce(&Self) -> Result<B, Errno>) -> R
    where
        Self: AnswersAtTheEnd,
    {
        Self::refused()
    }

    pub fn deliver<R>(self, _page: P::Page) -> R
    where
        Self: AnswersAtTheEnd,
    {
        Self::refused()
    }

    pub fn deliver_with<B, R>(self, _find: impl FnOnce(&Self) -> Result<B, Errno>) -> R
    where
        Self: AnswersAtTheEnd,
    {
        Self::refused()
    }

    pub fn fail<R>(self, _errno: Errno) -> R
    where
        Self: FailsInFault,
    {
        Self::refused()
    }

    pub fn fail_or_refault<R>(self, _errno: Errno) -> R
    where
        Self: FailsInFault,
    {
        Self::refused()
    }

    pub fn refault<E, R>(self, _evidence: E) -> R
    where
        Self: FailsInFault,
    {
        Self::refused()
    }

    pub fn insert_zero_page<R>(self) -> R
    where
        Self: AnswersAtTheEnd,
    {
        Self::refused()
    }

    pub fn deliver_locked<R>(self, _page: LockedPage<'f, P>) -> R
    where
        Self: AnswersAtTheEnd,
    {
        Self::refused()
    }

    pub fn sigbus<R>(self) -> R
    where
        Self: FailsInFault,
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
impl<P: Platform, M> MapPagesCtx<'_, P, M> {
    pub fn zap<F, C, R>(&self, _first: F, _count: C) -> R
    where
        Self: ZapsAsInC,
    {
        Self::refused()
    }
}
