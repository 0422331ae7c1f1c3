//! All that a driver names. Which platform it is stands here, and nowhere else.

pub use crate::{Driver, Mapping, Optional, map};
pub use vmctx_sim::prelude::*;
