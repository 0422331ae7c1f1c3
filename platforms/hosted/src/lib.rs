//! What platforms have in common that run as ordinary Rust programs: a Linux whose parts are values of this process.
//!
//! A thread is in one hook, whichever platform calls it.

mod access;
pub mod answers;
mod error;
pub mod established;
mod fault;
mod file;
mod fork;
mod gap;
pub mod hook;
mod insert;
mod lock;
mod machine;
mod map;
mod mm;
mod mmap;
mod mprotect;
mod mremap;
pub mod object;
pub mod operations;
mod outside;
mod paged;
mod paging;
mod platform;
mod process;
mod prot;
pub mod queue;
mod serving;
mod user;
pub mod vma;

pub use answers::{Answers, Counts};
pub use error::{AccessError, Signal, SyscallError};
pub use file::{File, OpenMode};
pub use hook::Hook;
pub use lock::{ReadGuard, RwLock, WriteGuard};
pub use machine::{DeviceMemory, Event, FrameKind, Machine, Page};
pub use map::Map;
pub use mmap::NewVma;
pub use object::Mappings;
pub use paged::{MachineOf, Paged};
pub use paging::{CopiedEntry, Entry, PageTable, Pte};
pub use process::{Process, Thread, unlocked};
pub use prot::Prot;
pub use queue::WaitQueue;
pub use serving::Fault;
pub use user::{Missing, Refusal, Trap, UserSide};

/// For [`platform!`].
#[doc(hidden)]
pub use vmctx;
