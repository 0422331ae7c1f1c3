//! Mappings that an ioctl comes back to.

use vmctx::{Errno, Mapped, Mixed, MmapCtx, MmapFile, Platform, UnlockedCtx, UserAddr, VmOperations};
use vmctx_conformance::devices::{self, Opened};
use vmctx_drivers::buffer::Buffer;
use vmctx_linux::{Linux, LinuxRef};

use super::{
    requests,
    steering::{Kernel, Last, Steered, Steering, range},
};

const PAGES: usize = 16;

struct Object {
    buffer: LinuxRef<Buffer<Linux>>,
    last: Last<Mixed>,
}

pub(super) fn open(kernel: &Kernel<'_>) -> Result<Opened<Linux>, Errno> {
    let object = Object { buffer: devices::buffer(kernel, 0, PAGES)?, last: Last::new(kernel.may_sleep())? };
    let object = Linux::share(object, kernel.may_sleep())?;
    Ok(Opened::new(File(object.clone()), Steering(object)))
}

impl Steered for Object {
    fn control(&self, ctx: &mut UnlockedCtx<'_, Linux>, request: u32, argument: u64) -> Result<u64, Errno> {
        match request {
            requests::INSERT => {
                let (first, count) = range(argument)?;
                let pages = self.buffer.pages().get(first.index()..).and_then(|rest| rest.get(..count.get()));
                let pages = pages.ok_or(Errno::ENXIO)?;
                match self.last.get(ctx.may_sleep())?.lock(ctx)?.insert_pages(first, pages) {
                    Ok(inserted) => Ok(inserted.get() as u64),
                    Err(stopped) => Ok(stopped.inserted.get() as u64 | (stopped.errno as u64) << 32),
                }
            }
            requests::ZAP => {
                let (first, count) = range(argument)?;
                self.last.get(ctx.may_sleep())?.lock(ctx)?.zap(first, count);
                Ok(0)
            }
            requests::FIND => {
                let address = UserAddr::new(usize::try_from(argument).map_err(|_| Errno::EFAULT)?);
                let mapping = ctx.find::<Shown>(address)?;
                // Other files of this device have the same operations: the mapping has to be this one's.
                let state = mapping.state::<Shown>().ok_or(Errno::EIO)?;
                if !core::ptr::eq(&raw const *state.0, &raw const *self.buffer) {
                    return Err(Errno::EPERM);
                }
                mapping.pgoff_of(address).map(|at| at.index() as u64).ok_or(Errno::EIO)
            }
            _ => Err(Errno::ENOTTY),
        }
    }
}

struct File(LinuxRef<Object>);

impl MmapFile for File {
    type Platform = Linux;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Linux>) -> Result<Mapped<'m>, Errno> {
        // Its users map slots a second time.
        let ctx = ctx.writable().establish(Shown(self.0.buffer.clone()))?.may_expand();
        self.0.last.is(&ctx)?;
        Ok(ctx.fill_later())
    }
}

/// It has no fault hook: what was not inserted is a SIGBUS.
struct Shown(LinuxRef<Buffer<Linux>>);

impl VmOperations for Shown {
    type Platform = Linux;
    type Kind = Mixed;
}
