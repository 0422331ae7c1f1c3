//! The guide: prose with programs that are tested.

#[doc = include_str!("../docs/guarantees.md")]
pub mod guarantees {}

#[doc = include_str!("../docs/migration.md")]
pub mod migration {}

#[doc = include_str!("../docs/cost.md")]
pub mod cost {}

#[doc = include_str!("../docs/linux.md")]
pub mod linux {}

/// The README's programs, tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub mod readme {}
