//! Two objects, one of them larger than the aperture. In the device's memory they lie one behind the other, wherever
//! their bytes are.

use vmctx::{Errno, PageCount, PageOffset, Platform, SharedObject, UnlockedCtx};

use super::host::{Host, Opened, Side, buffer, list};
use vmctx_drivers::i915::{Gpu, I915, Object};

/// Pages of the aperture.
pub const APERTURE: usize = 6;
/// Where each object is mapped, and how many pages it has.
pub const OBJECTS: [(PageOffset, usize); 2] = [(PageOffset::new(16), 9), (PageOffset::new(32), 6)];

/// The next bindings fail: [`trouble`] says how.
pub const DISTURB: u32 = 1;
/// Takes everything out of the aperture.
pub const SUSPEND: u32 = 2;

/// The argument that has `times` bindings fail with an errno, by its number.
#[must_use]
pub const fn trouble(errno: Errno, times: usize) -> u64 {
    (times as u64) << 32 | errno.to_raw().unsigned_abs() as u64
}

/// Opens it.
///
/// # Errors
/// ENOMEM, or what is wrong with the device's memory.
pub fn open<H: Host>(host: &H) -> Result<Opened<H::Platform>, Errno> {
    let [(large, pages), (small, more)] = OBJECTS;
    let device = SharedObject::new(host.may_sleep())?;
    let object = |at, first, count| Object::new(at, buffer(host, first, count)?, &device, host.may_sleep());
    let objects = list([object(large, 0, pages)?, object(small, pages, more)?])?;
    let aperture = host.device_memory(PageCount::new(APERTURE))?;
    let gpu = H::Platform::share(Gpu::new(aperture, objects, device, host.may_sleep())?, host.may_sleep())?;
    Ok(Opened::prepared(I915::new(gpu.clone()), Memory::<H::Platform>(gpu)))
}

struct Memory<P: Platform>(P::Ref<Gpu<P>>);

impl<P: Platform> Memory<P> {
    /// Calls `access` for each page that `len` bytes from `offset` on lie in, with the object, the place in it, and
    /// which of the bytes it is about.
    fn each(
        offset: usize,
        len: usize,
        mut access: impl FnMut(usize, usize, core::ops::Range<usize>) -> Result<(), Errno>,
    ) -> Result<(), Errno> {
        let mut done = 0;
        while done < len {
            let at = offset.checked_add(done).ok_or(Errno::EINVAL)?;
            let part = (P::PAGE_SIZE - at % P::PAGE_SIZE).min(len - done);
            let [(_, first), _] = OBJECTS;
            let first = first * P::PAGE_SIZE;
            let (object, inside) = if at < first { (0, at) } else { (1, at - first) };
            access(object, inside, done..done + part)?;
            done += part;
        }
        Ok(())
    }
}

impl<P: Platform> Side<P> for Memory<P> {
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        Self::each(offset, into.len(), |object, at, part| {
            self.0.read(object, at, into.get_mut(part).ok_or(Errno::EINVAL)?)
        })
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), Errno> {
        Self::each(offset, from.len(), |object, at, part| {
            self.0.write(object, at, from.get(part).ok_or(Errno::EINVAL)?)
        })
    }

    fn control(&self, ctx: &mut UnlockedCtx<'_, P>, request: u32, argument: u64) -> Result<u64, Errno> {
        match request {
            DISTURB => {}
            SUSPEND => return self.0.suspend(ctx.may_sleep()).map(|()| 0),
            _ => return Err(Errno::ENOTTY),
        }
        let errno = i32::try_from(argument & 0xffff_ffff).ok().and_then(Errno::from_raw).ok_or(Errno::EINVAL)?;
        let times = usize::try_from(argument >> 32).map_err(|_| Errno::EINVAL)?;
        self.0.disturb(errno, times, ctx.may_sleep());
        Ok(0)
    }
}
