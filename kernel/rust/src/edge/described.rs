//! A file that describes its mappings: they are filled before there is a state, which is told of first stores, and which
//! cannot always be made.

use core::sync::atomic::{AtomicBool, Ordering};

use vmctx::{
    Errno, FaultCtx, Hooks, MaySleep, Mixed, PageMkwriteCtx, PageRange, Platform, PrepareCtx, PrepareFile, Prepared,
    UnlockedCtx, VmFault, VmOperations,
};
use vmctx_conformance::devices::{self, Opened};
use vmctx_drivers::buffer::Buffer;
use vmctx_linux::{Linux, LinuxRef};

use super::{
    requests,
    steering::{Count, Kernel, Steered, Steering},
};

const PAGES: usize = 8;

struct Object {
    pages: LinuxRef<Buffer<Linux>>,
    makes_states: AtomicBool,
    faults: Count,
    stores: Count,
    opened: Count,
    closed: Count,
    dropped: Count,
}

impl Steered for Object {
    fn control(&self, _: &mut UnlockedCtx<'_, Linux>, request: u32, argument: u64) -> Result<u64, Errno> {
        let count = match request {
            requests::SWITCH => {
                self.makes_states.store(argument != 0, Ordering::SeqCst);
                return Ok(0);
            }
            requests::FAULTS => &self.faults,
            requests::STORES => &self.stores,
            requests::OPENED => &self.opened,
            requests::CLOSED => &self.closed,
            requests::DROPPED => &self.dropped,
            _ => return Err(Errno::ENOTTY),
        };
        Ok(count.get())
    }
}

/// Opens it.
pub(super) fn open(kernel: &Kernel<'_>) -> Result<Opened<Linux>, Errno> {
    let [faults, stores, opened, closed, dropped] = Default::default();
    let pages = devices::buffer(kernel, 0, PAGES)?;
    let object = Object { pages, makes_states: AtomicBool::new(true), faults, stores, opened, closed, dropped };
    let object = Linux::share(object, kernel.may_sleep())?;
    Ok(Opened::prepared(File(object.clone()), Steering(object)))
}

struct File(LinuxRef<Object>);

/// The state of a mapping.
pub(crate) struct Shown(LinuxRef<Object>);

impl PrepareFile for File {
    type Platform = Linux;
    type Ops = Shown;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, Linux>) -> Result<Prepared<'m, Linux, Mixed>, Errno> {
        ctx.writable().fill_at_pgoff(self.0.pages.pages())
    }

    fn mapped(&self, _: PageRange, may_sleep: MaySleep<'_>) -> Result<LinuxRef<Shown>, Errno> {
        if !self.0.makes_states.load(Ordering::SeqCst) {
            return Err(Errno::ENOSPC);
        }
        Linux::share(Shown(self.0.clone()), may_sleep)
    }
}

impl VmOperations for Shown {
    type Platform = Linux;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> =
        Hooks::NONE.open(Self::open).close(|shown| shown.0.closed.one_more()).page_mkwrite(Self::page_mkwrite);

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Linux, Mixed>) -> VmFault<'f> {
        self.0.faults.one_more();
        ctx.fail(Errno::EIO)
    }
}

impl Shown {
    fn open(&self) -> Result<(), Errno> {
        self.0.opened.one_more();
        Ok(())
    }

    fn page_mkwrite<'f>(&'f self, ctx: PageMkwriteCtx<'f, Linux, Mixed>) -> VmFault<'f> {
        self.0.stores.one_more();
        ctx.allow()
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.0.dropped.one_more();
    }
}
