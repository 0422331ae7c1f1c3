//! What the tokens are made of.

use core::marker::PhantomData;

/// A lifetime that stands for one call of one hook. It is invariant: rustc can neither shorten nor lengthen it, so that
/// the tokens of two calls never have the same type.
pub(crate) type Invariant<'f> = PhantomData<fn(&'f ()) -> &'f ()>;

/// What a token holds, without a say in whether the token may change threads.
///
/// Each token has a marker, [`OneThread`], that forbids it. Without this wrapper the platform's types would forbid it
/// too, and rustc would report every one of them beside the one that says so.
pub(crate) struct Held<T>(pub(crate) T);

// SAFETY: this type is only ever a field of a token whose `thread` marker makes the token neither `Send` nor `Sync`
// (asserted in tests/properties.rs), and it is never moved out of one; so nothing held reaches another thread.
#[expect(unsafe_code, reason = "see the type: the token's marker decides, alone")]
unsafe impl<T> Send for Held<T> {}
// SAFETY: as for `Send`.
#[expect(unsafe_code, reason = "see the type: the token's marker decides, alone")]
unsafe impl<T> Sync for Held<T> {}

/// The name that rustc gives whoever sends a token to another thread, or shares it with one.
pub trait TokensStayOnTheirThread {}

/// What keeps a token on its thread: a reference to something that says nothing about threads, of which it holds none.
/// (Of a `PhantomData` rustc would show the source.) The comment behind it is shown to whoever tries.
#[derive(Clone, Copy)]
#[rustfmt::skip]
pub(crate) struct OneThread([&'static dyn TokensStayOnTheirThread; 0]); // instead of the token, send the page or its number

impl OneThread {
    /// The marker.
    pub(crate) const MARK: Self = Self([]);
}
