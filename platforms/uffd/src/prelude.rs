//! Everything that a driver for this platform names, with the platform filled in: for who writes drivers for one
//! platform alone, and for frameworks that fix it for their drivers.
//!
//! ```
//! use vmctx_uffd::prelude::*;
//!
//! struct Doorbell {
//!     page: Page,
//! }
//!
//! impl MmapFile for Doorbell {
//!     type Platform = Platform;
//!
//!     fn mmap<'m>(&'m self, ctx: MmapCtx<'m>) -> Result<Mapped<'m>, Errno> {
//!         Ok(ctx.writable().establish(Doorbell { page: self.page.clone() })?.fill_later())
//!     }
//! }
//!
//! impl VmOperations for Doorbell {
//!     type Platform = Platform;
//!     type Kind = Mixed;
//!
//!     fn fault<'f>(&'f self, ctx: FaultCtx<'f, Mixed>) -> VmFault<'f> {
//!         ctx.insert_page(&self.page)
//!     }
//! }
//! ```
//!
//! The preludes of `vmctx-sim`, `vmctx-uffd` and `vmctx-linux` have the same names, so a driver is moved by changing one
//! `use`. A framework re-exports the one that it has chosen: `pub use vmctx_sim::prelude::*;`.
//!
//! [`Page`], [`Iomem`], [`RwLock`], [`Mutex`], [`SpinLock`] and [`WaitQueue`] are the platform's types here, and
//! [`Platform`] is the platform itself. The traits that have these names in `vmctx` are imported without a name, so
//! that their methods can be called. A driver that is to run on every platform is generic instead: it imports from
//! `vmctx`, and writes `P: Platform`.

use crate::Uffd;

// From here on the preludes of all platforms are the same but for the platform's name (`tests/prelude.rs`). They are
// aliases, and no macro makes them, so that the documentation shows each with its parameters.

pub use vmctx::{
    Accessed, Backing, ByPrepare, Direction, Errno, FramePoint, FrameSource, Hooks, HugeEntry, HugeSize,
    InsertPagesError, InsertPoint, IntoErrno, Kind, Mapped, MaySleep, Mixed, MmapFile, Moved, Normal, PageCount,
    PageOffset, PageProt, PageRange, PageRef, PfnMap, Prefault, PrepareFile, Remapped, Switched, Undecided, Unmapped,
    UserAddr, VmFault, VmOperations, Waited, Wraps,
};

#[doc(no_inline)]
pub use vmctx::{
    Iomem as _, Mutex as _, Platform as _, RevocablePoint as _, RwLock as _, SpinLock as _, WaitQueue as _,
};

/// The platform, for `type Platform = Platform;`, and for [`alloc_page`](vmctx::Platform::alloc_page) and
/// [`share`](vmctx::Platform::share).
pub type Platform = Uffd;

/// The token of a mmap hook.
pub type MmapCtx<'m, M = Undecided> = vmctx::MmapCtx<'m, Uffd, M>;
/// The token of a prepare hook.
pub type PrepareCtx<'m, M = Undecided> = vmctx::PrepareCtx<'m, Uffd, M>;
/// What a prepare hook answers.
pub type Prepared<'m, K> = vmctx::Prepared<'m, Uffd, K>;
/// The token of a fault hook.
pub type FaultCtx<'f, M> = vmctx::FaultCtx<'f, Uffd, M>;
/// The token of a `huge_fault` hook.
pub type HugeFaultCtx<'f, M> = vmctx::HugeFaultCtx<'f, Uffd, M>;
/// The token of a `map_pages` hook.
pub type MapPagesCtx<'f, M> = vmctx::MapPagesCtx<'f, Uffd, M>;
/// The token of a `page_mkwrite` hook.
pub type PageMkwriteCtx<'f, M> = vmctx::PageMkwriteCtx<'f, Uffd, M>;
/// The token of a `pfn_mkwrite` hook.
pub type PfnMkwriteCtx<'f, M> = vmctx::PfnMkwriteCtx<'f, Uffd, M>;
/// The token of an `access` hook.
pub type AccessCtx<'a, M> = vmctx::AccessCtx<'a, Uffd, M>;
/// The token of whatever runs outside hooks.
pub type UnlockedCtx<'u> = vmctx::UnlockedCtx<'u, Uffd>;
/// An established mapping, locked.
pub type EstablishedCtx<'l, M> = vmctx::EstablishedCtx<'l, Uffd, M>;
/// The slots of an established mapping, in [`with_state`](vmctx::EstablishedCtx::with_state).
pub type FrameSlots<'s, M> = vmctx::FrameSlots<'s, Uffd, M>;
/// What finds an established mapping again.
pub type Handle<M> = vmctx::Handle<Uffd, M>;
/// What became of a lock that a fault gives up.
pub type Release<'f, M> = vmctx::Release<'f, Uffd, M>;
/// A fault without its lock.
pub type Released<'f, M> = vmctx::Released<'f, Uffd, M>;

