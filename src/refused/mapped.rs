// Part of the module `mapped`, which includes this file: see `guidance.rs`.

use crate::{
    frame::FrameRange,
    guidance::{AnswersNothing, MakesTheMapping},
};

/// What hooks have: an answer, and what is settled when a mapping is made.
#[doc(hidden)]
impl<P: Platform, M> MappedCtx<'_, P, M> {
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

    pub fn remap_all<R>(self, _frames: FrameRange<'_, P>) -> R
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
        Self: MakesTheMapping,
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
