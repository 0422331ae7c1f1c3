//! Drivers that are wrong about memory that moves, or about whom they unmap.

use std::{
    mem,
    sync::{Mutex, RwLock},
};

use vmctx::{
    Errno, FaultCtx, FrameSource, Hooks, Iomem, Mapped, MmapCtx, MmapFile, PageCount, PageOffset, PfnMap, Platform,
    Revocable, SharedObject, UnlockedCtx, VmFault, VmOperations,
};
use vmctx_conformance::{
    Device,
    devices::{self, Opened, Side, drm},
};
use vmctx_drivers::{buffer::Buffer, drm::Domain, spufs::hardware_page, ttm::Place};
use vmctx_job::sim::{SimHost, user_of};
use vmctx_sim::{DeviceMemory, Machine, Sim};

use crate::wrong::{Ref, at_mmap, fails, fails_on, pages, share};

/// A file that does not say which object it maps: nobody finds its mappings to unmap them.
struct Unfound(Box<dyn MmapFile<Platform = Sim>>);

impl MmapFile for Unfound {
    type Platform = Sim;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Sim>) -> Result<Mapped<'m>, Errno> {
        self.0.mmap(ctx)
    }
}

#[test]
fn a_driver_that_unmaps_where_nobody_is_fails() {
    for (device, because) in [
        (Device::Nopage, "truncated: page 4: a success, not SIGBUS at 0x"),
        (Device::FbDefio, "pages noted after a store behind a flush: Ok(0), not Ok(1)"),
        // Memory that can be taken back is not even mapped where it could not be found to be unmapped.
        (Device::CacheDisabled, ": EINVAL"),
        (Device::Vvar, ": EINVAL"),
        (Device::DrmGemShmem, ": EINVAL"),
        (Device::Nonlinear, ": EINVAL"),
        (Device::I915, ": EINVAL"),
        (Device::VfioPci, ": EINVAL"),
        (Device::SgxVepc, ": EINVAL"),
        (Device::Spufs, ": EINVAL"),
        (Device::Drm, ": EINVAL"),
        (Device::Ttm, ": EINVAL"),
        (Device::Dax, ": EINVAL"),
        (Device::Cramfs, ": EINVAL"),
        (Device::Hugetlb, ": EINVAL"),
        (Device::PageCache, ": EINVAL"),
    ] {
        let machine = Machine::new();
        let Opened { file, side } = device.open(&SimHost(machine.clone())).unwrap();
        let user = user_of(&machine, Opened { file: Box::new(Unfound(file)), side });
        fails_on(user, device, &[because]);
    }
}

/// Local store that is copied, but left mapped where it was.
struct Stale {
    spus: [DeviceMemory; devices::spufs::SPUS],
    /// The unit that has it, if one has.
    on: RwLock<Option<usize>>,
    saved: Ref<Buffer<Sim>>,
    ram: DeviceMemory,
}

impl Stale {
    /// Its memory, if a unit has it.
    fn spu(&self, on: Option<usize>) -> Option<&DeviceMemory> {
        self.spus.get(on?)
    }
}

impl VmOperations for Stale {
    type Platform = Sim;
    type Kind = PfnMap;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Sim, PfnMap>) -> VmFault<'f> {
        let on = self.on.read().unwrap();
        let saved = || self.ram.frame(PageOffset::new(usize::try_from(self.saved.page(ctx.pgoff())?.pfn()).ok()?));
        match self.spu(*on).map_or_else(saved, |spu| spu.frame(ctx.pgoff())) {
            Some(frame) => ctx.insert_pfn(frame),
            None => ctx.fail(Errno::ENXIO),
        }
    }
}

struct Switch(Ref<Stale>);

impl Side<Sim> for Switch {
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        let on = self.0.on.read().unwrap();
        match self.0.spu(*on) {
            Some(spu) => spu.read(offset, into).map_err(|_| Errno::EINVAL),
            None => self.0.saved.read(offset, into),
        }
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), Errno> {
        let on = self.0.on.read().unwrap();
        match self.0.spu(*on) {
            Some(spu) => spu.write(offset, from).map_err(|_| Errno::EINVAL),
            None => self.0.saved.write(offset, from),
        }
    }

    fn control(&self, _: &mut UnlockedCtx<'_, Sim>, request: u32, argument: u64) -> Result<u64, Errno> {
        if request != devices::spufs::SWITCH {
            return Ok(self.0.on.read().unwrap().is_some().into());
        }
        let to = match argument {
            0 => None,
            spu => Some(usize::try_from(spu - 1).ok().filter(|spu| *spu < self.0.spus.len()).ok_or(Errno::EINVAL)?),
        };
        let mut bytes = vec![0; hardware_page(Sim::PAGE_SIZE)];
        self.read(0, &mut bytes)?;
        // What the next context leaves there.
        self.write(0, &vec![0xee; hardware_page(Sim::PAGE_SIZE)])?;
        *self.0.on.write().unwrap() = to;
        self.write(0, &bytes)?;
        Ok(0)
    }
}

