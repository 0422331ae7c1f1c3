//! What the tokens are made of.

use core::marker::PhantomData;

/// A lifetime that stands for one call of one hook. It is invariant: rustc can neither shorten nor lengthen it, so that
/// the tokens of two calls never have the same type.
pub(crate) type Invariant<'f> = PhantomData<fn(&'f ()) -> &'f ()>;

/// What a token holds, without a say in whether the token may change threads.
///
/// Each token has a marker, `PhantomData<*mut ItsOwnName>`, that forbids it. Without this wrapper the platform's
/// types would forbid it too, and rustc would report every one of them beside the one that names the token.
pub(crate) struct Held<T>(pub(crate) T);

// SAFETY: this type is only ever a field of a token whose `thread` marker makes the token neither `Send` nor `Sync`
// (asserted in tests/properties.rs), and it is never moved out of one; so nothing held reaches another thread.
#[expect(unsafe_code, reason = "see the type: the token's marker decides, alone")]
unsafe impl<T> Send for Held<T> {}
// SAFETY: as for `Send`.
#[expect(unsafe_code, reason = "see the type: the token's marker decides, alone")]
unsafe impl<T> Sync for Held<T> {}
