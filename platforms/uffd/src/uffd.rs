//! The platform's type, which memory and mappings name.

/// The platform. It has no values; what there is of it is a [`Session`](crate::Session).
pub enum Uffd {}
