// Part of the module `answer`, which includes this file: see `guidance.rs`.

use crate::guidance::{AnsweredByToken, HoldsAnErrno};

/// What a `Result` has, and conversions from what an answer is made of in C.
#[doc(hidden)]
#[expect(clippy::must_use_candidate, reason = "cannot be called")]
impl<'f> VmFault<'f> {
    pub fn from<E, R>(_: E) -> R
    where
        Self: AnsweredByToken,
    {
        Self::refused()
    }

    pub fn errno<R>(self) -> R
    where
        Self: HoldsAnErrno,
    {
        Self::refused()
    }

    pub fn is_ok<R>(self) -> R
    where
        Self: HoldsAnErrno,
    {
        Self::refused()
    }

    pub fn ok<R>(self) -> R
    where
        Self: HoldsAnErrno,
    {
        Self::refused()
    }

    pub fn unwrap<R>(self) -> R
    where
        Self: HoldsAnErrno,
    {
        Self::refused()
    }

    pub fn expect<R>(self, _message: &str) -> R
    where
        Self: HoldsAnErrno,
    {
        Self::refused()
    }

    pub fn map_err<O, R>(self, _op: O) -> R
    where
        Self: HoldsAnErrno,
    {
        Self::refused()
    }
}
