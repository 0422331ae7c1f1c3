// Part of the module `access`, which includes this file: see `guidance.rs`.

use crate::{
    established::EstablishedCtx,
    frame::Frame,
    guidance::{AnswersWithACopy, GoesTheOtherWay, GrantedAtMmap, InsertsForTheUser, RunsNoHook},
    ops::VmOperations,
    units::UserAddr,
};

/// What a fault has: something to insert, and answers of its own.
#[doc(hidden)]
impl<P: Platform, M> AccessCtx<'_, P, M> {
    pub fn insert_page<R>(self, _page: &P::Page) -> R
    where
        Self: InsertsForTheUser,
    {
        Self::refused()
    }

    pub fn insert_page_with<B, R>(self, _find: impl FnOnce(&Self) -> Result<B, Errno>) -> R
    where
        Self: InsertsForTheUser,
    {
        Self::refused()
    }

    pub fn insert_pfn<R>(self, _frame: Frame<'_, P>) -> R
    where
        Self: InsertsForTheUser,
    {
        Self::refused()
    }

    pub fn insert_pfn_with<B, R>(self, _find: impl FnOnce(&Self) -> Result<B, Errno>) -> R
    where
        Self: InsertsForTheUser,
    {
        Self::refused()
    }

    pub fn insert_mixed<R>(self, _frame: Frame<'_, P>) -> R
    where
        Self: InsertsForTheUser,
    {
        Self::refused()
    }

    pub fn insert_mixed_with<B, R>(self, _find: impl FnOnce(&Self) -> Result<B, Errno>) -> R
    where
        Self: InsertsForTheUser,
    {
        Self::refused()
    }

    pub fn deliver<R>(self, _page: P::Page) -> R
    where
        Self: InsertsForTheUser,
    {
        Self::refused()
    }

    pub fn deliver_with<B, R>(self, _find: impl FnOnce(&Self) -> Result<B, Errno>) -> R
    where
        Self: InsertsForTheUser,
    {
        Self::refused()
    }

    pub fn prefault_page<R>(&mut self, _at: PageOffset, _page: &P::Page) -> R
    where
        Self: InsertsForTheUser,
    {
        Self::refused()
    }

    pub fn prefault_pfn<R>(&mut self, _at: PageOffset, _frame: Frame<'_, P>) -> R
    where
        Self: InsertsForTheUser,
    {
        Self::refused()
    }

    pub fn fail<R>(self, _errno: Errno) -> R
    where
        Self: AnswersWithACopy,
    {
        Self::refused()
    }

    pub fn fail_or_refault<R>(self, _errno: Errno) -> R
    where
        Self: AnswersWithACopy,
    {
        Self::refused()
    }

    pub fn sigbus<R>(self) -> R
    where
        Self: AnswersWithACopy,
    {
        Self::refused()
    }

    pub fn allow<R>(self) -> R
    where
        Self: AnswersWithACopy,
    {
        Self::refused()
    }

    pub fn finish<R>(self) -> R
    where
        Self: AnswersWithACopy,
    {
        Self::refused()
    }
}

/// What the mmap hook settles, and other mappings, which no hook reaches.
#[doc(hidden)]
impl<P: Platform, M> AccessCtx<'_, P, M> {
    pub fn writable<R>(self) -> R
    where
        Self: GrantedAtMmap,
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

/// `memcpy` with its arguments the wrong way round.
#[doc(hidden)]
impl ReadInto<'_> {
    pub fn copy_to_slice<R>(self, _bytes: &mut [u8]) -> R
    where
        Self: GoesTheOtherWay,
    {
        Self::refused()
    }
}

/// The same.
#[doc(hidden)]
#[expect(clippy::must_use_candidate, reason = "cannot be called")]
impl WriteFrom<'_> {
    pub fn copy_from_slice<R>(self, _bytes: &[u8]) -> R
    where
        Self: GoesTheOtherWay,
    {
        Self::refused()
    }
}

/// What takes pages away, which no hook does.
#[doc(hidden)]
impl<P: Platform, M> AccessCtx<'_, P, M> {
    pub fn zap<F, C, R>(&self, _first: F, _count: C) -> R
    where
        Self: ZapsAsInC,
    {
        Self::refused()
    }
}
