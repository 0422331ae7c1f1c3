// Part of the module `units`, which includes this file: see `guidance.rs`.
//
// What an operator of these types bounds is its right-hand side: a bound on the type itself gets rustc's text.

use crate::guidance::{
    AddedToACount, AddedToAnAddress, AddedToAnOffset, ComparedWithACount, ComparedWithAnOffset, TakenFromAnOffset,
};

/// Arithmetic on a page offset, which a user has chosen.
#[doc(hidden)]
impl<T: AddedToAnOffset> core::ops::Add<T> for PageOffset {
    type Output = T::Output;

    fn add(self, _: T) -> T::Output {
        T::refused()
    }
}

#[doc(hidden)]
impl<T: AddedToAnOffset> core::ops::AddAssign<T> for PageOffset {
    fn add_assign(&mut self, _: T) {
        T::refused::<()>();
    }
}

#[doc(hidden)]
impl<T: AddedToAnOffset> core::ops::Mul<T> for PageOffset {
    type Output = T::Output;

    fn mul(self, _: T) -> T::Output {
        T::refused()
    }
}

#[doc(hidden)]
impl<T: AddedToAnOffset> core::ops::Shl<T> for PageOffset {
    type Output = T::Output;

    fn shl(self, _: T) -> T::Output {
        T::refused()
    }
}

#[doc(hidden)]
impl<T: AddedToAnOffset> core::ops::Shr<T> for PageOffset {
    type Output = T::Output;

    fn shr(self, _: T) -> T::Output {
        T::refused()
    }
}

#[doc(hidden)]
impl<T: AddedToAnOffset> core::ops::Rem<T> for PageOffset {
    type Output = T::Output;

    fn rem(self, _: T) -> T::Output {
        T::refused()
    }
}

#[doc(hidden)]
impl<T: AddedToAnOffset> core::ops::Div<T> for PageOffset {
    type Output = T::Output;

    fn div(self, _: T) -> T::Output {
        T::refused()
    }
}

#[doc(hidden)]
impl<T: TakenFromAnOffset> core::ops::Sub<T> for PageOffset {
    type Output = T::Output;

    fn sub(self, _: T) -> T::Output {
        T::refused()
    }
}

#[doc(hidden)]
impl<T: TakenFromAnOffset> core::ops::SubAssign<T> for PageOffset {
    fn sub_assign(&mut self, _: T) {
        T::refused::<()>();
    }
}

#[doc(hidden)]
impl<T: ComparedWithAnOffset> PartialEq<T> for PageOffset {
    fn eq(&self, _: &T) -> bool {
        T::refused()
    }
}

#[doc(hidden)]
impl<T: ComparedWithAnOffset> PartialOrd<T> for PageOffset {
    fn partial_cmp(&self, _: &T) -> Option<Ordering> {
        T::refused()
    }
}

/// Arithmetic on a count.
#[doc(hidden)]
impl<T: AddedToACount> core::ops::Add<T> for PageCount {
    type Output = T::Output;

    fn add(self, _: T) -> T::Output {
        T::refused()
    }
}

#[doc(hidden)]
impl<T: AddedToACount> core::ops::Sub<T> for PageCount {
    type Output = T::Output;

    fn sub(self, _: T) -> T::Output {
        T::refused()
    }
}

#[doc(hidden)]
impl<T: AddedToACount> core::ops::Mul<T> for PageCount {
    type Output = T::Output;

    fn mul(self, _: T) -> T::Output {
        T::refused()
    }
}

#[doc(hidden)]
impl<T: AddedToACount> core::ops::Div<T> for PageCount {
    type Output = T::Output;

    fn div(self, _: T) -> T::Output {
        T::refused()
    }
}

#[doc(hidden)]
impl<T: AddedToACount> core::ops::Rem<T> for PageCount {
    type Output = T::Output;

    fn rem(self, _: T) -> T::Output {
        T::refused()
    }
}

#[doc(hidden)]
impl<T: AddedToACount> core::ops::Shl<T> for PageCount {
    type Output = T::Output;

    fn shl(self, _: T) -> T::Output {
        T::refused()
    }
}

#[doc(hidden)]
impl<T: AddedToACount> core::ops::Shr<T> for PageCount {
    type Output = T::Output;

    fn shr(self, _: T) -> T::Output {
        T::refused()
    }
}

#[doc(hidden)]
impl<T: AddedToACount> core::ops::AddAssign<T> for PageCount {
    fn add_assign(&mut self, _: T) {
        T::refused::<()>();
    }
}

#[doc(hidden)]
impl<T: AddedToACount> core::ops::SubAssign<T> for PageCount {
    fn sub_assign(&mut self, _: T) {
        T::refused::<()>();
    }
}

#[doc(hidden)]
impl<T: ComparedWithACount> PartialEq<T> for PageCount {
    fn eq(&self, _: &T) -> bool {
        T::refused()
    }
}

#[doc(hidden)]
impl<T: ComparedWithACount> PartialOrd<T> for PageCount {
    fn partial_cmp(&self, _: &T) -> Option<Ordering> {
        T::refused()
    }
}

/// Arithmetic on an address.
#[doc(hidden)]
impl<T: AddedToAnAddress> core::ops::Add<T> for UserAddr {
    type Output = T::Output;

    fn add(self, _: T) -> T::Output {
        T::refused()
    }
}

#[doc(hidden)]
impl<T: AddedToAnAddress> core::ops::Sub<T> for UserAddr {
    type Output = T::Output;

    fn sub(self, _: T) -> T::Output {
        T::refused()
    }
}

#[doc(hidden)]
impl<T: AddedToAnAddress> core::ops::Shr<T> for UserAddr {
    type Output = T::Output;

    fn shr(self, _: T) -> T::Output {
        T::refused()
    }
}

#[doc(hidden)]
impl<T: AddedToAnAddress> core::ops::BitAnd<T> for UserAddr {
    type Output = T::Output;

    fn bitand(self, _: T) -> T::Output {
        T::refused()
    }
}

#[doc(hidden)]
impl<T: AddedToAnAddress> core::ops::Div<T> for UserAddr {
    type Output = T::Output;

    fn div(self, _: T) -> T::Output {
        T::refused()
    }
}

#[doc(hidden)]
impl<T: AddedToAnAddress> core::ops::Rem<T> for UserAddr {
    type Output = T::Output;

    fn rem(self, _: T) -> T::Output {
        T::refused()
    }
}
