//! The devices and scenarios that a platform of `vmctx` must pass: each device is mapped, touched from several threads,
//! and every byte is checked.
//!
//! - [`devices`]: what there is to be mapped, each with its driver of `vmctx-drivers`, and what a platform brings for
//!   it. Five are nobody's drivers but probes: [`Device::Rights`], every way in which something is inserted, and what
//!   mprotect, fork, moves and debuggers make of it; [`Device::States`], from open to close; [`Device::Hooks`], what hooks
//!   are told and wait for, and what happens between two of them; [`Device::Objects`], what unmapping reaches; and
//!   [`Device::PageCache`], whose pages are taken away under load;
//! - [`user`]: what a platform does for a user;
//! - [`mapping`]: one mapping and every byte of it;
//! - [`history`]: random steps on two platforms at once, which have to answer alike;
//! - [`Runner`] and [`Outcome`]: runs the scenarios, and says what came of each; [`table`] prints that.
//!
//! # For your platform
//! In this order, where `P` is your [`Platform`](vmctx::Platform):
//!
//! 1. [`devices::Host`]: the memory that a device is set up with.
//! 2. [`User`]: a process with the device open. It maps, loads, stores, and asks the device. [`devices::Opened`] has
//!    both halves: the driver's file, which you map as any other, and the device's side, to which reading, writing and
//!    requests are passed on.
//! 3. [`Site`]: opens a [`Device`]. Each time it is a fresh one, with memory and a process of its own.
//! 4. [`Runner::run_all`], and [`Table`](table::Table).
//!
//! If its processes are a [`UserSide`](vmctx_hosted::UserSide), as those of every platform on `vmctx-hosted` are, then
//! [`ProcessUser`] is the second, and a platform is run in some 60 lines: `examples/platform` in the repository has
//! them.
//!
//! ```no_run
//! use std::{marker::PhantomData, process::ExitCode, sync::Arc};
//!
//! use vmctx::{Errno, MaySleep, MmapFile, PageCount, Platform, UserAddr};
//! use vmctx_conformance::{
//!     Device, Outcome, Runner, Site, User,
//!     devices::{Host, Side},
//!     table::Table,
//!     user::{InUse, Map, Refusal, Trap},
//! };
//!
//! struct Machine<P: Platform> {
//!     memory: P::Memory,
//! }
//!
//! impl<P: Platform> Host for Machine<P> {
//!     type Platform = P;
//!
//!     fn memory(&self) -> &P::Memory {
//!         &self.memory
//!     }
//!
//!     fn may_sleep(&self) -> MaySleep<'_> {
//!         unimplemented!("vmctx::entry::may_sleep, where devices are opened")
//!     }
//!
//!     fn device_memory(&self, pages: PageCount) -> Result<P::Iomem, Errno> {
//!         unimplemented!("{pages} frames, zeroed, that nobody else has")
//!     }
//!
//!     fn physical_memory(&self, _: &P::Iomem) -> P::Iomem {
//!         unimplemented!("all frames, from number 0 on")
//!     }
//! }
//!
//! struct Process<P: Platform> {
//!     file: Box<dyn MmapFile<Platform = P>>,
//!     side: Box<dyn Side<P>>,
//! }
//!
//! impl<P: Platform> User for Process<P> {
//!     fn page_size(&self) -> usize {
//!         P::PAGE_SIZE
//!     }
//!
//!     fn map(&self, map: Map) -> Result<UserAddr, Refusal> {
//!         unimplemented!("mmap of self.file: {map}")
//!     }
//!
//!     fn unmap(&self, at: UserAddr, pages: usize) -> Result<(), Refusal> {
//!         unimplemented!("munmap of {pages} pages at {at}")
//!     }
//!
//!     fn read(&self, at: UserAddr, into: &mut [u8]) -> Result<(), Trap> {
//!         unimplemented!("loads of {} bytes from {at}", into.len())
//!     }
//!
//!     fn write(&self, at: UserAddr, from: &[u8]) -> Result<(), Trap> {
//!         unimplemented!("stores of {} bytes to {at}", from.len())
//!     }
//!
//!     fn device_read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
//!         self.side.read(offset, into)
//!     }
//!
//!     fn device_write(&self, offset: usize, from: &[u8]) -> Result<(), Errno> {
//!         self.side.write(offset, from)
//!     }
//!
//!     fn in_use(&self) -> InUse {
//!         unimplemented!("pages that are in use, and mappings of this process")
//!     }
//!
//!     fn control(&self, request: u32, argument: u64) -> Result<u64, Errno> {
//!         unimplemented!("self.side.control with an UnlockedCtx of this process, {request}, {argument}")
//!     }
//! }
//!
//! struct Here<P>(PhantomData<fn() -> P>);
//!
//! impl<P: Platform> Site for Here<P> {
//!     type User = Process<P>;
//!
//!     fn open(&self, device: Device) -> Result<Process<P>, String> {
//!         let machine: Machine<P> = unimplemented!("a fresh one");
//!         let opened = device.open(&machine).map_err(|errno| format!("cannot be opened: {errno}"))?;
//!         Ok(Process { file: opened.file, side: opened.side })
//!     }
//! }
//!
//! fn all_devices<P: Platform>(site: Here<P>) -> ExitCode {
//!     let devices = Device::ALL.iter().copied();
//!     let outcomes = Runner::new(8).run_all(&Arc::new(site), devices, |device| eprintln!("{device}"));
//!     print!("{}", Table(&outcomes));
//!     if outcomes.iter().all(Outcome::is_ok) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
//! }
//! ```
//!
//! Begin with [`Device::Kcov`] and one thread: it has no fault hook. [`Device::about`] and the drivers' own pages say
//! what the others need.
//!
//! # What is left behind
//! What is in use has to be the same before and after a scenario: pages, and mappings of its process
//! ([`User::in_use`]). Each device looks at more of it while the scenario goes on: the references of its pages, states,
//! VMAs that were opened and not closed.
//!
//! # What a platform lacks
//! The other methods of [`User`] have bodies that say so. `None` is no failure: whatever would need the answer is not
//! checked, and [`Outcome::is_ok`] does not know of it. So that it does not go unsaid, a platform can tell what was
//! [left out](User::left_out); the table shows that, with the reasons.
//!
//! | `None` from | is not checked |
//! | --- | --- |
//! | [`expand`](User::expand) | that a mapping which must not grow does not |
//! | [`protect`](User::protect), [`move_to`](User::move_to), [`peek`](User::peek), [`poke`](User::poke) | what mprotect, a move or a debugger does to a mapping's rights |
//! | [`fork`](User::fork) | what a child sees, and who is counted or kept alive by it |
//! | [`references`](User::references) | that each page has the references that it had before, when it is mapped no more |
//! | [`cache`](User::cache) | how a page is cached |
//! | [`is_huge`](User::is_huge) | whether there is one entry for a huge page, where there can be |
//! | [`counters`](User::counters) | how many faults something takes, and what one brings; the table shows `?` |
//!
//! # A scenario that hangs
//! A wrong platform can leave a thread asleep for ever. The runner gives such a scenario up when no check was made for
//! its [patience](Runner::patience): the outcome has failed, [says so](Outcome::hangs), and names what each thread has
//! begun last. Nothing in Rust ends those threads, so they stay where they are, with the site and the user. That is why
//! both are shared and `'static`. [`Runner::run_all`] stops there; print the table, and end the process.
//!
//! # Without `std`
//! Without the feature `std` there are the devices alone, for a kernel to link. The scenarios then run in a program of
//! its users'.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

#[cfg(feature = "std")]
mod checks;
pub mod devices;
#[cfg(feature = "std")]
pub mod history;
#[cfg(feature = "std")]
pub mod mapping;
#[cfg(feature = "std")]
mod process;
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
pub use process::ProcessUser;
#[cfg(feature = "std")]
pub use runner::{Outcome, Runner};
#[cfg(feature = "std")]
pub use user::{Counters, LeftOut, Site, User};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
