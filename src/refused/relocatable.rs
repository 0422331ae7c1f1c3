// Part of the module `relocatable`, which includes this file: in a module of its own rustc would call these methods
// `vmctx::..::<impl ..>`. `guidance.rs` says what they are.

use crate::guidance::HoldsTheMemory;

/// What its guards have.
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

/// What [`Moving`] has.
#[doc(hidden)]
impl<P: Platform, L: Location<Platform = P>> Resident<'_, P, L> {
    pub fn finish<R>(self, _location: L) -> R
    where
        Self: HoldsTheMemory,
    {
        Self::refused()
    }
}

/// What [`Resident`] has.
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
