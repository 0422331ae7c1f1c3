//! Long arrays, on the heap.

use std::{array::from_fn, iter::repeat_with};

/// An array of defaults, made where it stays: in a variable it would be copied.
pub(crate) fn array<T: Default, const N: usize>() -> Box<[T; N]> {
    let entries: Box<[T]> = repeat_with(T::default).take(N).collect();
    entries.try_into().unwrap_or_else(|_| Box::new(from_fn(|_| T::default())))
}
