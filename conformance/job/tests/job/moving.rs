//! Drivers that are wrong about memory that moves, or about whom they unmap.

use std::sync::{Arc, Mutex, RwLock};

use vmctx::{
    Errno, FaultCtx, FrameSource, Iomem, Mapped, Mappings, MmapCtx, MmapFile, PageCount, PageOffset, PfnMap, Platform,
    Relocatable, UnlockedCtx, VmFault, VmOperations,
};
use vmctx_conformance::{
    Device,
    devices::{self, Opened, Side, drm},
};
use vmctx_drivers::{buffer::Buffer, drm::Domain, spufs::HARDWARE_PAGE, ttm::Place};
use vmctx_job::sim::{SimHost, user_of};
use vmctx_sim::{DeviceMemory, Machine, Sim};

use crate::wrong::{at_mmap, fails, fails_on, pages};

/// A file that does not say which object it maps: nobody finds its mappings to unmap them.
struct Unfound(Box<dyn MmapFile<Platform = Sim>>);

impl MmapFile for Unfound {
    type Platform = Sim;

    fn mmap<'m>(&self, ctx: MmapCtx<'m, Sim>) -> Result<Mapped<'m>, Errno> {
        self.0.mmap(ctx)
    }
}

#[test]
fn a_driver_that_unmaps_where_nobody_is_fails() {
    for (device, because) in [
        (Device::Nopage, "truncated: page 4: a success, not SIGBUS at 0x"),
        (Device::Nonlinear, "nonlinear: page 0: byte 0 is"),
        (Device::CacheDisabled, "cache attribute of page 2 of region 1: WriteCombine, not Noncached"),
        (Device::Vvar, "nothing where they were: a success, not SIGBUS at 0x"),
        (Device::I915, "changed while it was evicted: "),
        (Device::DrmGemShmem, "purged: page 0: a success, not SIGBUS at 0x"),
        (Device::Hugetlb, "truncated: a success, not SIGBUS at 0x"),
        (Device::VfioPci, "disabled: page 0: a success, not SIGBUS at 0x"),
        (Device::SgxVepc, "after all was removed: page 0: byte 0 is"),
        (Device::FbDefio, "pages noted after a store behind a flush: Ok(0), not Ok(1)"),
        (Device::Dax, "dirty pages after stores to two pages: Ok(0), not Ok(2)"),
        // Memory that can be moved is not inserted at all where it could not be found to be unmapped.
        (Device::Spufs, "page 0, read: SIGBUS at 0x"),
        (Device::Drm, "page 0, read: SIGBUS at 0x"),
        (Device::Ttm, "page 0, read: SIGBUS at 0x"),
    ] {
        let machine = Machine::new();
        let Opened { file, side } = device.open(&SimHost(machine.clone())).unwrap();
        let user = user_of(&machine, Opened { file: Box::new(Unfound(file)), side });
        fails_on(user, device, &[because]);
    }
}

/// Local store that is copied, but left mapped where it was.
struct Stale {
    place: RwLock<Option<DeviceMemory>>,
    saved: Arc<Buffer<Sim>>,
    ram: DeviceMemory,
}

impl VmOperations for Stale {
    type Platform = Sim;
    type Mapping = PfnMap;

    fn fault<'f>(&self, ctx: FaultCtx<'f, Sim, PfnMap>) -> VmFault<'f> {
        let place = self.place.read().unwrap();
        let saved = || self.ram.frame(PageOffset::new(usize::try_from(self.saved.page(ctx.pgoff())?.pfn()).ok()?));
        match place.as_ref().map_or_else(saved, |spu| spu.frame(ctx.pgoff())) {
            Some(frame) => ctx.insert_pfn(frame),
            None => ctx.fail(Errno::ENXIO),
        }
    }
}

struct Switch {
    spus: [DeviceMemory; devices::spufs::SPUS],
    store: Arc<Stale>,
}

impl Side<Sim> for Switch {
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        match &*self.store.place.read().unwrap() {
            Some(spu) => spu.read(offset, into).map_err(|_| Errno::EINVAL),
            None => self.store.saved.read(offset, into),
        }
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), Errno> {
        match &*self.store.place.read().unwrap() {
            Some(spu) => spu.write(offset, from).map_err(|_| Errno::EINVAL),
            None => self.store.saved.write(offset, from),
        }
    }

    fn control(&self, _: &mut UnlockedCtx<'_, Sim>, request: u32, argument: u64) -> Result<u64, Errno> {
        if request != devices::spufs::SWITCH {
            return Ok(self.store.place.read().unwrap().is_some().into());
        }
        let to = match argument {
            0 => None,
            spu => Some(self.spus.get(usize::try_from(spu - 1).unwrap()).ok_or(Errno::EINVAL)?.clone()),
        };
        let mut bytes = vec![0; HARDWARE_PAGE];
        self.read(0, &mut bytes)?;
        // What the next context leaves there.
        self.write(0, &vec![0xee; HARDWARE_PAGE])?;
        *self.store.place.write().unwrap() = to;
        self.write(0, &bytes)?;
        Ok(0)
    }
}

