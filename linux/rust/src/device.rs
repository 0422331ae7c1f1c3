//! The devices, as `vmctx_drivers::demo` describes them, with memory of this kernel's.

use core::{
    ffi::{c_int, c_uint, c_void},
    sync::atomic::{AtomicU8, Ordering},
};

use crate::edge::{Control, Neighbours, Panics, Races, Releases};
use alloc::vec::Vec;
use vmctx::{
    Errno, MmapFile, PageCount, PageOffset, Platform,
    linux::{self, Linux, LinuxIomem, LinuxPage, LinuxRef},
};
use vmctx_drivers::{
    buffer::Buffer,
    cfag12864b::Cfag12864b,
    dax::{Dax, Inode},
    demo,
    dev_mem::{Caching, DevMem},
    kcov::Kcov,
    relay::Relay,
    rockchip_gem::RockchipGem,
    vgem::Vgem,
    xive::Xive,
};

unsafe extern "C" {
    fn vmctx_bar_take(pages: usize, pfn: *mut u64, memory: *mut *mut c_void) -> c_int;
    fn vmctx_bar_give(pfn: u64);
    fn vmctx_page_pfn(page: *const LinuxPage) -> u64;
    fn vmctx_page_references(page: *const LinuxPage) -> c_uint;
}

/// An open file of a device of its own.
pub(crate) struct Open {
    driver: Driver,
    side: Side,
}

enum Driver {
    Kcov(Kcov<Linux>),
    Cfag12864b(Cfag12864b<Linux>),
    RockchipGem(RockchipGem<Linux>),
    Vgem(Vgem<Linux>),
    Dax(LinuxRef<Inode<Linux>>, Dax<Linux>),
    Relay(Relay<Linux>),
    Xive(Xive<Linux>),
    DevMem(DevMem<Linux>, LinuxPage),
    Releases(Releases),
    Races(Races),
    Neighbours(Neighbours),
    Panics(Panics),
}

/// The device's own memory.
enum Side {
    Pages(Vec<LinuxRef<Buffer<Linux>>>),
    Bar(Bar),
}

/// A part of the BAR, for one open file. Given back when the file is closed, which is after its last mapping has gone.
struct Bar {
    pfn: u64,
    pages: PageCount,
    memory: *const AtomicU8,
}

// SAFETY: the memory is shared, and accessed one atomic byte at a time.
unsafe impl Send for Bar {}
// SAFETY: as for `Send`.
unsafe impl Sync for Bar {}

impl Bar {
    /// Takes a part that is filled with the pattern.
    fn take(pages: usize) -> Result<Self, Errno> {
        let (mut pfn, mut memory) = (0, core::ptr::null_mut());
        // SAFETY: both can be written to.
        linux::result(unsafe { vmctx_bar_take(pages, &mut pfn, &mut memory) })?;
        let bar = Self { pfn, pages: PageCount::new(pages), memory: memory.cast_const().cast() };
        for (at, byte) in bar.bytes().iter().enumerate() {
            byte.store(demo::pattern(at), Ordering::Relaxed);
        }
        Ok(bar)
    }

    fn iomem(&self) -> LinuxIomem {
        // SAFETY: the part is this file's until it is closed; a mapping keeps its file open.
        unsafe { LinuxIomem::new(self.pfn, self.pages) }
    }

    fn bytes(&self) -> &[AtomicU8] {
        // SAFETY: the shim has mapped as many pages there, until they are given back.
        unsafe { core::slice::from_raw_parts(self.memory, self.pages.get() * Linux::PAGE_SIZE) }
    }

    fn part(&self, offset: usize, len: usize) -> Result<&[AtomicU8], Errno> {
        let end = offset.checked_add(len).ok_or(Errno::EINVAL)?;
        self.bytes().get(offset..end).ok_or(Errno::EINVAL)
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        // SAFETY: it was taken.
        unsafe { vmctx_bar_give(self.pfn) };
    }
}

fn list<T, const N: usize>(values: [T; N]) -> Result<Vec<T>, Errno> {
    let mut list = Vec::new();
    list.try_reserve_exact(N).map_err(|_| Errno::ENOMEM)?;
    list.extend(values);
    Ok(list)
}

