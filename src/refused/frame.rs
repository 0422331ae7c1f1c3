// Part of the module `frame`, which includes this file: in a module of its own rustc would call these methods
// `vmctx::..::<impl ..>`. `guidance.rs` says what they are.

use crate::guidance::VouchedFor;

/// Ways from a number. They cannot be called: they are here to say so, and what to write instead.
#[doc(hidden)]
#[expect(clippy::new_ret_no_self, reason = "cannot be called")]
impl<'s, P: Platform> Frame<'s, P> {
    pub fn new<N, R>(_pfn: N) -> R
    where
        Self: VouchedFor,
    {
        Self::refused()
    }

    pub fn from<N, R>(_pfn: N) -> R
    where
        Self: VouchedFor,
    {
        Self::refused()
    }
}
