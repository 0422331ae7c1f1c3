//! Enclave memory that is larger than the EPC.

use vmctx::{Errno, PageCount, PageOffset, Platform, UnlockedCtx};

use super::host::{Host, Opened, Side};
use vmctx_drivers::sgx_vepc::{SgxVepc, Vepc};

/// Pages of the EPC.
pub const EPC: usize = 8;
/// Pages of enclave memory.
pub const PAGES: usize = 12;

/// The reclaimer chooses a page.
pub const BEGIN_RECLAIM: u32 = 1;
/// The reclaimer takes out the page that it has chosen.
pub const FINISH_RECLAIM: u32 = 2;
/// Removes all pages.
pub const REMOVE_ALL: u32 = 3;
/// Asks how many faults have met a page that was busy.
pub const BUSY: u32 = 4;

/// Opens it.
///
/// # Errors
/// ENOMEM, or what is wrong with the device's memory.
pub fn open<H: Host>(host: &H) -> Result<Opened<H::Platform>, Errno> {
    let epc = host.device_memory(PageCount::new(EPC))?;
    let vepc = Vepc::<H::Platform>::new(epc, host.memory().clone(), PageCount::new(PAGES), host.may_sleep())?;
    let vepc = H::Platform::share(vepc, host.may_sleep())?;
    Ok(Opened::prepared(SgxVepc::new(vepc.clone()), Guest::<H::Platform>(vepc)))
}

struct Guest<P: Platform>(P::Ref<Vepc<P>>);

impl<P: Platform> Side<P> for Guest<P> {
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        self.0.read(offset, into)
    }

    fn write(&self, _: usize, _: &[u8]) -> Result<(), Errno> {
        Err(Errno::EINVAL)
    }

    fn control(&self, ctx: &mut UnlockedCtx<'_, P>, request: u32, argument: u64) -> Result<u64, Errno> {
        let page = usize::try_from(argument).map(PageOffset::new).map_err(|_| Errno::EINVAL)?;
        match request {
            BEGIN_RECLAIM => self.0.begin_reclaim(page, ctx.may_sleep()).map(|()| 0),
            FINISH_RECLAIM => self.0.finish_reclaim(page, ctx.may_sleep()).map(|()| 0),
            REMOVE_ALL => self.0.remove_all(ctx.may_sleep()).map(|()| 0),
            BUSY => Ok(self.0.busy() as u64),
            _ => Err(Errno::ENOTTY),
        }
    }
}
