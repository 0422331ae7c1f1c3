// Part of the module `prot`, which includes this file: see `guidance.rs`.

use crate::guidance::{NarrowedForOnePage, WidenedAtMmap};

/// The right to write, which a protection can neither gain nor lose.
#[doc(hidden)]
#[expect(clippy::must_use_candidate, reason = "cannot be called")]
impl PageProt {
    pub fn writable<R>(self) -> R
    where
        for<'x> &'x Self: WidenedAtMmap,
    {
        <&Self>::refused()
    }

    pub fn read_only<R>(self) -> R
    where
        for<'x> &'x Self: NarrowedForOnePage,
    {
        <&Self>::refused()
    }
}
