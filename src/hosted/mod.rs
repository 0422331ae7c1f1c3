//! What platforms have in common that run as ordinary Rust programs: a Linux whose parts are values of this process.
//!
//! A thread is in one hook, whichever platform calls it.

pub(crate) mod hook;
pub(crate) mod lock;
pub(crate) mod wait;

pub use hook::Hook;
pub use lock::{ReadGuard, RwLock, WriteGuard};
pub use wait::WaitQueue;
