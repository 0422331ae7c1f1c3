//! The clocks of a process that can join one of two time namespaces.

use vmctx::{Errno, PageOffset, Platform, UnlockedCtx};

use super::host::{Host, Opened, Own, Side, registers};
use vmctx_drivers::vvar::{Clock, Data, Layout, Vvar};

/// Pages of memory.
pub const PAGES: usize = 6;
/// What is where in it.
pub const LAYOUT: Layout =
    Layout { clocks: PageOffset::new(4), pvclock: PageOffset::new(0), hvclock: PageOffset::new(2) };
/// The pages of the time namespaces.
pub const NAMESPACES: [PageOffset; 2] = [PageOffset::new(1), PageOffset::new(5)];

/// Joins the time namespace of this number, from 1 on; 0 is none.
pub const JOIN: u32 = 1;
/// From now on KVM's clock is in use.
pub const USE_PVCLOCK: u32 = 2;
/// From now on Hyper-V's clock is in use.
pub const USE_HVCLOCK: u32 = 3;

/// Opens it.
///
/// # Errors
/// ENOMEM, or what is wrong with the device's memory.
pub fn open<H: Host>(host: &H) -> Result<Opened<H::Platform>, Errno> {
    let memory = registers(host, PAGES)?;
    let data = H::Platform::share(Data::new(memory.clone(), LAYOUT, host.may_sleep())?, host.may_sleep())?;
    Ok(Opened::prepared(Vvar::new(data.clone()), Clocks::<H::Platform> { memory: Own(memory), data }))
}

struct Clocks<P: Platform> {
    memory: Own<P>,
    data: P::Ref<Data<P>>,
}

impl<P: Platform> Side<P> for Clocks<P> {
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        self.memory.read(offset, into)
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), Errno> {
        self.memory.write(offset, from)
    }

    fn control(&self, ctx: &mut UnlockedCtx<'_, P>, request: u32, argument: u64) -> Result<u64, Errno> {
        match request {
            JOIN => {
                let number = usize::try_from(argument).map_err(|_| Errno::EINVAL)?;
                let namespace = match number.checked_sub(1) {
                    Some(index) => Some(*NAMESPACES.get(index).ok_or(Errno::EINVAL)?),
                    None => None,
                };
                self.data.join(namespace, ctx.may_sleep())?;
            }
            USE_PVCLOCK => self.data.use_clock(Clock::Pvclock, ctx.may_sleep()),
            USE_HVCLOCK => self.data.use_clock(Clock::Hvclock, ctx.may_sleep()),
            _ => return Err(Errno::ENOTTY),
        }
        Ok(0)
    }
}
