// Part of the module `revocable`, which includes this file: see `guidance.rs`.

use crate::guidance::HoldsTheMemory;

/// What a guard has, and the memory itself has not.
#[doc(hidden)]
impl<P: Platform, B: Backing<Platform = P>> Revocable<P, B> {
    pub fn insert<A, R>(&self, _ctx: A) -> R
    where
        for<'x> &'x Self: HoldsTheMemory,
    {
        <&Self>::refused()
    }

    pub fn prefault<A, R>(&self, _ctx: A, _at: PageOffset) -> R
    where
        for<'x> &'x Self: HoldsTheMemory,
    {
        <&Self>::refused()
    }

    pub fn spot<R>(&self, _at: PageCount) -> R
    where
        for<'x> &'x Self: HoldsTheMemory,
    {
        <&Self>::refused()
    }

    pub fn get_mut<A, R>(&self, _piece: A) -> R
    where
        for<'x> &'x Self: HoldsTheMemory,
    {
        <&Self>::refused()
    }
}

/// What [`Revoked`] and its parts have, and [`Resident`] has not.
#[doc(hidden)]
impl<P: Platform, B: Backing<Platform = P>> Resident<'_, P, B> {
    pub fn get_mut<A, R>(&self, _piece: A) -> R
    where
        for<'x> &'x Self: HoldsTheMemory,
    {
        <&Self>::refused()
    }
}

/// What [`Resident`] has, and [`Revoked`] has not.
#[doc(hidden)]
impl<P: Platform, B: Backing<Platform = P>> Revoked<'_, P, B> {
    pub fn insert<A, R>(&self, _ctx: A) -> R
    where
        Self: HoldsTheMemory,
    {
        Self::refused()
    }

    pub fn insert_huge<A, R>(&self, _ctx: A) -> R
    where
        Self: HoldsTheMemory,
    {
        Self::refused()
    }

    pub fn prefault<A, R>(&self, _ctx: A, _at: PageOffset) -> R
    where
        Self: HoldsTheMemory,
    {
        Self::refused()
    }
}