#[test]
fn local_store_that_stays_mapped_where_it_was_fails() {
    let machine = Machine::new();
    let count = hardware_page(Sim::PAGE_SIZE) / Sim::PAGE_SIZE;
    let (saved, _) = pages(&machine, count);
    let spus = [(); devices::spufs::SPUS].map(|()| machine.device_memory(PageCount::new(count)).unwrap());
    let store = share(&machine, Stale { spus, on: RwLock::new(None), saved, ram: machine.physical_memory() });
    let side = Switch(store.clone());
    let driver = at_mmap(move |ctx| Ok(ctx.shared_only()?.writable().establish_shared(store.clone())?.fill_later()));
    fails(&machine, Device::Spufs, driver, side, "after the switch to 1: page 0: byte 0 is 0xee");
}

/// An object that a card moves, and a driver that does not wait for it.
struct Hasty {
    memory: Revocable<Sim, Place<Sim>>,
    mappings: SharedObject<Sim>,
    places: [Place<Sim>; devices::ttm::VRAMS + 1],
    from: Mutex<Option<Place<Sim>>>,
}

impl VmOperations for Hasty {
    type Platform = Sim;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> = Hooks::NONE.object(|object: &Self| Some(&object.mappings));

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Sim, PfnMap>) -> VmFault<'f> {
        self.memory.resident(ctx.may_sleep()).insert(ctx)
    }
}

/// Its file, and the card.
struct HastyFile(Ref<Hasty>);

impl Side<Sim> for HastyFile {
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        self.0.memory.try_resident().ok_or(Errno::EAGAIN)?.read(offset, into)
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), Errno> {
        self.0.memory.try_resident().ok_or(Errno::EAGAIN)?.write(offset, from)
    }

    fn control(&self, ctx: &mut UnlockedCtx<'_, Sim>, request: u32, argument: u64) -> Result<u64, Errno> {
        let mut from = self.0.from.lock().unwrap();
        if request == devices::ttm::MOVE {
            if from.is_some() {
                return Err(Errno::EBUSY);
            }
            let to = usize::try_from(argument).ok().and_then(|place| self.0.places.get(place)).ok_or(Errno::EINVAL)?;
            *from = Some(mem::replace(&mut *self.0.memory.revoke(ctx.may_sleep()), to.clone()));
            return Ok(0);
        }
        let from = from.take().ok_or(Errno::ENOENT)?;
        let resident = self.0.memory.resident(ctx.may_sleep());
        let mut bytes = vec![0; Sim::PAGE_SIZE * devices::ttm::PAGES];
        from.read(0, &mut bytes)?;
        resident.write(0, &bytes)?;
        bytes.fill(0xee);
        from.write(0, &bytes).map(|()| 0)
    }
}

impl MmapFile for HastyFile {
    type Platform = Sim;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Sim>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.writable().establish_shared(self.0.clone())?.fill_later())
    }

    fn object(&self) -> Option<&SharedObject<Sim>> {
        Some(&self.0.mappings)
    }
}

#[test]
fn a_graphics_object_that_is_shown_before_it_is_there_fails() {
    let machine = Machine::new();
    let count = PageCount::new(devices::ttm::PAGES);
    let system = Place::System(devices::buffer(&SimHost(machine.clone()), 0, count.get()).unwrap());
    let vram = || Place::Vram(machine.device_memory(count).unwrap());
    let mappings = SharedObject::new(machine.may_sleep()).unwrap();
    let memory = Revocable::new(system.clone(), &mappings, count, machine.may_sleep()).unwrap();
    let places = [system, vram(), vram()];
    let object = share(&machine, Hasty { memory, mappings, places, from: Mutex::default() });
    let file = HastyFile(object.clone());
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
