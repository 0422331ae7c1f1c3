//! The devices of `vmctx-conformance`, with memory of this kernel's, and the edge devices behind them.

use core::{
    cell::RefCell,
    ffi::{c_int, c_uint, c_void},
    ptr::NonNull,
};

use alloc::vec::Vec;
use vmctx::{Errno, FrameSource, MaySleep, MmapFile, PageCount, PageOffset, UnlockedCtx};
use vmctx_conformance::{
    Device,
    devices::{Host, Opened},
};
use vmctx_linux::{self as linux, Linux, LinuxIomem, LinuxPage};

use crate::edge;

unsafe extern "C" {
    fn vmctx_bar_take(pages: usize, pfn: *mut u64, memory: *mut *mut c_void) -> c_int;
    fn vmctx_bar_give(pfn: u64, pages: usize);
    fn vmctx_page_references(page: *const LinuxPage) -> c_uint;
}

/// An open file of a device of its own.
pub(crate) struct Open {
    // Dropped in this order: what a driver maps stays until the driver has gone.
    device: Opened<Linux>,
    _bars: Vec<Bar>,
}

/// A part of the BAR, for one open file. Given back when the file is closed, which is after its last mapping has gone.
struct Bar {
    pfn: u64,
    pages: PageCount,
}

impl Drop for Bar {
    fn drop(&mut self) {
        // SAFETY: it was taken.
        unsafe { vmctx_bar_give(self.pfn, self.pages.get()) };
    }
}

/// What a device is set up with.
struct Kernel<'a> {
    may_sleep: MaySleep<'a>,
    bars: RefCell<Vec<Bar>>,
}

impl Host for Kernel<'_> {
    type Platform = Linux;

    fn memory(&self) -> &() {
        &()
    }

    fn may_sleep(&self) -> MaySleep<'_> {
        self.may_sleep
    }

    fn device_memory(&self, pages: PageCount) -> Result<LinuxIomem, Errno> {
        let (mut pfn, mut memory) = (0, core::ptr::null_mut());
        let mut bars = self.bars.borrow_mut();
        bars.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
        // SAFETY: both can be written to.
        linux::result(unsafe { vmctx_bar_take(pages.get(), &mut pfn, &mut memory) })?;
        bars.push(Bar { pfn, pages });
        // SAFETY: the part is this file's until it is closed, and a mapping keeps its file open; the shim has mapped as
        // many pages at `memory`, and zeroed them.
        Ok(unsafe { LinuxIomem::new(pfn, pages, NonNull::new(memory.cast())) })
    }

    fn physical_memory(&self, up_to: &LinuxIomem) -> LinuxIomem {
        let end = usize::try_from(up_to.base()).unwrap_or(usize::MAX).saturating_add(up_to.count().get());
        // SAFETY: the scenario maps the BAR and the one page of RAM, which this file owns until it is closed. A module
        // that offered physical memory for real would have to make sure of it, as `drivers/char/mem.c` does with
        // capabilities.
        unsafe { LinuxIomem::new(0, PageCount::new(end), None) }
    }
}

/// The name of device number `index`.
pub(crate) fn name(index: usize) -> Option<&'static str> {
    match Device::from_index(index) {
        Some(device) => Some(device.name()),
        None => edge::ALL.get(index.checked_sub(Device::ALL.len())?).map(|(name, _)| *name),
    }
}

impl Open {
    /// Opens device number `index`.
    pub(crate) fn new(index: usize, may_sleep: MaySleep<'_>) -> Result<Self, Errno> {
        let kernel = Kernel { may_sleep, bars: RefCell::new(Vec::new()) };
        let device = match Device::from_index(index) {
            Some(device) => device.open(&kernel)?,
            None => {
                let edge = index.checked_sub(Device::ALL.len()).and_then(|index| edge::ALL.get(index));
                let (_, open) = edge.ok_or(Errno::ENODEV)?;
                open(&kernel)?
            }
        };
        Ok(Self { device, _bars: kernel.bars.into_inner() })
    }

    pub(crate) fn file(&self) -> &dyn MmapFile<Platform = Linux> {
        &*self.device.file
    }

    pub(crate) fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        self.device.side.read(offset, into)
    }

    pub(crate) fn write(&self, offset: usize, from: &[u8]) -> Result<(), Errno> {
        self.device.side.write(offset, from)
    }

    /// The references of a page of the device's memory.
    pub(crate) fn references(&self, page: PageOffset) -> Result<c_uint, Errno> {
        let page = self.device.side.page(page).ok_or(Errno::EINVAL)?;
        // SAFETY: a `LinuxPage` is a `struct page *`.
        Ok(unsafe { vmctx_page_references(page) })
    }

    pub(crate) fn control(&self, ctx: &mut UnlockedCtx<'_, Linux>, request: u32, argument: u64) -> Result<u64, Errno> {
        self.device.side.control(ctx, request, argument)
    }
}
