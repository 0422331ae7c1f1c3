//! A software MMU: a platform of [`vmctx`](https://docs.rs/vmctx) in which all of a machine is a value, and the kit
//! with which a driver is unit-tested.
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
//!     Errno, FaultCtx, Mapped, Mixed, MmapCtx, MmapFile, PageRef, Platform, UserAddr, VmFault, VmOperations,
//!     platform::VmFlags,
//! };
//! use vmctx_sim::{Machine, Map, Signal};
//!
//! /// A driver to test: a ring of pages, allocated up front, inserted as they are touched.
//! struct Ring<P: Platform> {
//!     pages: Vec<P::Page>,
//! }
//!
//! impl<P: Platform> MmapFile for Ring<P> {
//!     type Platform = P;
//!
//!     fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
//!         let state = Ring { pages: self.pages.clone() };
//!         Ok(ctx.shared_only()?.writable().establish(state)?.fill_later())
//!     }
//! }
//!
//! impl<P: Platform> VmOperations for Ring<P> {
//!     type Platform = P;
//!     type Kind = Mixed;
//!
//!     fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
//!         ctx.insert_page_with(|at| at.pgoff().of(&self.pages).ok_or(Errno::ENXIO))
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
//! // It shows what it was made with, and does not grow.
//! assert!(process.vm_flags_at(at)?.is_some_and(|flags| flags.contains(VmFlags::DONTEXPAND)));
//! assert_eq!(process.mremap(at, 2 * 4096, 3 * 4096, true).unwrap_err().errno(), Some(Errno::EFAULT));
//!
//! // A mapping that is gone holds nothing: this handle and the open file's are what is left.
//! process.munmap(at, 2 * 4096)?;
//! assert_eq!((page.references(), page.map_count()), (2, 0));
//! # Ok(())
//! # }
//! ```
//!
//! To see a driver in trouble: [`Limits`] make a machine small, so that memory and page tables run out for real;
//! [`Injection`] lets one allocation or insertion fail, the nth, and [`sweep`] each of them, one at a time;
//! [`Statistics`] tell what happened and what is still in use, and [`Machine::check_leaks`] whether anything is.
//! [`Machine::trace`] notes which hooks were called and what they have answered, and [`Process::vm_flags_at`] has the
//! flags of a mapping.
//!
//! A file with a [prepare hook](vmctx::PrepareFile) is mapped in one of two [orders](MmapOrder): that of a kernel with
//! such hooks, or that of one which calls them from a mmap hook. What fails in between leaves nothing in either, and a
//! driver's test has it fail in both: [`Machine::set_mmap_order`], [`Injection::VmaAllocation`].
//!
//! Large entries, [`Process::is_huge_at`], need a mapping of 2 MiB and more, and frames that are aligned:
//! [`Machine::device_memory`] of a fresh machine begins with such.
//!
//! # An ioctl
//!
//! It is a closure that gets the proof that no hook is running, with [`Process::ioctl`]; or, without a process, with
//! [`Machine::unlocked`]. With it mappings are reached through their [handles](vmctx::Handle), or by address:
//!
//! ```
//! use std::sync::{Arc, Mutex};
//! use vmctx::{Errno, Handle, Mapped, Mixed, MmapCtx, MmapFile, PageOffset, VmOperations};
//! use vmctx_sim::{Machine, Map, Sim};
//!
//! struct Nothing;
//!
//! impl VmOperations for Nothing {
//!     type Platform = Sim;
//!     type Kind = Mixed;
//! }
//!
//! struct Device(Arc<Mutex<Option<Handle<Sim, Mixed>>>>);
//!
//! impl MmapFile for Device {
//!     type Platform = Sim;
//!
//!     fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Sim>) -> Result<Mapped<'m>, Errno> {
//!         let ctx = ctx.writable().establish(Nothing)?;
//!         *self.0.lock().unwrap() = Some(ctx.handle()?);
//!         Ok(ctx.fill_later())
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (machine, mapped) = (Machine::new(), Arc::default());
//! let (file, process) = (machine.open(Device(Arc::clone(&mapped))), machine.process());
//! let at = process.mmap(&file, Map::shared(4096))?;
//! let page = machine.alloc_page()?;
//! process.ioctl(|ctx| match &*mapped.lock().unwrap() {
//!     Some(mapping) => mapping.lock(ctx)?.insert_page(PageOffset::ZERO, &page),
//!     None => Err(Errno::ENXIO),
//! })??;
//! assert_eq!(process.thread().read_u8(at)?, 0);
//! # Ok(())
//! # }
//! ```
//!
//! # What is whose
//!
//! This crate is the machine: [`Machine`], its memory, page tables, [`Limits`], [`Injection`]s and [`Statistics`]. What
//! a process does, faults, insertions and system calls, is `vmctx-hosted`'s, whose types are named here with the
//! machine filled in: [`Process`], [`Thread`], [`File`], [`Page`], [`DeviceMemory`], and, for the platform, [`NewVma`],
//! [`Fault`], [`Handle`], [`Caller`], [`EstablishedVma`]. The rest is used as it is there: [`Map`], [`Prot`],
//! [`OpenMode`], [`Signal`], [`AccessError`], [`SyscallError`], [`Answers`], [`Hook`], [`Object`], [`RwLock`],
//! [`Mutex`], [`SpinLock`], [`WaitQueue`], [`Report`], [`Hold`], [`Trace`], and [`Ref`], which shares a mapping's state. Their
//! methods are on the pages of `vmctx_hosted`: `Process`, `Thread` and so on. A driver's tests need `vmctx` and this
//! crate.
//!
//! # What a driver does wrong without consequences
//!
//! What goes well until the day it does not is reported, with both places in the program, and goes on. A driver's test
//! ends with `assert!(machine.reports().is_empty())`:
//!
//! | report | a kernel finds it with |
//! | --- | --- |
//! | [`SleptUnderSpinLock`](Report::SleptUnderSpinLock), [`SleptInMapPages`](Report::SleptInMapPages) | `CONFIG_DEBUG_ATOMIC_SLEEP` |
//! | [`UserMemoryUnderLock`](Report::UserMemoryUnderLock): it may fault, and the hook waits for that lock | lockdep, by `might_fault` |
//! | [`MmapLockUnderLock`](Report::MmapLockUnderLock), [`LockOrders`](Report::LockOrders) | lockdep |
//! | [`UnmapMissesMmap`](Report::UnmapMissesMmap): what a mmap hook has inserted that has not returned | nothing |
//! | [`PageOfTwoUsers`](Report::PageOfTwoUsers): a page of a pool that [the test has named](Machine::watch_pool), given away while somebody has it mapped | nothing |
//!
//! To meet a race on purpose, [hold](Machine::hold) a thread until the test lets it go on: at a call that may sleep,
//! before a hook, or at a point that the driver [names](pass).
//!
//! # What only a machine in a program says
//!
//! Where Linux would deadlock, loop for ever or follow a bad pointer, an access or a call ends with an error of its
//! own, here as on every platform on page tables of `vmctx-hosted`: user memory that is touched [inside a
//! hook](AccessError::InsideHook), or with a mapping locked, and a system call made there; a fault that is [repeated
//! for ever](AccessError::RefaultsForever), a page [locked twice](AccessError::PageLockedTwice), and the [answer to
//! another fault](AccessError::ForeignAnswer), which only unsound code can give. A mmap lock that is waited for with
//! a [lock](RwLock) held that a hook has ever taken, or has begun to wait for, is EDEADLK: so the wrong order is
//! found when it is met for the first time, and not only when two threads wait for each other.
//!
//! A driver that panics takes nothing with it: locks are given back, and what was half mapped is taken away.
//!
//! # Where it differs from Linux
//!
//! - There are no anonymous mappings, no swap, no merging of mappings, and no page cache: nothing is dirty but entries.
//!   Of the system calls there are no `madvise`, `mlock`, `msync`, `mincore`, no `MREMAP_DONTUNMAP`, and no mmap over
//!   something that is mapped.
//! - A SIGSEGV names the address of the access, whatever that is. On x86-64 an address that is not canonical is no
//!   page fault, and Linux names the address 0.
//! - A fault that ends with ENOMEM kills the process, as Linux does when there is no memory (SIGKILL). Where a driver
//!   says ENOMEM and there is memory, Linux 6.12 repeats the access for as long as it does.
//! - A debugger's store copies a private page or frame as the user's own store does. Linux copies a frame without a
//!   page through the addresses of whoever runs: from another process the user gets the debugger's bytes, or zeros.
//! - A debugger's [loads](vmctx_hosted::Process::peek) and [stores](vmctx_hosted::Process::poke) that end early are EIO,
//!   where a call of Linux's may say how many bytes there were. It gets as far as in Linux, and `process_vm_readv` is
//!   not there.
//! - `vmf_insert_mixed` counts a page that has one behind its frame number, as Linux does on architectures without a
//!   special bit in their page table entries.
//! - A copy-on-write mapping of frames keeps its `vm_pgoff`; Linux overwrites that with the frame number.
//! - Only the lowest level of page tables is counted and limited. A table that is freed is no longer counted, and its
//!   memory, as that of the levels above, stays for what is mapped there next, until the process is gone. A large entry of 1 GiB is 512 of 2 MiB, made together; what is cut or unmapped of it is one of these at least, where
//!   Linux takes all.
//! - Linux's core makes a page table before it calls `map_pages`, and installs it with the first page. Here, as for a
//!   module there, a slot without a table stays empty.
//! - `open` is called for the mapping of mmap, too, as [everywhere](vmctx::Hooks::open), and can fail: then that mmap
//!   does, or later the mapping is dead that it was for, and what had been mapped of a part that was cut off is taken
//!   away. `page_mkwrite` is not overtaken by [`write_protect`](vmctx::EstablishedCtx::write_protect), which locks each
//!   page as `folio_mkclean`'s callers do.
//! - A store to the zero page that `pfn_mkwrite` lets through is a SIGBUS; Linux warns, and everybody's zeros change.
//!
//! # Locks
//!
//! From the outside in: the mmap lock of a process (a system call holds it for write; a fault for read, until its
//! handler gives it up; an ioctl for read, while it has a mapping locked), locks of drivers, page locks, where an
//! object is mapped ([`Object`]), page table entries. Entries have one lock each, a large entry too: faults on
//! different pages wait for each other only if their drivers do.

mod array;
mod inject;
mod kit;
mod leaks;
mod machine;
mod memory;
mod pagetable;
mod platform;
mod pool;
pub mod prelude;
mod stats;

pub use inject::{Injected, Injection};
pub use kit::pass;
pub use leaks::{Leaks, SweepError, sweep};
pub use machine::{Limits, Machine};
pub use platform::{Caller, DeviceMemory, EstablishedVma, Fault, File, Handle, NewVma, Page, Process, Sim, Thread};
pub use stats::{Signals, Statistics};
pub use vmctx_hosted::{
    AccessError, Answer, Answers, Called, Hold, HoldAt, Hook, Map, MightSleep, MmapOrder, Mutex, MutexGuard, Object,
    OpenMode, Prot, ReadGuard, Ref, Report, RwLock, Signal, SpinGuard, SpinLock, SyscallError, Trace, WaitQueue,
    WriteGuard,
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
