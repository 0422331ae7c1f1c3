// Part of the module `unique_page`, which includes this file: see `guidance.rs`.

use crate::guidance::{ClaimedUnseen, ReferredToTwice};

/// A second reference, and a first one that nobody has looked for.
#[doc(hidden)]
#[expect(clippy::should_implement_trait, reason = "cannot be called")]
impl<P: Platform> UniquePage<P> {
    pub fn clone(&self) -> Self
    where
        Self: ReferredToTwice,
    {
        Self::refused()
    }

    pub fn from(_page: P::Page) -> Self
    where
        Self: ClaimedUnseen,
    {
        Self::refused()
    }

    pub fn new<A>(_page: A) -> Self
    where
        Self: ClaimedUnseen,
    {
        Self::refused()
    }
}
