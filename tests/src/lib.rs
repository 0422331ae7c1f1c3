//! The programs of the README and of the guide, tested. The tests beside this folder are of what the crates promise.

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub mod readme {}

#[cfg(doctest)]
#[doc = include_str!("../../docs/tutorial.md")]
pub mod tutorial {}

#[cfg(doctest)]
#[doc = include_str!("../../docs/guarantees.md")]
pub mod guarantees {}

#[cfg(doctest)]
#[doc = include_str!("../../docs/errors-from-c.md")]
pub mod errors_from_c {}

#[cfg(doctest)]
#[doc = include_str!("../../docs/memory.md")]
pub mod memory {}

#[cfg(doctest)]
#[doc = include_str!("../../docs/pagers.md")]
pub mod pagers {}

#[cfg(doctest)]
#[doc = include_str!("../../docs/prepare.md")]
pub mod prepare {}

#[cfg(doctest)]
#[doc = include_str!("../../docs/migration.md")]
pub mod migration {}

#[cfg(doctest)]
#[doc = include_str!("../../docs/cost.md")]
pub mod cost {}

#[cfg(doctest)]
#[doc = include_str!("../../docs/linux.md")]
pub mod linux {}
