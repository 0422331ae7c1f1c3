// Part of the module `relocatable`, which includes this file: see `guidance.rs`.

use crate::guidance::HoldsTheMemory;

/// What the guards have, and the memory itself has not.
#[doc(hidden)]
impl<P: Platform, L: Location<Platform = P>> Relocatable<P, L> {
    pub fn insert<A, R>(&self, _ctx: A) -> R
    where
        for<'x> &'x Self: HoldsTheMemory,
    {
        <&Self>::refused()
    }

    pub fn location<R>(&self) -> R
    where
        for<'x> &'x Self: HoldsTheMemory,
    {
        <&Self>::refused()
    }

    pub fn finish<R>(&self, _location: L) -> R
    where
        for<'x> &'x Self: HoldsTheMemory,
    {
        <&Self>::refused()
    }
}

/// What [`Moving`] has, and [`Resident`] has not.
#[doc(hidden)]
impl<P: Platform, L: Location<Platform = P>> Resident<'_, P, L> {
    pub fn finish<R>(self, _location: L) -> R
    where
        Self: HoldsTheMemory,
    {
        Self::refused()
    }
}

/// What [`Resident`] has, and [`Moving`] has not.
#[doc(hidden)]
impl<P: Platform, L: Location<Platform = P>> Moving<'_, P, L> {
    pub fn insert<A, R>(&self, _ctx: A) -> R
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
