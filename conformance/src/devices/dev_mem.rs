//! Physical memory, with registers of a device and a page of RAM to look at.

use vmctx::{ByPrepare, Errno, FrameSource, PageOffset, Platform, UnlockedCtx};

use super::host::{Host, Opened, Own, Side, page, registers};
use vmctx_drivers::dev_mem::DevMem;

/// Pages of registers.
pub const PAGES: usize = 6;

/// Asks for the frame number of the registers.
pub const REGISTERS: u32 = 1;
/// Asks for the frame number of a page of RAM, filled like the first page of the registers.
pub const RAM: u32 = 2;
/// Asks for a frame number with nothing behind it; ENXIO if nobody knows one.
pub const HOLE: u32 = 3;
/// Sets `O_SYNC` of the open file if the argument is not 0, else clears it.
pub const SET_SYNC: u32 = 4;

/// Opens it.
///
/// # Errors
/// ENOMEM, or what is wrong with the device's memory.
pub fn open<H: Host>(host: &H) -> Result<Opened<H::Platform>, Errno> {
    let bar = registers(host, PAGES)?;
    let first = PageOffset::new(usize::try_from(bar.base()).map_err(|_| Errno::EOVERFLOW)?);
    let file = ByPrepare(DevMem::new(host.physical_memory(&bar), first));
    let file = H::Platform::share(file, host.may_sleep())?;
    let side = Physical::<H::Platform> { registers: Own(bar), ram: page(host)?, hole: host.hole(), file: file.clone() };
    Ok(Opened::new(super::host::Shared::<H::Platform, _>(file), side))
}

struct Physical<P: Platform> {
    registers: Own<P>,
    ram: P::Page,
    hole: Option<PageOffset>,
    file: P::Ref<ByPrepare<DevMem<P>>>,
}

impl<P: Platform> Side<P> for Physical<P> {
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        self.registers.read(offset, into)
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), Errno> {
        self.registers.write(offset, from)
    }

    fn control(&self, _: &mut UnlockedCtx<'_, P>, request: u32, argument: u64) -> Result<u64, Errno> {
        match request {
            REGISTERS => Ok(self.registers.0.base()),
            RAM => Ok(P::page_pfn(&self.ram)),
            HOLE => self.hole.map(|at| at.index() as u64).ok_or(Errno::ENXIO),
            SET_SYNC => {
                self.file.0.set_sync(argument != 0);
                Ok(0)
            }
            _ => Err(Errno::ENOTTY),
        }
    }
}
