//! Linux's memory management in an ordinary program, for whoever brings a platform of [`vmctx`](https://docs.rs/vmctx)
//! of their own: VMAs and the mmap lock, faults, what may be inserted where, system calls. `vmctx-sim` and `vmctx-uffd`
//! are made of it. A driver needs none of it.
//!
//! # A platform on page tables of its own
//!
//! Whoever has frames and page tables, be they simulated, a hypervisor's or those of another kernel, writes these and
//! gets the rest, which is what `vmctx-sim` runs on:
//!
//! 1. a [`Machine`]: frames by number, with counts of references, locks and bytes;
//! 2. a [`PageTable`]: entries by address, each looked at and changed under a lock. Of page tables that know no locks, as
//!    those of page-table crates, [`Locked`] makes one: they are a [`PlainTable`];
//! 3. a type for the platform, whose [`vma::Hosted`] and [`Paged`] name the two, and which [`platform!`] makes a
//!    [`Platform`](vmctx::Platform).
//!
//! Then there are [`Process`]es of it, with `mmap`, `munmap`, `mprotect`, `mremap`, `fork`, ioctls and a debugger's
//! [loads](Process::peek) and [stores](Process::poke), and [`Thread`]s that load and store through the page tables and take faults. Drivers meet
//! the checks that Linux 6.12 makes, in its order and with its error numbers.
//!
//! ```ignore
//! enum Example {}
//!
//! impl vma::Hosted for Example {
//!     type File = File<Self>;
//!     type Table = ExampleTable;          // a `PageTable`, whose machine is a `Machine`
//!
//!     fn mappings(file: &File<Self>) -> &Object {
//!         file.mappings()
//!     }
//! }
//!
//! impl Paged for Example {}
//!
//! vmctx_hosted::platform! {
//!     // SAFETY: frames are counted, and entries kept, as `Machine` and `PageTable` promise.
//!     unsafe impl Platform for Example {
//!         const PAGE_SHIFT: u32 = 12;
//!     }
//! }
//!
//! let process = Process::new(ExampleTable::new(machine));
//! let at = process.mmap(&File::new(driver, OpenMode::ReadWrite), Map::shared(4096))?;
//! process.thread().write(at, b"hello")?;
//! ```
//!
//! `examples/platform` in the repository is such a platform, with page tables of the crate `page_table_multiarch`; it
//! runs every device of `vmctx-conformance`. Pages may have any size.
//!
//! While a driver's hook runs there is a value of [`Fault`] or [`NewVma`], in an ioctl one of [`established::Caller`],
//! of a locked mapping one of [`established::EstablishedVma`]: whoever has it may do what [`Platform`](vmctx::Platform)
//! says. No driver has, because the tokens of `vmctx` keep it to themselves, and nobody makes one in safe code of their
//! own.
//!
//! # A platform with faults of its own
//!
//! A platform whose faults come from elsewhere, as those of `vmctx-uffd` from the kernel, is made of the parts:
//!
//! | part | what it is |
//! | --- | --- |
//! | [`vma`] | VMAs, the ordered map of them, cutting, `vm_page_prot`, when `open` and `close` are called |
//! | [`mmap_lock`] | the mmap lock, which readers on different threads do not take from each other |
//! | [`operations`] | the hooks of a driver behind a mapping, whose type only they know |
//! | [`object`] | where an object is mapped, for whoever unmaps it |
//! | [`established`] | handles, and mappings locked from outside hooks |
//! | [`hook`] | which hook a thread is in |
//! | [`RwLock`], [`Mutex`], [`SpinLock`], [`queue`] | locks and wait queues of drivers |
//! | [`Sharded`] | what many threads count or keep, apart from each other |
//! | [`waiting`] | how a thread waits, for a platform that has it replaced meanwhile |
//! | [`Reports`] | what drivers do that a kernel would complain of |
//! | [`Holds`] | threads that tests hold, so that they meet where a test wants it |
//! | [`Traces`] | which hooks were called, and what they have answered |
//! | [`Ref`] | shared ownership of a mapping's state; invariant, as a platform's has to be |
//! | [`Map`], [`Prot`], [`answers`] | what is asked of `mmap`, rights, counts |
//!
//! # The user's side
//!
//! [`UserSide`] is what a user has on each of these platforms: tests that are written with it run on all of them, and
//! so do the scenarios of `vmctx-conformance`.
//!
//! # Locks
//!
//! From the outside in: the mmap lock of a process (a system call holds it for write; a fault for read, until its
//! handler gives it up; an ioctl for read, while it has a mapping locked), locks of drivers, page locks, the list of
//! where an object is mapped ([`Object`]), page table entries.

mod access;
pub mod answers;
mod atomic;
mod error;
pub mod established;
mod fault;
mod file;
mod fork;
mod gap;
mod hold;
pub mod hook;
mod insert;
mod lock;
mod locked;
mod machine;
mod map;
mod mm;
mod mmap;
pub mod mmap_lock;
mod mprotect;
mod mremap;
mod noted;
pub mod object;
pub mod operations;
mod order;
mod outside;
mod paged;
mod paging;
pub mod panics;
mod platform;
mod process;
mod prot;
pub mod queue;
mod remote;
mod report;
mod serving;
mod sharded;
mod shared;
mod trace;
mod tree;
mod user;
pub mod vma;
pub mod waiting;

pub use answers::{Answers, Counts, Event, EventCounters};
pub use atomic::might_sleep;
pub use error::{AccessError, Signal, SyscallError};
pub use file::{File, OpenMode};
pub use hold::{Hold, HoldAt, Holds, pass};
pub use hook::Hook;
pub use lock::{Mutex, MutexGuard, ReadGuard, RwLock, SpinGuard, SpinLock, WriteGuard};
pub use locked::{Locked, Place, PlainTable};
pub use machine::{DeviceMemory, FrameKind, Machine, MmapOrder, Page};
pub use map::Map;
pub use mmap::NewVma;
pub use object::Object;
pub use paged::{MachineOf, Paged};
pub use paging::{CopiedEntry, Entry, PageTable, Pte};
pub use process::{Process, Thread, unlocked};
pub use prot::Prot;
pub use queue::WaitQueue;
pub use report::{MightSleep, Report, Reports};
pub use serving::Fault;
pub use sharded::Sharded;
pub use shared::{AnyState, Ref};
pub use trace::{Answer, Called, Trace, Traces};
pub use user::{InUse, Missing, Refusal, Trap, UserSide};

/// For [`platform!`].
#[doc(hidden)]
pub use vmctx;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
