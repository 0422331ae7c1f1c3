//! `mmap` and page-fault hooks whose context decides, at compile time, what a driver may do and how it answers.
//!
//! A kernel has one primitive for putting memory into a user's address space, and two conventions for its result: an
//! errno in the `mmap` hook, a `vm_fault_t` in the page-fault hook. In C nothing keeps the two apart. Here each hook
//! is handed a *context token*, and the token decides what exists:
//!
//! | the driver holds | `insert_page` gives |
//! | --- | --- |
//! | [`MmapCtx`] | `Result<_, Errno>` |
//! | [`FaultCtx`] | [`VmFault`] |
//!
//! Nothing converts between the two, and neither success can be made up.
//!
//! # The contexts
//!
//! | token | handed to | locks held | may sleep | an insertion answers |
//! | --- | --- | --- | --- | --- |
//! | [`MmapCtx`] | [`MmapFile::mmap`] | mmap lock, write | yes | `Result<Self, Errno>` |
//! | [`PrepareCtx`] | [`PrepareFile::mmap_prepare`] | mmap lock, write | yes | nothing is inserted: it says how the mapping is filled, `Result<Prepared, Errno>` |
//! | [`FaultCtx`] | [`VmOperations::fault`] | mmap or VMA lock, read | yes | [`VmFault`] |
//! | [`PageMkwriteCtx`], [`PfnMkwriteCtx`] | [`Hooks::page_mkwrite`], [`Hooks::pfn_mkwrite`] | the same | yes | nothing is inserted: `allow` or `fail` gives [`VmFault`] |
//! | [`HugeFaultCtx`] | [`Hooks::huge_fault`] | the same | yes | [`VmFault`], or `fallback` does |
//! | [`MapPagesCtx`] | [`Hooks::map_pages`] | RCU | no | [`Prefault`] each, [`VmFault`] at the end |
//! | [`AccessCtx`] | [`Hooks::access`], for a debugger | mmap lock of another process, read | yes | nothing is inserted: copying gives `Result<Accessed, Errno>` |
//! | [`UnlockedCtx`] | an ioctl, the removal of a device | none | yes | nothing is inserted: it locks a mapping |
//! | [`EstablishedCtx`] | whoever locks a mapping, by [`Handle`] or address | mmap lock, read | yes | `Result<(), Errno>` |
//!
//! Whatever sleeps takes a [`MaySleep`] as an argument; the tokens of hooks that may sleep give one. State that changes
//! stands behind a lock of the platform's: a [`RwLock`] or a [`Mutex`], which are waited for with that right, or a
//! [`SpinLock`], which is waited for without. Memory that can be taken back from its users, because access to it is
//! revoked or because it moves, is [`Revocable`], in one piece or in a `Table` of them; pages that are made when they
//! are touched are in a `PageCache` (both with the feature `alloc`). [`SharedObject`] is what takes them back.
//!
//! # A driver
//!
//! Its file fills a mapping when it is made if the user asked for it whole, and page by page otherwise. The helper is
//! written once: [`InsertPoint`] is either token.
//!
//! ```
//! #![forbid(unsafe_code)]
//! use vmctx::{Errno, FaultCtx, InsertPoint, Mapped, Mixed, MmapCtx, MmapFile, Platform, VmFault, VmOperations};
//!
//! /// Pages that the driver shares with its users.
//! struct Ring<P: Platform> {
//!     pages: P::Ref<[P::Page; 4]>,
//! }
//!
//! impl<P: Platform> Ring<P> {
//!     fn place<I: InsertPoint<Platform = P, Kind = Mixed>>(&self, at: I) -> I::Outcome {
//!         at.insert_page_with(|at| at.pgoff().of(&*self.pages).ok_or(Errno::ENXIO))
//!     }
//! }
//!
//! impl<P: Platform> MmapFile for Ring<P> {
//!     type Platform = P;
//!
//!     fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
//!         let whole = ctx.page_count() == self.pages.len();
//!         let mut ctx = ctx.writable().establish(Ring { pages: self.pages.clone() })?;
//!         if !whole {
//!             return Ok(ctx.fill_later());
//!         }
//!         while !ctx.is_full() {
//!             ctx = self.place(ctx)?;
//!         }
//!         ctx.finish()
//!     }
//! }
//!
//! impl<P: Platform> VmOperations for Ring<P> {
//!     type Platform = P;
//!     type Kind = Mixed;
//!
//!     fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
//!         self.place(ctx)
//!     }
//! }
//! ```
//!
//! The wrong way does not compile. An insertion in a fault gives no `Result`, so there is no errno to invent a code
//! for:
//!
//! ```compile_fail,E0308
//! # use vmctx::{Errno, FaultCtx, Mixed, Platform, VmFault};
//! # fn nopage<'f>() -> VmFault<'f> { loop {} }
//! # fn code_of<'f>(errno: Errno) -> VmFault<'f> { loop {} }
//! fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, page: &P::Page) -> VmFault<'f> {
//!     match ctx.insert_page(page) {
//!         Ok(()) => nopage(),
//!         Err(errno) => code_of(errno),
//!     }
//! }
//! ```
//!
//! # Decisions a driver makes
//!
//! 1. **Who may write?** A shared mapping is read-only, for ever, unless its hook says [`MmapCtx::writable`].
//! 2. **Who holds the state of a mapping?** The type that implements [`VmOperations`]: one value for each mmap, shared
//!    by what fork and split make of the mapping, dropped after its last page has gone. [`MmapCtx::establish`]
//!    installs it; [`MmapCtx::without_faults`] does without.
//! 3. **Which [kind] is the mapping?** [`Mixed`] for pages, [`PfnMap`] for frames by number, [`Normal`] to hand pages
//!    back, [`Remapped`] for a whole range at once. The kind is part of the token's type, and decides what can be
//!    inserted.
//! 4. **Who keeps what is mapped?** A page is counted: the mapping has a reference. A frame is not: it is borrowed,
//!    from the state in a fault, from the file at mmap, which live as long as the mapping does. Device memory that is
//!    given out in parts is an [`IomemPart`], a page of a pool a [`UniquePage`].
//! 5. **When is it filled?** Now, and [`MmapCtx::finish`] checks that it is; or later, and [`MmapCtx::fill_later`] says
//!    so.
//! 6. **What does a fault do that cannot be served?** It says what went wrong, [`FaultCtx::fail`] or
//!    [`FaultCtx::fail_or_refault`]. The code that becomes of it is the kernel's business.
//!
//! # Memory, sharing and locks
//!
//! A driver has these of its platform `P`. What sleeps takes the right to: `ctx.may_sleep()` in a hook; when a device is
//! opened, whoever opens it has it.
//!
//! | to | write |
//! | --- | --- |
//! | name a page that is counted; clone, read and write it | [`P::Page`](Platform::Page), which is a [`PageRef`] |
//! | allocate one, zeroed, from where memory comes from | [`P::alloc_page(&memory, may_sleep)?`](Platform::alloc_page), with a [`P::Memory`](Platform::Memory) |
//! | have device memory, which is not counted | [`P::Iomem`](Platform::Iomem), which is an [`Iomem`] and a [`FrameSource`] |
//! | share a value among file, mappings and whoever else has it | [`P::share(value, may_sleep)?`](Platform::share), which gives a [`P::Ref<T>`](Platform::Ref) |
//! | lock a value, and wait asleep | [`P::RwLock<T>`](Platform::RwLock), [`P::Mutex<T>`](Platform::Mutex): `P::Mutex::new(value, may_sleep)?`, `lock.lock(may_sleep)` |
//! | lock a value, also under RCU | [`P::SpinLock<T>`](Platform::SpinLock): `lock.lock()` |
//! | wait until something changes | [`P::WaitQueue`](Platform::WaitQueue): a [`Ticket`], then `ctx.wait(ticket)?` |
//!
//! ```
//! use vmctx::{Errno, MaySleep, Mutex, Platform};
//!
//! struct Device<P: Platform> {
//!     pages: P::Ref<Vec<P::Page>>,
//!     opened: P::Mutex<usize>,
//! }
//!
//! fn probe<P: Platform>(memory: &P::Memory, may_sleep: MaySleep<'_>) -> Result<Device<P>, Errno> {
//!     let pages = vec![P::alloc_page(memory, may_sleep)?];
//!     Ok(Device { pages: P::share(pages, may_sleep)?, opened: P::Mutex::new(0, may_sleep)? })
//! }
//!
//! fn open<P: Platform>(device: &Device<P>, may_sleep: MaySleep<'_>) -> usize {
//!     let mut opened = device.opened.lock(may_sleep);
//!     *opened += 1;
//!     *opened
//! }
//! ```
//!
//! # Types met in error messages
//!
//! [`HoldsPages`](kind::HoldsPages), [`HoldsFrames`](kind::HoldsFrames), [`StillUndecided`](kind::StillUndecided) and
//! the other traits of [`kind`] bound single operations. If a message names one, the mapping is of a kind that does not
//! have the operation, and a note says which kind has it. [`MaySleep`] is an argument of whatever sleeps:
//! `ctx.may_sleep()`. The lifetimes `'f` and `'m` tie a token and its answer to one call of one hook. Write `<'f>` and
//! `<'m>` out in signatures, for the token and for `&self`, as above.
//!
//! # Where it runs
//!
//! A [`Platform`] is what a kernel or a pager implements, and a driver that is generic over it runs on each. What a
//! platform [lacks](Platform#what-a-platform-may-lack) compiles there, too, and is done another way or fails: with an
//! errno, or a signal. These are crates of their own:
//!
//! | crate | what it is |
//! | --- | --- |
//! | `vmctx-sim` | a software MMU, and the kit with which a driver is unit-tested: `cargo add --dev vmctx-sim` |
//! | `vmctx-uffd` | real page faults of real memory in an ordinary Linux process |
//! | `vmctx-linux` | modules of stock Linux kernels |
//! | `vmctx-hosted` | what platforms in an ordinary program share, for whoever brings another |
//! | `vmctx-conformance` | the devices and scenarios that a platform must pass |
//!
//! A driver for one platform alone imports the `prelude` of its crate, in which the platform is filled in: there a token
//! is a `FaultCtx<'f, Mixed>`. So does a framework that fixes the platform for its drivers.
//!
//! This crate is `no_std`, does not allocate, and depends on `thiserror` alone. Its one feature, `alloc`, is off by
//! default and adds `Table`, `PageCache`, `OnDemand`, and [`MmapFile`] for `Box` and `Arc`; on a target that cannot
//! compare and swap a pointer's width, that for `Box` alone.
//!
//! # Further
//!
//! A [tutorial](guide::tutorial), from nothing to a kernel; [errors](guide::errors) by their first line; the
//! [guarantees](guide::guarantees), one by one, each with a wrong program and its error (they are numbered, and the
//! pages of the types name them so: [G5](crate::guide::guarantees#g5)); [memory that does not stand
//! still](guide::memory), which of the types to take for it; [mappings that are described](guide::prepare) before there
//! are any; [migration](guide::migration) from C, call by call; what it [costs](guide::cost), in instructions beside C;
//! and a module of [Linux](guide::linux)'s, whole. No function of this crate panics: what can go wrong is in its type.
#![doc = include_str!("../docs/narrow.html")]
#![no_std]
// What a token says that is used after it was spent, `on_move`, and what a type says that is met where another is expected,
// `on_type_error`: only nightly compilers know these. Stable ones pass over them.
#![allow(unknown_or_malformed_diagnostic_attributes)]

