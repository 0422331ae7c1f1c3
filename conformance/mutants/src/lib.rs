//! Sources that are changed in a copy of the repository: for the mutants of a platform, and for `vmctx-guards`.
#![forbid(unsafe_code)]

mod copy;
mod edit;

pub use copy::{Choice, copy, write};
pub use edit::{Edit, Place, with_choices};
