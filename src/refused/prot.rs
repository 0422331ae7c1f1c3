// Part of the module `prot`, which includes this file: see `guidance.rs`.

use crate::guidance::WidenedAtMmap;

/// The right to write, which a protection cannot gain.
#[doc(hidden)]
#[expect(clippy::must_use_candidate, reason = "cannot be called")]
impl PageProt {
    pub fn writable<R>(self) -> R
    where
        for<'x> &'x Self: WidenedAtMmap,
    {
        <&Self>::refused()
    }
}
