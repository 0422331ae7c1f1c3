//! The devices and scenarios that a platform of `vmctx` must pass: each device is mapped, touched from several threads,
//! and every byte is checked.
//!
//! - [`devices`]: what there is to be mapped, each with its driver of `vmctx-drivers`, and what a platform brings for it;
//! - [`user`]: what a platform does for a user;
//! - [`mapping`]: one mapping and every byte of it;
//! - [`run`] and [`Outcome`]: a device's scenario and what came of it, and the [`table`] that outcomes end in.
//!
//! Without the feature `std` there are the devices alone, for a kernel to link.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

#[cfg(feature = "std")]
mod checks;
pub mod devices;
#[cfg(feature = "std")]
pub mod mapping;
#[cfg(feature = "std")]
mod runner;
#[cfg(feature = "std")]
mod scenarios;
#[cfg(feature = "std")]
pub mod table;
#[cfg(feature = "std")]
pub mod user;

#[cfg(feature = "std")]
pub use checks::Checks;
pub use devices::Device;
#[cfg(feature = "std")]
pub use runner::{Outcome, Runner};
#[cfg(feature = "std")]
pub use user::{Counters, LeftOut, Site, User};
