//! The guide: prose with programs that are tested.

#[doc = include_str!("../docs/guarantees.md")]
pub mod guarantees {}

#[doc = include_str!("../docs/migration.md")]
pub mod migration {}
