// Part of the module `prot`, which includes this file: in a module of its own rustc would call these methods
// `vmctx::..::<impl ..>`. `guidance.rs` says what they are.

use crate::guidance::WidenedAtMmap;

/// What a protection cannot gain.
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
