//! A driver framework: drivers by name, which are opened and mapped without anybody knowing their types.
#![forbid(unsafe_code)]

mod mapping;
pub mod prelude;
mod registry;

pub use mapping::{Mapping, Optional, map};
pub use registry::{Driver, OpenError, Registry};
