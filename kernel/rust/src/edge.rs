//! Drivers for what only a kernel has: a lock that is really given up, two threads in one handler, page tables.
//!
//! They are drivers like any other: no `unsafe`, nothing but the crate's API.

mod around;
mod debugger;
mod described;
mod established;
mod huge;
mod opening;
mod requests;
mod revoked;
mod steering;
mod stores;
mod two_types;

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use vmctx::{
    Errno, FaultCtx, Hooks, Mapped, MaySleep, Mixed, MmapCtx, MmapFile, Normal, PageRef, Platform, Release,
    UnlockedCtx, VmFault, VmOperations, WaitQueue,
};
use vmctx_conformance::devices::Opened;
use vmctx_linux::{Linux, LinuxPage, LinuxRef, LinuxWaitQueue};

use steering::{Kernel, Steered, Steering};

/// Opens an edge device.
type OpenEdge = fn(&Kernel<'_>) -> Result<Opened<Linux>, Errno>;

/// The edge devices.
pub(crate) const ALL: &[(&str, OpenEdge)] = &[
    ("release", |kernel| steered(Releases::<false>, kernel)),
    ("release_vma_lock", |kernel| steered(Releases::<true>, kernel)),
    ("race", |kernel| steered(Races, kernel)),
    ("neighbours", |kernel| steered(Neighbours, kernel)),
    ("panic", |kernel| steered(|_| Panics, kernel)),
    ("stores_to_pages", stores::pages),
    ("stores_to_frames", stores::frames),
    ("stores_to_mixed", stores::mixed),
    ("around", around::open),
    ("huge", huge::open),
    ("huge_told", huge::open_told),
    ("huge_mixed", huge::open_mixed),
    ("established", established::open),
    ("two_types", two_types::open),
    ("revoked", revoked::open),
    ("opening", opening::open),
    ("opening_remapped", opening::open_remapped),
    ("described", described::open),
    ("debugger_frames", debugger::frames),
    ("debugger_pages", debugger::pages),
];

fn steered<F: MmapFile<Platform = Linux>>(
    file: impl FnOnce(LinuxRef<Control>) -> F,
    kernel: &Kernel<'_>,
) -> Result<Opened<Linux>, Errno> {
    let control = Control::new(kernel.may_sleep())?;
    Ok(Opened::new(file(control.clone()), Steering(control)))
}

/// What an open file and its mappings share, and the test program steers and reads.
struct Control {
    page: LinuxPage,
    queue: LinuxWaitQueue,
    go: AtomicBool,
    /// Faults that are in the handler or were.
    arrived: AtomicUsize,
    /// Faults that have given up their lock.
    released: AtomicUsize,
    /// Insertions that found an entry in place.
    already_present: AtomicUsize,
    /// States of mappings that were dropped.
    dropped: AtomicUsize,
    /// Handlers that were there after the lock was given up, and read the state.
    outlived: AtomicUsize,
}

impl Control {
    fn new(may_sleep: MaySleep<'_>) -> Result<LinuxRef<Self>, Errno> {
        let page = Linux::alloc_page(&(), may_sleep)?;
        page.write(0, &[0xe5; 16]).map_err(|_| Errno::EINVAL)?;
        Linux::share(
            Self {
                page,
                queue: LinuxWaitQueue::new(may_sleep)?,
                go: AtomicBool::new(false),
                arrived: AtomicUsize::new(0),
                released: AtomicUsize::new(0),
                already_present: AtomicUsize::new(0),
                dropped: AtomicUsize::new(0),
                outlived: AtomicUsize::new(0),
            },
            may_sleep,
        )
    }
}

impl Steered for Control {
    fn control(&self, _: &mut UnlockedCtx<'_, Linux>, request: u32, _: u64) -> Result<u64, Errno> {
        let number = match request {
            requests::GO => {
                self.go.store(true, Ordering::SeqCst);
                self.queue.wake_all();
                return Ok(0);
            }
            requests::ARRIVED => &self.arrived,
            requests::RELEASED => &self.released,
            requests::ALREADY_PRESENT => &self.already_present,
            requests::DROPPED => &self.dropped,
            requests::OUTLIVED => &self.outlived,
            _ => return Err(Errno::ENOTTY),
        };
        u64::try_from(number.load(Ordering::SeqCst)).map_err(|_| Errno::EOVERFLOW)
    }
}

/// Every fault gives up its lock, waits for [`requests::GO`], and reads the mapping's state once more. With a
/// `map_pages` hook the lock is the VMA's, else the mmap lock.
struct Releases<const MAP_PAGES: bool>(LinuxRef<Control>);

struct Released<const MAP_PAGES: bool> {
    control: LinuxRef<Control>,
    /// [`STAMP`] while the state lives, so that a handler that reads freed memory is noticed.
    stamp: usize,
}

const STAMP: usize = 0x5eed_cafe;

impl<const MAP_PAGES: bool> MmapFile for Releases<MAP_PAGES> {
    type Platform = Linux;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Linux>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.writable().establish(Released::<MAP_PAGES> { control: self.0.clone(), stamp: STAMP })?.fill_later())
    }
}

