//! The platform's type, which everything else names.

/// The platform.
pub enum Linux {}
