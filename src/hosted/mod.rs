//! What platforms have in common that run as ordinary Rust programs: a Linux whose parts are values of this process.
//!
//! A thread is in one hook, whichever platform calls it.

mod answers;
pub(crate) mod hook;
pub(crate) mod lock;
mod prot;
pub(crate) mod wait;

pub(crate) use answers::AnswerCounters;

pub use answers::Answers;
pub use hook::Hook;
pub use lock::{ReadGuard, RwLock, WriteGuard};
pub use prot::Prot;
pub use wait::WaitQueue;
