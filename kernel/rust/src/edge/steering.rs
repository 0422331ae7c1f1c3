//! What the edge devices have in common: a test program steers them, and reads what they count.

use core::sync::atomic::{AtomicU64, Ordering};

use vmctx::{Errno, Handle, Kind, MaySleep, MmapCtx, PageCount, PageOffset, Platform, RwLock, UnlockedCtx};
use vmctx_conformance::devices::{Host, Side};
use vmctx_linux::{Linux, LinuxRef, LinuxRwLock};

/// What an edge device is set up with.
pub(super) type Kernel<'a> = dyn Host<Platform = Linux> + 'a;

/// What the test program steers and reads.
pub(super) trait Steered: Send + Sync + 'static {
    /// A [request](super::requests).
    fn control(&self, ctx: &mut UnlockedCtx<'_, Linux>, request: u32, argument: u64) -> Result<u64, Errno>;
}

/// The side of a device that has no memory to look at.
pub(super) struct Steering<S>(pub(super) LinuxRef<S>);

impl<S: Steered> Side<Linux> for Steering<S> {
    fn read(&self, _: usize, _: &mut [u8]) -> Result<(), Errno> {
        Err(Errno::EINVAL)
    }

    fn write(&self, _: usize, _: &[u8]) -> Result<(), Errno> {
        Err(Errno::EINVAL)
    }

    fn control(&self, ctx: &mut UnlockedCtx<'_, Linux>, request: u32, argument: u64) -> Result<u64, Errno> {
        self.0.control(ctx, request, argument)
    }
}

/// How often something has happened.
#[derive(Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    pub(super) fn one_more(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// The mapping that was made last.
pub(super) struct Last<M>(LinuxRwLock<Option<LinuxRef<Handle<Linux, M>>>>);

impl<M: Kind> Last<M> {
    pub(super) fn new(may_sleep: MaySleep<'_>) -> Result<Self, Errno> {
        LinuxRwLock::new(None, may_sleep).map(Self)
    }

    /// Notes the mapping that is being made.
    pub(super) fn is(&self, ctx: &MmapCtx<'_, Linux, M>) -> Result<(), Errno> {
        let handle = Linux::share(ctx.handle()?, ctx.may_sleep())?;
        *self.0.write(ctx.may_sleep()) = Some(handle);
        Ok(())
    }

    /// Its handle. The lock is not kept: a mmap hook holds the mmap lock while it waits for this one, so whoever kept
    /// this one and then took the mmap lock could wait for ever.
    pub(super) fn get(&self, may_sleep: MaySleep<'_>) -> Result<LinuxRef<Handle<Linux, M>>, Errno> {
        self.0.read(may_sleep).clone().ok_or(Errno::EINVAL)
    }
}

/// The range of pages that the argument of a request is.
pub(super) fn range(argument: u64) -> Result<(PageOffset, PageCount), Errno> {
    let number = |number| usize::try_from(number).map_err(|_| Errno::EOVERFLOW);
    Ok((PageOffset::new(number(argument >> 32)?), PageCount::new(number(argument & 0xffff_ffff)?)))
}