impl Open {
    /// Opens device number `index`, in the order of `names` in `linux/module/devices.c`.
    pub(crate) fn new(index: c_uint, sync: bool) -> Result<Self, Errno> {
        let pages = |count| demo::buffer::<Linux>(&(), 0, count);
        match index {
            0 => {
                let area = pages(demo::KCOV_PAGES)?;
                Self::of_pages(Driver::Kcov(Kcov::new(area.clone())), area)
            }
            1 => {
                let buffer = pages(1)?;
                let page = buffer.page(PageOffset::ZERO).ok_or(Errno::EINVAL)?.clone();
                Self::of_pages(Driver::Cfag12864b(Cfag12864b::new(page)), buffer)
            }
            2 => {
                let object = pages(demo::ROCKCHIP_PAGES)?;
                Self::of_pages(Driver::RockchipGem(RockchipGem::new(object.clone())), object)
            }
            3 => {
                let (driver, buffers) = demo::vgem::<Linux>(&())?;
                Ok(Self { driver: Driver::Vgem(driver), side: Side::Pages(list(buffers)?) })
            }
            4 => {
                let bar = Bar::take(demo::DAX_BLOCKS)?;
                // The blocks that no page of the file has are zeroed.
                for block in (0..demo::DAX_BLOCKS).map(PageOffset::new) {
                    if !demo::DAX_EXTENTS.contains(&Some(block)) {
                        for byte in bar.part(block.index() * Linux::PAGE_SIZE, Linux::PAGE_SIZE)? {
                            byte.store(0, Ordering::Relaxed);
                        }
                    }
                }
                let inode = demo::dax::<Linux>(bar.iomem())?;
                Ok(Self { driver: Driver::Dax(inode.clone(), Dax::new(inode)), side: Side::Bar(bar) })
            }
            5 => {
                let buffer = pages(demo::RELAY_PAGES)?;
                Self::of_pages(Driver::Relay(Relay::new(buffer.clone())), buffer)
            }
            6 => {
                let bar = Bar::take(demo::XIVE_PAGES)?;
                Ok(Self { driver: Driver::Xive(demo::xive::<Linux>(bar.iomem())?), side: Side::Bar(bar) })
            }
            7 => {
                let bar = Bar::take(demo::DEV_MEM_PAGES)?;
                let ram = demo::page::<Linux>(&())?;
                let first = PageOffset::new(usize::try_from(bar.pfn).map_err(|_| Errno::EINVAL)?);
                // Physical memory ends with the registers.
                let frames = first.checked_add(bar.pages).ok_or(Errno::EOVERFLOW)?.index();
                // SAFETY: the scenario maps the BAR and the one page of RAM, which this file owns until it is closed.
                // A module that offered physical memory for real would have to make sure of it, as
                // `drivers/char/mem.c` does with capabilities.
                let memory = unsafe { LinuxIomem::new(0, PageCount::new(frames)) };
                let caching = if sync { Caching::Never } else { Caching::AsMemory };
                let driver = Driver::DevMem(DevMem::new(memory, first, caching), ram);
                Ok(Self { driver, side: Side::Bar(bar) })
            }
            8 | 9 => Ok(Self { driver: Driver::Releases(Releases(Control::new()?)), side: Side::Pages(Vec::new()) }),
            10 => Ok(Self { driver: Driver::Races(Races(Control::new()?)), side: Side::Pages(Vec::new()) }),
            11 => Ok(Self { driver: Driver::Neighbours(Neighbours(Control::new()?)), side: Side::Pages(Vec::new()) }),
            12 => Ok(Self { driver: Driver::Panics(Panics), side: Side::Pages(Vec::new()) }),
            _ => Err(Errno::ENODEV),
        }
    }

    fn of_pages(driver: Driver, buffer: LinuxRef<Buffer<Linux>>) -> Result<Self, Errno> {
        Ok(Self { driver, side: Side::Pages(list([buffer])?) })
    }

    pub(crate) fn file(&self) -> &dyn MmapFile<Platform = Linux> {
        match &self.driver {
            Driver::Kcov(file) => file,
            Driver::Cfag12864b(file) => file,
            Driver::RockchipGem(file) => file,
            Driver::Vgem(file) => file,
            Driver::Dax(_, file) => file,
            Driver::Relay(file) => file,
            Driver::Xive(file) => file,
            Driver::DevMem(file, _) => file,
            Driver::Releases(file) => file,
            Driver::Races(file) => file,
            Driver::Neighbours(file) => file,
            Driver::Panics(file) => file,
        }
    }

    pub(crate) fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        match &self.side {
            Side::Bar(bar) => {
                let part = bar.part(offset, into.len())?;
                for (to, from) in into.iter_mut().zip(part) {
                    *to = from.load(Ordering::Relaxed);
                }
                Ok(())
            }
            Side::Pages(buffers) => {
                let (buffer, offset) = demo::locate::<Linux>(buffers, offset)?;
                buffer.read(offset, into)
            }
        }
    }

    pub(crate) fn write(&self, offset: usize, from: &[u8]) -> Result<(), Errno> {
        match &self.side {
            Side::Bar(bar) => {
                for (to, from) in bar.part(offset, from.len())?.iter().zip(from) {
                    to.store(*from, Ordering::Relaxed);
                }
                Ok(())
            }
            Side::Pages(buffers) => {
                let (buffer, offset) = demo::locate::<Linux>(buffers, offset)?;
                buffer.write(offset, from)
            }
        }
    }

    /// The numbers of `linux/module/devices.h`.
    pub(crate) fn gauge(&self, which: c_uint, page: PageOffset) -> Result<u64, Errno> {
        match (which, &self.driver, &self.side) {
            (0, _, Side::Pages(buffers)) if !buffers.is_empty() => {
                let offset = page.index().checked_mul(Linux::PAGE_SIZE).ok_or(Errno::EINVAL)?;
                let (buffer, offset) = demo::locate::<Linux>(buffers, offset)?;
                let page = buffer.page(PageOffset::new(offset >> Linux::PAGE_SHIFT)).ok_or(Errno::EINVAL)?;
                // SAFETY: a `LinuxPage` is a `struct page *`.
                Ok(u64::from(unsafe { vmctx_page_references(page) }))
            }
            (1, Driver::Dax(inode, _), _) => u64::try_from(inode.blocks()).map_err(|_| Errno::EOVERFLOW),
            (2, Driver::DevMem(..), Side::Bar(bar)) => Ok(bar.pfn),
            (3, Driver::DevMem(_, ram), _) => {
                // SAFETY: a `LinuxPage` is a `struct page *`.
                Ok(unsafe { vmctx_page_pfn(ram) })
            }
            (4, Driver::DevMem(..), Side::Bar(bar)) => u64::try_from(bar.pages.get()).map_err(|_| Errno::EOVERFLOW),
            (
                _,
                Driver::Releases(Releases(control))
                | Driver::Races(Races(control))
                | Driver::Neighbours(Neighbours(control)),
                _,
            ) => control.gauge(which),
            _ => Err(Errno::ENOTTY),
        }
    }
}
