//! Users of a simulated machine.

use vmctx::{Errno, MaySleep, PageCount, PageOffset};
use vmctx_conformance::{
    Device, ProcessUser, Site,
    devices::{Host, Opened},
};
use vmctx_sim::{DeviceMemory, Machine, Process, Sim};

/// A machine for every device that is opened.
#[derive(Clone, Copy, Debug, Default)]
pub struct SimSite;

/// A process of a simulated machine that has a device open.
pub type SimUser = ProcessUser<Process>;

/// A machine, as what a device is set up with.
#[derive(Clone, Debug)]
pub struct SimHost(pub Machine);

impl Host for SimHost {
    type Platform = Sim;

    fn memory(&self) -> &Machine {
        &self.0
    }

    fn may_sleep(&self) -> MaySleep<'_> {
        self.0.may_sleep()
    }

    fn device_memory(&self, pages: PageCount) -> Result<DeviceMemory, Errno> {
        self.0.device_memory(pages)
    }

    fn physical_memory(&self, _: &DeviceMemory) -> DeviceMemory {
        self.0.physical_memory()
    }

    /// The first frame numbers of a machine are holes.
    fn hole(&self) -> Option<PageOffset> {
        Some(PageOffset::ZERO)
    }
}

impl Site for SimSite {
    type User = SimUser;

    fn open(&self, device: Device) -> Result<SimUser, String> {
        open(device).map_err(|errno| format!("cannot be opened: {errno}"))
    }
}

/// A process of `machine` that has a device open.
#[must_use]
pub fn user_of(machine: &Machine, device: Opened<Sim>) -> SimUser {
    ProcessUser::new(machine.process(), machine.open(device.file), device.side)
}

/// A process that has this device open, in a machine of its own.
///
/// # Errors
/// ENOMEM.
pub fn open(device: Device) -> Result<SimUser, Errno> {
    let machine = Machine::new();
    let opened = device.open(&SimHost(machine.clone()))?;
    Ok(user_of(&machine, opened))
}