#[cfg(feature = "alloc")]
extern crate alloc;

// In groups from the top down, each of which imports from those below it. (`platform` names three things above it, and
// says why.) The folders `common` and `refused` hold parts of modules: `guidance` says what they are for.

// What platforms call, what drivers cannot convert, and what both insertion hooks have in common.
mod conversions;
pub mod entry;
mod file;
pub mod guide;
mod point;
mod prepare_file;

// Mappings: while they are made, once they are established, and of memory that moves.
mod backings;
mod established;
mod handle;
mod mmap;
#[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
mod on_demand;
#[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
mod page_cache;
mod prepare;
mod prepare_hook;
mod revocable;
#[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
mod table;
mod unlocked;

// The operations of a mapping, and the tokens of their hooks.
mod access;
mod fault;
mod fault_frame;
mod huge;
mod map_pages;
mod ops;
mod page_lock;
mod page_mkwrite;
mod pfn_mkwrite;

// What a platform implements, and what is typed by it.
mod accessed;
mod description;
mod frame;
mod iomem_part;
pub mod platform;
mod shared_object;
mod unique_page;

// The vocabulary.
mod answer;
mod c_names;
mod errno;
mod flags;
mod guidance;
pub mod kind;
mod lock;
mod page;
mod prefault;
mod prot;
mod sleep;
#[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
mod sparse;
mod token;
mod units;
mod wait;

