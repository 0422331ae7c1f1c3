//! A platform that knows of `vmctx` only what is published: a list of frames ([`memory`]), ArceOS's page tables
//! ([`table`]) with entries of their own ([`bits`]), and `vmctx-hosted` for the rest. The program runs the devices of
//! `vmctx-conformance` on it.

mod bits;
mod memory;
mod table;

use std::{env, process::ExitCode, sync::Arc};

use memory::{FRAMES, Memory};
use table::Table;
use vmctx::{Errno, MaySleep, PageCount, PageOffset, entry};
use vmctx_conformance::{
    Device, ProcessUser, Runner, Site,
    devices::{Host, Opened},
    table::Table as Report,
};
use vmctx_hosted::{DeviceMemory, File, Locked, Object, OpenMode, Paged, Process, vma::Hosted};

const PAGE_SHIFT: u32 = 12;
const PAGE_SIZE: usize = 1 << PAGE_SHIFT;

/// The platform.
enum Example {}

impl Hosted for Example {
    type File = File<Self>;
    type Table = Locked<Memory, Table>;

    fn mappings(file: &File<Self>) -> &Object {
        file.mappings()
    }
}

impl Paged for Example {}

vmctx_hosted::platform! {
    // SAFETY: `Memory` gives a frame out again only when nobody has a reference, and a `Table` keeps what was put into
    // it.
    unsafe impl Platform for Example {
        const PAGE_SHIFT: u32 = PAGE_SHIFT;
    }
}

/// What devices are set up with. From here on it is the glue to the kit.
struct Board(Memory);

impl Host for Board {
    type Platform = Example;

    fn memory(&self) -> &Memory {
        &self.0
    }

    #[expect(unsafe_code, reason = "the context cannot be checked")]
    fn may_sleep(&self) -> MaySleep<'_> {
        // SAFETY: the threads of this program may sleep.
        unsafe { entry::may_sleep() }
    }

    #[expect(unsafe_code, reason = "the promise about the frames cannot be checked")]
    fn device_memory(&self, pages: PageCount) -> Result<DeviceMemory<Example, Memory>, Errno> {
        let first = self.0.take_device(pages)?;
        // SAFETY: they were just taken, and nobody gives them back.
        Ok(unsafe { DeviceMemory::new(self.0.clone(), first, pages) })
    }

    #[expect(unsafe_code, reason = "the promise about the frames cannot be checked")]
    fn physical_memory(&self, _: &DeviceMemory<Example, Memory>) -> DeviceMemory<Example, Memory> {
        // SAFETY: device memory stays what it is; RAM by number is what the scenario of `/dev/mem` is about.
        unsafe { DeviceMemory::new(self.0.clone(), 0, FRAMES) }
    }

    fn hole(&self) -> Option<PageOffset> {
        Some(PageOffset::ZERO)
    }
}

/// A machine for every device that is opened.
struct Boards;

impl Site for Boards {
    type User = ProcessUser<Process<Example>>;

    fn open(&self, device: Device) -> Result<Self::User, String> {
        let board = Board(Memory::new());
        let Opened { file, side } = device.open(&board).map_err(|errno| errno.to_string())?;
        let process = Process::new(Locked::new(board.0));
        Ok(ProcessUser::new(process, File::new(file, OpenMode::ReadWrite), side))
    }
}

/// Runs the devices that are named, or all.
fn main() -> ExitCode {
    let named: Vec<Device> = env::args().skip(1).filter_map(|name| Device::from_name(&name)).collect();
    let devices = if named.is_empty() { Device::ALL } else { &named };
    let outcomes = Runner::new(8).run_all(&Arc::new(Boards), devices.iter().copied(), |_| {});
    print!("{}", Report(&outcomes));
    let in_order = outcomes.len() == devices.len() && outcomes.iter().all(|outcome| outcome.is_ok());
    if in_order { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
