//! A process that receives, and can open its file anew.

use alloc::vec::Vec;

use vmctx::{
    ByPrepare, Errno, Handle, MaySleep, Mixed, PageRange, Platform, PrepareCtx, PrepareFile, Prepared, RwLock,
    UnlockedCtx,
};

use super::host::{Host, Opened, Shared, Side, pattern};
use vmctx_drivers::binder::{Area, Proc, prepare};

/// Closes the file and opens it anew. What was mapped until then is [that of before](SEND_BEFORE).
pub const REOPEN: u32 = 1;
/// Sends a message, [`message`]; where it is, in bytes from the start of the mapping.
pub const SEND: u32 = 2;
/// Frees the message that begins there.
pub const FREE: u32 = 3;
/// The shrinker, for that many pages; how many it has got.
pub const SHRINK: u32 = 4;
/// Asks for the number of pages that are there.
pub const PAGES: u32 = 5;
/// Sends to the file that was open before.
pub const SEND_BEFORE: u32 = 6;

/// The argument that sends `len` bytes of the pattern, from this page of it on.
#[must_use]
pub const fn message(page: u32, len: u32) -> u64 {
    (page as u64) << 32 | len as u64
}

/// Opens it.
///
/// # Errors
/// ENOMEM.
pub fn open<H: Host>(host: &H) -> Result<Opened<H::Platform>, Errno> {
    let open = || {
        let proc = Proc::<H::Platform>::new(host.memory().clone(), host.may_sleep())?;
        H::Platform::share(proc, host.may_sleep())
    };
    let files = <H::Platform as Platform>::RwLock::new(Files { now: open()?, before: open()? }, host.may_sleep())?;
    let device = Device::<H::Platform> { memory: host.memory().clone(), files };
    let device = H::Platform::share(ByPrepare(device), host.may_sleep())?;
    Ok(Opened::new(Shared::<H::Platform, _>(device.clone()), Driver::<H::Platform>(device)))
}

struct Files<P: Platform> {
    now: P::Ref<Proc<P>>,
    before: P::Ref<Proc<P>>,
}

struct Device<P: Platform> {
    memory: P::Memory,
    files: P::RwLock<Files<P>>,
}

impl<P: Platform> PrepareFile for Device<P> {
    type Platform = P;
    type Ops = Area<P>;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Mixed>, Errno> {
        prepare(ctx)
    }

    fn mapped(&self, shown: PageRange, may_sleep: MaySleep<'_>) -> Result<P::Ref<Area<P>>, Errno> {
        let now = self.files.read(may_sleep).now.clone();
        now.mapped(shown, may_sleep)
    }

    fn handle(&self, area: &Area<P>, handle: Handle<P, Mixed>) {
        area.is_at(handle);
    }
}

struct Driver<P: Platform>(P::Ref<ByPrepare<Device<P>>>);

impl<P: Platform> Side<P> for Driver<P> {
    fn read(&self, _: usize, _: &mut [u8]) -> Result<(), Errno> {
        Err(Errno::EINVAL)
    }

    fn write(&self, _: usize, _: &[u8]) -> Result<(), Errno> {
        Err(Errno::EINVAL)
    }

    fn control(&self, ctx: &mut UnlockedCtx<'_, P>, request: u32, argument: u64) -> Result<u64, Errno> {
        let (now, before) = {
            let files = self.0.0.files.read(ctx.may_sleep());
            (files.now.clone(), files.before.clone())
        };
        let number = usize::try_from(argument).map_err(|_| Errno::EINVAL);
        match request {
            REOPEN => {
                let fresh = Proc::<P>::new(self.0.0.memory.clone(), ctx.may_sleep())?;
                let fresh = P::share(fresh, ctx.may_sleep())?;
                *self.0.0.files.write(ctx.may_sleep()) = Files { now: fresh, before: now };
                Ok(0)
            }
            SEND => send(ctx, &now, argument),
            SEND_BEFORE => send(ctx, &before, argument),
            FREE => now.free(number?, ctx.may_sleep()).map(|()| 0),
            SHRINK => Ok(now.shrink(number?, ctx.may_sleep()) as u64),
            PAGES => Ok(now.pages(ctx.may_sleep()) as u64),
            _ => Err(Errno::ENOTTY),
        }
    }
}

fn send<P: Platform>(ctx: &mut UnlockedCtx<'_, P>, to: &Proc<P>, message: u64) -> Result<u64, Errno> {
    let [page, len] = [message >> 32, message & 0xffff_ffff].map(|part| usize::try_from(part).unwrap_or(usize::MAX));
    let start = page.checked_mul(P::PAGE_SIZE).ok_or(Errno::EINVAL)?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(len).map_err(|_| Errno::ENOMEM)?;
    bytes.extend((start..start.saturating_add(len)).map(pattern));
    to.send(ctx, &bytes).map(|at| at as u64)
}
