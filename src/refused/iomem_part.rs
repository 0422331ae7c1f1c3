// Part of the module `iomem_part`, which includes this file: see `guidance.rs`.

use crate::guidance::OwnedTwice;

/// A second owner.
#[doc(hidden)]
#[expect(clippy::should_implement_trait, reason = "cannot be called")]
impl<P: Platform> IomemPart<P> {
    pub fn clone(&self) -> Self
    where
        Self: OwnedTwice,
    {
        Self::refused()
    }
}