#[test]
fn local_store_that_stays_mapped_where_it_was_fails() {
    let machine = Machine::new();
    let count = HARDWARE_PAGE / Sim::PAGE_SIZE;
    let (saved, _) = pages(&machine, count);
    let spus = [(); devices::spufs::SPUS].map(|()| machine.device_memory(PageCount::new(count)).unwrap());
    let store = Arc::new(Stale { place: RwLock::new(None), saved, ram: machine.physical_memory() });
    let side = Switch { spus, store: Arc::clone(&store) };
    let driver = at_mmap(move |ctx| Ok(ctx.shared_only()?.establish_shared(Arc::clone(&store))?.fill_later()));
    fails(&machine, Device::Spufs, driver, side, "after the switch to 1: page 0: byte 0 is 0xee");
}

/// An object that a card moves, and a driver that does not wait for it.
struct Hasty {
    memory: Relocatable<Sim, Place<Sim>>,
    mappings: Mappings<Sim>,
    places: [Place<Sim>; devices::ttm::VRAMS + 1],
    from: Mutex<Option<Place<Sim>>>,
}

impl VmOperations for Hasty {
    type Platform = Sim;
    type Mapping = PfnMap;

    fn fault<'f>(&self, ctx: FaultCtx<'f, Sim, PfnMap>) -> VmFault<'f> {
        self.memory.resident(ctx.may_sleep()).insert(ctx)
    }
}

/// Its file, and the card.
struct HastyFile(Arc<Hasty>);

impl Side<Sim> for HastyFile {
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        self.0.memory.try_resident().ok_or(Errno::EAGAIN)?.location().read(offset, into)
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), Errno> {
        self.0.memory.try_resident().ok_or(Errno::EAGAIN)?.location().write(offset, from)
    }

    fn control(&self, ctx: &mut UnlockedCtx<'_, Sim>, request: u32, argument: u64) -> Result<u64, Errno> {
        let mut from = self.0.from.lock().unwrap();
        if request == devices::ttm::MOVE {
            if from.is_some() {
                return Err(Errno::EBUSY);
            }
            let to = usize::try_from(argument).ok().and_then(|place| self.0.places.get(place)).ok_or(Errno::EINVAL)?;
            *from = Some(self.0.memory.begin_move(ctx.may_sleep()).finish(to.clone()));
            return Ok(0);
        }
        let from = from.take().ok_or(Errno::ENOENT)?;
        let resident = self.0.memory.resident(ctx.may_sleep());
        let mut bytes = vec![0; Sim::PAGE_SIZE * devices::ttm::PAGES];
        from.read(0, &mut bytes)?;
        resident.location().write(0, &bytes)?;
        bytes.fill(0xee);
        from.write(0, &bytes).map(|()| 0)
    }
}

impl MmapFile for HastyFile {
    type Platform = Sim;

    fn mmap<'m>(&self, ctx: MmapCtx<'m, Sim>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.establish_shared(Arc::clone(&self.0))?.fill_later())
    }

    fn mappings(&self) -> Option<&Mappings<Sim>> {
        Some(&self.0.mappings)
    }
}

#[test]
fn a_graphics_object_that_is_shown_before_it_is_there_fails() {
    let machine = Machine::new();
    let count = PageCount::new(devices::ttm::PAGES);
    let system = Place::System(devices::buffer(&SimHost(machine.clone()), 0, count.get()).unwrap());
    let vram = || Place::Vram(machine.device_memory(count).unwrap());
    let mappings = Mappings::new(machine.may_sleep()).unwrap();
    let memory =
        Relocatable::new(system.clone(), mappings.clone(), PageOffset::ZERO, count, machine.may_sleep()).unwrap();
    let places = [system, vram(), vram()];
    let object = Arc::new(Hasty { memory, mappings, places, from: Mutex::default() });
    let file = HastyFile(Arc::clone(&object));
    fails(&machine, Device::Ttm, file, HastyFile(object), "while the card moves it, ");
}

/// A card that never moves an object to where nobody sees it, and says that the object is there all the same, whoever
/// touches it.
struct NeverHidden {
    card: Box<dyn Side<Sim>>,
    hidden: Mutex<[bool; drm::OBJECTS.len()]>,
}

impl Side<Sim> for NeverHidden {
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        self.card.read(offset, into)
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), Errno> {
        self.card.write(offset, from)
    }

    fn control(&self, ctx: &mut UnlockedCtx<'_, Sim>, request: u32, argument: u64) -> Result<u64, Errno> {
        let mut hidden = self.hidden.lock().unwrap();
        for (object, hidden) in hidden.iter_mut().enumerate() {
            for (place, domain) in drm::DOMAINS.iter().enumerate() {
                if (request, argument) == (drm::MOVE, drm::to(object, place)) {
                    *hidden = *domain == Domain::HiddenVideo;
                    // There is always room in RAM.
                    let place = if *hidden { 0 } else { place };
                    return self.card.control(ctx, request, drm::to(object, place));
                }
            }
            if (request, argument, *hidden) == (drm::WHERE, object as u64, true) {
                return Ok(3);
            }
        }
        self.card.control(ctx, request, argument)
    }
}

#[test]
fn a_card_whose_objects_never_come_into_view_fails() {
    let machine = Machine::new();
    let Opened { file, side } = Device::Drm.open(&SimHost(machine.clone())).unwrap();
    let side = Box::new(NeverHidden { card: side, hidden: Mutex::default() });
    let user = user_of(&machine, Opened { file, side });
    // By one thread, which finds the aperture free, and by all of them.
    let because = ["where object 0 is: Ok(3), not Ok(1)", "where object 0 is, touched by all threads: Ok(3), "];
    fails_on(user, Device::Drm, &because);
}
