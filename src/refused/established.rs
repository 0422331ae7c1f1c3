// Part of the module `established`, which includes this file: see `guidance.rs`.

use crate::{
    frame::FrameRange,
    guidance::{
        AnswersNothing, BorrowsFromTheState, CopiesForADebugger, GrantedAtMmap, GrowsAtMmap, MakesTheMapping,
        NeedsNoState,
    },
};

/// What hooks have: an answer, and what is settled when a mapping is made.
#[doc(hidden)]
impl<P: Platform, M> EstablishedCtx<'_, P, M> {
    pub fn fail<R>(self, _errno: Errno) -> R
    where
        Self: AnswersNothing,
    {
        Self::refused()
    }

    pub fn fail_or_refault<R>(self, _errno: Errno) -> R
    where
        Self: AnswersNothing,
    {
        Self::refused()
    }

    pub fn copy_mapped<R>(&self) -> R
    where
        Self: CopiesForADebugger,
    {
        Self::refused()
    }

    pub fn deliver<R>(self, _page: P::Page) -> R
    where
        Self: AnswersNothing,
    {
        Self::refused()
    }

    pub fn finish<R>(self) -> R
    where
        Self: AnswersNothing,
    {
        Self::refused()
    }

    pub fn fill_later<R>(self) -> R
    where
        Self: AnswersNothing,
    {
        Self::refused()
    }

    pub fn prefault_page<R>(&self, _at: PageOffset, _page: &P::Page) -> R
    where
        Self: AnswersNothing,
    {
        Self::refused()
    }

    pub fn prefault_pages<R>(&self, _at: PageOffset, _pages: &[P::Page]) -> R
    where
        Self: AnswersNothing,
    {
        Self::refused()
    }

    pub fn allow<R>(self) -> R
    where
        Self: AnswersNothing,
    {
        Self::refused()
    }

    pub fn remap<R>(self, _frames: FrameRange<'_, P>) -> R
    where
        Self: MakesTheMapping,
    {
        Self::refused()
    }

    pub fn remap_from_first<R>(self, _frames: FrameRange<'_, P>) -> R
    where
        Self: MakesTheMapping,
    {
        Self::refused()
    }

    pub fn noncached<R>(self) -> R
    where
        Self: MakesTheMapping,
    {
        Self::refused()
    }

    pub fn write_combine<R>(self) -> R
    where
        Self: MakesTheMapping,
    {
        Self::refused()
    }

    pub fn decrypted<R>(self) -> R
    where
        Self: MakesTheMapping,
    {
        Self::refused()
    }

    pub fn read_only<R>(self) -> R
    where
        Self: GrantedAtMmap,
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

    pub fn establish<V, R>(self, _state: V) -> R
    where
        Self: MakesTheMapping,
    {
        Self::refused()
    }
}

/// Frames, which are inserted beside the state that they borrow from.
#[doc(hidden)]
impl<P: Platform, M> EstablishedCtx<'_, P, M> {
    pub fn insert_pfn<F, R>(&self, _at: PageOffset, _frame: F) -> R
    where
        Self: BorrowsFromTheState,
    {
        Self::refused()
    }

    pub fn insert_mixed<F, R>(&self, _at: PageOffset, _frame: F) -> R
    where
        Self: BorrowsFromTheState,
    {
        Self::refused()
    }
}

/// Pages, which need no state beside them.
#[doc(hidden)]
impl<P: Platform, M> FrameSlots<'_, P, M> {
    pub fn insert_page<R>(&self, _at: PageOffset, _page: &P::Page) -> R
    where
        Self: NeedsNoState,
    {
        Self::refused()
    }

    pub fn insert_pages<R>(&self, _at: PageOffset, _pages: &[P::Page]) -> R
    where
        Self: NeedsNoState,
    {
        Self::refused()
    }
}