/// A page that a driver has a reference to.
pub type Page = <Uffd as vmctx::Platform>::Page;
/// A page of a pool.
pub type UniquePage = vmctx::UniquePage<Uffd>;
/// A page that a fault has locked.
pub type LockedPage<'f> = vmctx::LockedPage<'f, Uffd>;
/// A page that is locked outside faults.
pub type PageLock<'l> = vmctx::PageLock<'l, Uffd>;
/// Where a driver's pages come from.
pub type Memory = <Uffd as vmctx::Platform>::Memory;
/// The memory of a device.
pub type Iomem = <Uffd as vmctx::Platform>::Iomem;
/// A part of a device's memory.
pub type IomemPart = vmctx::IomemPart<Uffd>;
/// A frame of a device's memory.
pub type Frame<'s> = vmctx::Frame<'s, Uffd>;
/// Frames of a device's memory.
pub type FrameRange<'s> = vmctx::FrameRange<'s, Uffd>;
/// A range of frames for a large entry.
pub type HugeFrames<'f> = vmctx::HugeFrames<'f, Uffd>;

/// Shared ownership of a value.
pub type Ref<T> = <Uffd as vmctx::Platform>::Ref<T>;
/// A lock that many may hold to read, or one to write.
pub type RwLock<T> = <Uffd as vmctx::Platform>::RwLock<T>;
/// A lock that one may hold, and which is waited for asleep.
pub type Mutex<T> = <Uffd as vmctx::Platform>::Mutex<T>;
/// A lock that one may hold, and which is waited for awake.
pub type SpinLock<T> = <Uffd as vmctx::Platform>::SpinLock<T>;
/// A queue on which a fault or an ioctl waits.
pub type WaitQueue = <Uffd as vmctx::Platform>::WaitQueue;
/// A ticket of a queue.
pub type Ticket<'q> = vmctx::Ticket<'q, WaitQueue>;

/// All mappings of one object.
pub type SharedObject = vmctx::SharedObject<Uffd>;
/// Memory that can be taken back from its users.
pub type Revocable<B> = vmctx::Revocable<Uffd, B>;
/// Memory that stays where it is while this is held.
pub type Resident<'r, B> = vmctx::Resident<'r, Uffd, B>;
/// Memory that was taken back.
pub type Revoked<'r, B> = vmctx::Revoked<'r, Uffd, B>;
/// Where memory was when a fault let go of its lock.
pub type Epoch<'f, 'r, B> = vmctx::Epoch<'f, 'r, Uffd, B>;
/// What a backing has for one page offset.
pub type Spot<'l> = vmctx::Spot<'l, Uffd>;
/// A backing of one page.
pub type OnePage = vmctx::OnePage<Uffd>;
/// The operations of mappings that have no fault hook, for prepare hooks.
pub type WithoutFaults<K> = vmctx::WithoutFaults<Uffd, K>;

// What the feature `alloc` of `vmctx` adds, which this platform has.

pub use vmctx::{Made, Table};

/// Pages that are made when they are touched.
pub type PageCache = vmctx::PageCache<Uffd>;
/// Memory that is made when it is touched.
pub type OnDemand<B> = vmctx::OnDemand<Uffd, B>;
/// A piece of a table that was taken back.
pub type RevokedPart<'r, B> = vmctx::RevokedPart<'r, Uffd, B>;
