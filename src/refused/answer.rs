// Part of the module `answer`, which includes this file: see `guidance.rs`.

use crate::{
    c_names::NoCode,
    guidance::{ACodeOfAnAnswer, AnsweredByToken, HoldsAnErrno},
};

/// What a `Result` has, and conversions from what an answer is made of in C.
#[doc(hidden)]
#[expect(clippy::must_use_candidate, clippy::new_ret_no_self, reason = "cannot be called")]
impl<'f> VmFault<'f> {
    pub fn from<E, R>(_: E) -> R
    where
        Self: AnsweredByToken,
    {
        Self::refused()
    }

    pub fn new<E, R>(_: E) -> R
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

    pub fn is_err<R>(&self) -> R
    where
        Self: HoldsAnErrno,
    {
        Self::refused()
    }

    pub fn err<R>(self) -> R
    where
        Self: HoldsAnErrno,
    {
        Self::refused()
    }

    pub fn unwrap_err<R>(self) -> R
    where
        Self: HoldsAnErrno,
    {
        Self::refused()
    }

    pub fn map<O, R>(self, _op: O) -> R
    where
        Self: HoldsAnErrno,
    {
        Self::refused()
    }

    pub fn and_then<O, R>(self, _op: O) -> R
    where
        Self: HoldsAnErrno,
    {
        Self::refused()
    }

    pub fn or_else<O, R>(self, _op: O) -> R
    where
        Self: HoldsAnErrno,
    {
        Self::refused()
    }

    pub fn unwrap_or_else<O, R>(self, _op: O) -> R
    where
        Self: HoldsAnErrno,
    {
        Self::refused()
    }

    pub fn ok_or<E, R>(self, _errno: E) -> R
    where
        Self: HoldsAnErrno,
    {
        Self::refused()
    }
}

/// C's codes, which no driver names.
#[doc(hidden)]
#[expect(non_upper_case_globals, reason = "as variants of an enum would be written, too")]
impl VmFault<'_> {
    #[deprecated(note = "a driver says what went wrong, never which VM_FAULT code: `ctx.fail(errno)`")]
    pub const SIGBUS: NoCode = NoCode;
    #[deprecated(note = "a driver says what went wrong, never which VM_FAULT code: `ctx.fail(errno)`")]
    pub const SigBus: NoCode = NoCode;
    #[deprecated(note = "a driver says what went wrong, never which VM_FAULT code: `ctx.fail(errno)`")]
    pub const Sigbus: NoCode = NoCode;
    #[deprecated(note = "a driver says what went wrong, never which VM_FAULT code: `ctx.fail(errno)`")]
    pub const SIGSEGV: NoCode = NoCode;
    #[deprecated(note = "a driver says what went wrong, never which VM_FAULT code: `ctx.fail(errno)`")]
    pub const OOM: NoCode = NoCode;
    #[deprecated(note = "a driver says what went wrong, never which VM_FAULT code: `ctx.fail(errno)`")]
    pub const Oom: NoCode = NoCode;
    #[deprecated(note = "a driver says what went wrong, never which VM_FAULT code: `ctx.fail(errno)`")]
    pub const HWPOISON: NoCode = NoCode;
    #[deprecated(note = "a driver says what went wrong, never which VM_FAULT code: `ctx.fail(errno)`")]
    pub const ERROR: NoCode = NoCode;
    #[deprecated(note = "a driver says what went wrong, never which VM_FAULT code: `ctx.fail(errno)`")]
    pub const Error: NoCode = NoCode;
    #[deprecated(
        note = "NOPAGE is the answer of what has inserted something, and of nothing else: `ctx.insert_page(&page)`, `ctx.insert_pfn(frame)`"
    )]
    pub const NOPAGE: NoCode = NoCode;
    #[deprecated(
        note = "NOPAGE is the answer of what has inserted something, and of nothing else: `ctx.insert_page(&page)`, `ctx.insert_pfn(frame)`"
    )]
    pub const NoPage: NoCode = NoCode;
    #[deprecated(
        note = "NOPAGE is the answer of what has inserted something, and of nothing else: `ctx.insert_page(&page)`, `ctx.insert_pfn(frame)`"
    )]
    pub const Nopage: NoCode = NoCode;
    #[deprecated(
        note = "RETRY is the answer of who has given up the lock: `match ctx.release() { .. }`, then `released.retry()`"
    )]
    pub const RETRY: NoCode = NoCode;
    #[deprecated(
        note = "RETRY is the answer of who has given up the lock: `match ctx.release() { .. }`, then `released.retry()`"
    )]
    pub const Retry: NoCode = NoCode;
    #[deprecated(
        note = "LOCKED is the answer with a page that this fault has locked: `ctx.deliver_locked(ctx.lock_page(&page))`"
    )]
    pub const LOCKED: NoCode = NoCode;
    #[deprecated(
        note = "LOCKED is the answer with a page that this fault has locked: `ctx.deliver_locked(ctx.lock_page(&page))`"
    )]
    pub const Locked: NoCode = NoCode;
    #[deprecated(note = "a fault that had to wait for I/O is counted, not answered: `ctx.account_major()`")]
    pub const MAJOR: NoCode = NoCode;
    #[deprecated(note = "a fault that had to wait for I/O is counted, not answered: `ctx.account_major()`")]
    pub const Major: NoCode = NoCode;
    #[deprecated(note = "FALLBACK is an answer of `huge_fault` alone: `ctx.fallback()`")]
    pub const FALLBACK: NoCode = NoCode;
    #[deprecated(note = "FALLBACK is an answer of `huge_fault` alone: `ctx.fallback()`")]
    pub const Fallback: NoCode = NoCode;
}

#[doc(hidden)]
impl<T: ACodeOfAnAnswer> core::ops::BitOr<T> for VmFault<'_> {
    type Output = T::Output;

    fn bitor(self, _: T) -> T::Output {
        T::refused()
    }
}

#[doc(hidden)]
impl<T: ACodeOfAnAnswer> core::ops::BitAnd<T> for VmFault<'_> {
    type Output = T::Output;

    fn bitand(self, _: T) -> T::Output {
        T::refused()
    }
}

#[doc(hidden)]
impl<T: ACodeOfAnAnswer> core::ops::BitOrAssign<T> for VmFault<'_> {
    fn bitor_assign(&mut self, _: T) {
        T::refused::<()>();
    }
}

#[doc(hidden)]
impl<T: ACodeOfAnAnswer> PartialEq<T> for VmFault<'_> {
    fn eq(&self, _: &T) -> bool {
        T::refused()
    }
}

#[doc(hidden)]
impl<T: ACodeOfAnAnswer> PartialOrd<T> for VmFault<'_> {
    fn partial_cmp(&self, _: &T) -> Option<core::cmp::Ordering> {
        T::refused()
    }
}
