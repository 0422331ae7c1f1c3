//! `mmap` and page-fault hooks whose context decides what a driver may do, and how it answers.
#![cfg_attr(not(feature = "std"), no_std)]

pub mod entry;
mod errno;
mod fault;
mod frame;
mod guidance;
/// The guide.
pub mod guide {}
pub mod kind;
mod mmap;
mod ops;
mod page;
pub mod platform;
mod point;
mod prefault;
mod prot;
#[cfg(feature = "sim")]
pub mod sim;
mod token;
mod units;
mod wait;

pub use errno::Errno;
pub use fault::{FaultCtx, MaySleep, Release, Released, VmFault};
pub use frame::{Frame, FrameRange, FrameSource};
#[doc(no_inline)]
pub use kind::{Mapping, Mixed, Normal, PfnMap, Remapped, Undecided};
pub use mmap::{InsertPagesError, Mapped, MmapCtx};
pub use ops::{Hooks, MaySplit, MmapFile, VmOperations, Wraps};
pub use page::{LockedPage, OutOfPage, Page};
pub use platform::Platform;
pub use point::InsertPoint;
pub use prefault::Prefault;
pub use prot::PageProt;
pub use units::{PageCount, PageOffset, UserAddr};
pub use wait::{RefaultReason, Ticket, WaitQueue, Waited};
