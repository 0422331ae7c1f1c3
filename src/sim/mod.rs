//! A software MMU: the embedded default platform, and the kit with which a driver is unit-tested.
//!
//! A [`Machine`] has physical memory: frames that are counted, with real bytes, and devices with frames of their own.
//! A [`Process`] has an address space of 47 bits: mappings in order, page tables, a mmap lock. A [`Thread`] loads and
//! stores through the page tables and takes real faults, as many threads at once as there are. What drivers do meets
//! the checks that Linux 6.12 makes, in its order and with its error numbers; what a user does ends with the bytes or
//! the signal that Linux would send.
//!
//! # Testing a driver
//!
//! Open the driver on a machine, map it into a process, and touch it. Nothing is shared between machines, and none of
//! it takes root, a kernel, or more than milliseconds.
//!
//! ```
//! use vmctx::{
//!     Errno, FaultCtx, Mapped, Mixed, MmapCtx, MmapFile, Page, Platform, UserAddr, VmFault, VmOperations,
//!     sim::{Machine, Map, Signal},
//! };
//!
//! /// A driver to test: a ring of pages, allocated up front, inserted as they are touched.
//! struct Ring<P: Platform> {
//!     pages: Vec<P::Page>,
//! }
//!
//! impl<P: Platform> MmapFile for Ring<P> {
//!     type Platform = P;
//!
//!     fn mmap<'m>(&self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
//!         let state = Ring { pages: self.pages.clone() };
//!         Ok(ctx.shared_only()?.establish(state)?.fill_later())
//!     }
//! }
//!
//! impl<P: Platform> VmOperations for Ring<P> {
//!     type Platform = P;
//!     type Mapping = Mixed;
//!
//!     fn fault<'f>(&self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
//!         match self.pages.get(ctx.pgoff().index()) {
//!             Some(page) => ctx.insert_page(page),
//!             None => ctx.fail(Errno::ENXIO),
//!         }
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let machine = Machine::new();
//! let page = machine.alloc_page()?;
//! let file = machine.open(Ring { pages: vec![page.clone()] });
//! let process = machine.process();
//!
//! // What the user stores, the driver sees; what lies behind the ring is a SIGBUS, with the address.
//! let at = process.mmap(&file, Map::shared(2 * 4096))?;
//! let user = process.thread();
//! user.write(at, b"hello")?;
//! let mut bytes = [0; 5];
//! page.read(0, &mut bytes)?;
//! assert_eq!(&bytes, b"hello");
//! let behind = UserAddr::new(at.get() + 4096);
//! assert_eq!(user.read_u8(behind).unwrap_err().signal(), Some(Signal::Sigbus(behind)));
//!
//! // The driver refuses private mappings, and the user sees its error number.
//! assert_eq!(process.mmap(&file, Map::private(4096)).unwrap_err().errno(), Some(Errno::EINVAL));
//!
//! // A mapping that is gone holds nothing: this handle and the open file's are what is left.
//! process.munmap(at, 2 * 4096)?;
//! assert_eq!((page.references(), page.map_count()), (2, 0));
//! # Ok(())
//! # }
//! ```
//!
//! To see a driver in trouble: [`Limits`] make a machine small, so that memory and page tables run out for real;
//! [`Injection`] lets one allocation or insertion fail, the nth; [`Statistics`] tell what happened and what is still
//! in use.
//!
//! # What only a simulator says
//!
//! Where Linux would deadlock, loop for ever or follow a bad pointer, an access or a call ends with an error of its
//! own: a hook that is entered from [inside a hook](AccessError::InsideHook), a fault that is [repeated for
//! ever](AccessError::RefaultsForever), a page [locked twice](AccessError::PageLockedTwice), and the [answer to
//! another fault](AccessError::ForeignAnswer), which only unsound code can give. A driver that panics takes nothing
//! with it: locks are given back, and what was half mapped is taken away.
//!
//! # Where it differs from Linux
//!
//! - There are no anonymous mappings, no swap, no huge pages and no merging of mappings.
//! - `vmf_insert_mixed` counts a page that has one behind its frame number, as Linux does on architectures without a
//!   special bit in their page table entries.
//! - A copy-on-write mapping of frames keeps its `vm_pgoff`; Linux overwrites that with the frame number.
//! - Only the lowest level of page tables is counted and limited.
//!
//! # Locks
//!
//! From the outside in: the mmap lock of a process (a system call holds it for write, a fault for read, until its
//! handler gives it up), page locks, where an object is mapped, page table entries. Entries have one lock each:
//! faults on different pages wait for each other only if their drivers do.

mod access;
mod error;
mod fault;
mod file;
mod fork;
mod hook;
mod inject;
mod insert;
mod machine;
mod map;
mod memory;
mod pagetable;
mod platform;
mod process;
mod protect;
mod remap;
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
pub use platform::{Fault, NewVma};
pub use process::Process;
pub use stats::{Answers, Signals, Statistics};
pub use wait::WaitQueue;

/// The platform. It has no values; what there is of it is a [`Machine`].
pub enum Sim {}
