//! A software MMU: the embedded default platform, and the kit with which a driver is tested.

mod access;
mod error;
mod fault;
mod file;
mod hook;
mod inject;
mod insert;
mod machine;
mod map;
mod memory;
mod pagetable;
mod platform;
mod process;
mod stats;
mod vma;
mod wait;

pub use access::Thread;
pub use error::{AccessError, Signal, SyscallError};
pub use file::{File, OpenMode};
pub use hook::Hook;
pub use inject::Injection;
pub use machine::{Limits, Machine};
pub use map::{Map, Prot};
pub use memory::{DeviceMemory, OutOfDevice, Page};
pub use process::Process;
pub use stats::{Answers, Signals, Statistics};
pub use wait::WaitQueue;

/// The platform. It has no values; the machine is [`Machine`].
pub enum Sim {}
