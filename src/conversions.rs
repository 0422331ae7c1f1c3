//! Conversions that do not exist. Nothing meets their bounds, so that whoever tries one gets the text of the bound.

use crate::{
    answer::VmFault,
    errno::{Errno, InsertPagesError},
    flags::FaultCode,
    frame::Frame,
    guidance::{AnsweredByToken, HoldsAnErrno, VouchedFor},
    mmap::Mapped,
    platform::Platform,
    prefault::Prefault,
    units::PageCount,
};

#[doc(hidden)]
impl<'f> From<Errno> for VmFault<'f>
where
    for<'x> &'x Self: AnsweredByToken,
{
    fn from(_: Errno) -> Self {
        <&Self>::refused()
    }
}

#[doc(hidden)]
impl<'f> From<InsertPagesError> for VmFault<'f>
where
    for<'x> &'x Self: AnsweredByToken,
{
    fn from(_: InsertPagesError) -> Self {
        <&Self>::refused()
    }
}

#[doc(hidden)]
impl<'f> From<Prefault> for VmFault<'f>
where
    for<'x> &'x Self: AnsweredByToken,
{
    fn from(_: Prefault) -> Self {
        <&Self>::refused()
    }
}

#[doc(hidden)]
impl<'f> From<PageCount> for VmFault<'f>
where
    for<'x> &'x Self: AnsweredByToken,
{
    fn from(_: PageCount) -> Self {
        <&Self>::refused()
    }
}

#[doc(hidden)]
impl<'f> From<FaultCode> for VmFault<'f>
where
    for<'x> &'x Self: AnsweredByToken,
{
    fn from(_: FaultCode) -> Self {
        <&Self>::refused()
    }
}

#[doc(hidden)]
impl<'f> From<u32> for VmFault<'f>
where
    for<'x> &'x Self: AnsweredByToken,
{
    fn from(_: u32) -> Self {
        <&Self>::refused()
    }
}

#[doc(hidden)]
impl<'f, T> From<Result<T, Errno>> for VmFault<'f>
where
    for<'x> &'x Self: AnsweredByToken,
{
    fn from(_: Result<T, Errno>) -> Self {
        <&Self>::refused()
    }
}

#[doc(hidden)]
impl<'m> From<Mapped<'m>> for VmFault<'m>
where
    for<'x> &'x Self: AnsweredByToken,
{
    fn from(_: Mapped<'m>) -> Self {
        <&Self>::refused()
    }
}

#[doc(hidden)]
impl<'f> From<VmFault<'f>> for Errno
where
    for<'x> &'x VmFault<'f>: HoldsAnErrno,
{
    fn from(_: VmFault<'f>) -> Self {
        <&VmFault<'f>>::refused()
    }
}

#[doc(hidden)]
impl From<Prefault> for Errno
where
    for<'x> &'x Prefault: HoldsAnErrno,
{
    fn from(_: Prefault) -> Self {
        <&Prefault>::refused()
    }
}

#[doc(hidden)]
impl<'s, P: Platform> From<u64> for Frame<'s, P>
where
    for<'x> &'x Self: VouchedFor,
{
    fn from(_: u64) -> Self {
        <&Self>::refused()
    }
}
