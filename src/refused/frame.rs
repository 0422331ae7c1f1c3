// Part of the module `frame`, which includes this file: see `guidance.rs`.

use crate::guidance::VouchedFor;

/// Ways from a number to a frame.
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