impl<const MAP_PAGES: bool> VmOperations for Released<MAP_PAGES> {
    type Platform = Linux;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = if MAP_PAGES {
        // It maps nothing, so that every load gets to the fault hook.
        Hooks::NONE.map_pages(|_, ctx| ctx.finish())
    } else {
        Hooks::NONE
    };

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Linux, Mixed>) -> VmFault<'f> {
        if self.control.go.load(Ordering::SeqCst) {
            return ctx.insert_page(&self.control.page);
        }
        match ctx.release() {
            Release::Released(released) => {
                self.control.released.fetch_add(1, Ordering::SeqCst);
                loop {
                    let ticket = self.control.queue.ticket();
                    if self.control.go.load(Ordering::SeqCst) || released.wait(ticket).is_err() {
                        break;
                    }
                }
                // The mapping may be gone by now, and its reference to this state with it.
                if self.stamp == STAMP {
                    self.control.outlived.fetch_add(1, Ordering::SeqCst);
                }
                released.retry()
            }
            Release::NoWait(answer) => answer,
            Release::Keep(ctx) => ctx.insert_page(&self.control.page),
        }
    }
}

impl<const MAP_PAGES: bool> Drop for Released<MAP_PAGES> {
    fn drop(&mut self) {
        self.stamp = 0;
        self.control.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

/// The first fault waits in the handler for a second one; then both insert.
struct Races(LinuxRef<Control>);

struct Raced(LinuxRef<Control>);

impl MmapFile for Races {
    type Platform = Linux;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Linux>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.writable().establish(Raced(self.0.clone()))?.fill_later())
    }
}

impl VmOperations for Raced {
    type Platform = Linux;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Linux, Mixed>) -> VmFault<'f> {
        self.0.arrived.fetch_add(1, Ordering::SeqCst);
        self.0.queue.wake_all();
        loop {
            let ticket = self.0.queue.ticket();
            if self.0.arrived.load(Ordering::SeqCst) >= 2 {
                break;
            }
            if let Err(errno) = ctx.wait(ticket) {
                return ctx.fail_or_refault(errno);
            }
        }
        let answer = ctx.insert_page(&self.0.page);
        if answer.already_present() {
            self.0.already_present.fetch_add(1, Ordering::SeqCst);
        }
        answer
    }
}

/// Changes a flag in its mmap hook, and Linux then looks for a neighbour with which the new mapping could be merged.
struct Neighbours(LinuxRef<Control>);

struct Neighbour(LinuxRef<Control>);

impl MmapFile for Neighbours {
    type Platform = Linux;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Linux>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.dont_dump().writable().establish(Neighbour(self.0.clone()))?.fill_later())
    }
}

impl VmOperations for Neighbour {
    type Platform = Linux;
    type Kind = Normal;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Linux, Normal>) -> VmFault<'f> {
        ctx.deliver(self.0.page.clone())
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        self.0.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

/// A driver with a mistake that Rust notices.
struct Panics;

impl MmapFile for Panics {
    type Platform = Linux;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Linux>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.writable().establish(Self)?.fill_later())
    }
}

impl VmOperations for Panics {
    type Platform = Linux;
    type Kind = Mixed;

    #[expect(clippy::panic, reason = "what becomes of it is what this driver is for")]
    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Linux, Mixed>) -> VmFault<'f> {
        panic!("no page for {}", ctx.pgoff())
    }
}
