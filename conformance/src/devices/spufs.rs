//! A context and two processors, between which it is switched.

use vmctx::{Errno, PageCount, Platform, UnlockedCtx};

use super::host::{Host, Opened, Side, buffer};
use vmctx_drivers::spufs::{Context, Spufs, hardware_page};

/// How many processors there are.
pub const SPUS: usize = 2;

/// Switches the context to the processor of that number, from 1 on, or saves it with 0. EINVAL for any other.
pub const SWITCH: u32 = 1;
/// Asks whether the context runs: 1, or 0.
pub const RUNS: u32 = 2;

/// Opens it.
///
/// # Errors
/// ENOMEM, or what is wrong with the device's memory.
pub fn open<H: Host>(host: &H) -> Result<Opened<H::Platform>, Errno> {
    let pages = hardware_page(H::Platform::PAGE_SIZE) / H::Platform::PAGE_SIZE;
    let spus = [host.device_memory(PageCount::new(pages))?, host.device_memory(PageCount::new(pages))?];
    let context = Context::new(buffer(host, 0, pages)?, host.may_sleep())?;
    let context = H::Platform::share(context, host.may_sleep())?;
    Ok(Opened::prepared(Spufs::new(context.clone()), Cell::<H::Platform> { spus, context }))
}

struct Cell<P: Platform> {
    spus: [P::Iomem; SPUS],
    context: P::Ref<Context<P>>,
}

impl<P: Platform> Side<P> for Cell<P> {
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        self.context.read(offset, into)
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), Errno> {
        self.context.write(offset, from)
    }

    fn control(&self, ctx: &mut UnlockedCtx<'_, P>, request: u32, argument: u64) -> Result<u64, Errno> {
        let argument = usize::try_from(argument).map_err(|_| Errno::EINVAL)?;
        match request {
            SWITCH => {
                let spu = match argument.checked_sub(1) {
                    Some(spu) => Some(self.spus.get(spu).ok_or(Errno::EINVAL)?.clone()),
                    None => None,
                };
                self.context.switch_to(spu, ctx.may_sleep()).map(|()| 0)
            }
            RUNS => Ok(self.context.is_running(ctx.may_sleep()).into()),
            _ => Err(Errno::ENOTTY),
        }
    }
}