pub use access::{AccessCtx, Accessed, Direction, ReadInto, WriteFrom};
pub use answer::VmFault;
pub use backings::{OnePage, Switched};
#[doc(hidden)]
pub use c_names::*;
#[doc(hidden)]
pub use errno::bare::*;
pub use errno::{Errno, InsertPagesError, IntoErrno, NotAnErrno};
pub use established::{EstablishedCtx, FrameSlots};
pub use fault::{FaultCtx, Release, Released};
pub use file::MmapFile;
pub use frame::{AreFrames, Frame, FrameRange, FrameSource, Iomem, IsFrame, OutOfFrames};
pub use handle::Handle;
pub use huge::{FillsEntry, HugeEntry, HugeFaultCtx, HugeFrames};
pub use iomem_part::IomemPart;
#[doc(no_inline)]
pub use kind::{Kind, Mixed, Normal, PfnMap, Remapped, Undecided};
pub use lock::{Mutex, RwLock, SpinLock};
pub use map_pages::MapPagesCtx;
pub use mmap::{Mapped, MmapCtx};
#[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
pub use on_demand::{Made, OnDemand};
pub use ops::{
    Access, Close, Hooks, HugeFault, MapPages, MaySplit, Object, Open, PageMkwrite, PfnMkwrite, VmOperations, Wraps,
};
pub use page::{OutOfPage, PageRef};
#[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
pub use page_cache::PageCache;
pub use page_lock::{LockedPage, PageLock};
pub use page_mkwrite::PageMkwriteCtx;
pub use pfn_mkwrite::PfnMkwriteCtx;
pub use platform::Platform;
pub use point::{FramePoint, InsertPoint};
pub use prefault::Prefault;
pub use prepare::{PrepareCtx, Prepared};
pub use prepare_file::{ByPrepare, PrepareFile, WithoutFaults};
pub use prepare_hook::PrepareHook;
pub use prot::PageProt;
pub use revocable::{Backing, Epoch, Moved, Resident, Revocable, RevocablePoint, Revoked, Spot};
pub use shared_object::SharedObject;
pub use sleep::MaySleep;
#[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
pub use table::{RevokedPart, Table};
#[doc(hidden)]
pub use token::TokensStayOnTheirThread;
pub use unique_page::UniquePage;
pub use units::{HugeSize, PageCount, PageOffset, PageRange, PageRangeIter, UserAddr};
pub use unlocked::UnlockedCtx;
pub use wait::{RefaultReason, Ticket, Unmapped, WaitQueue, Waited};
