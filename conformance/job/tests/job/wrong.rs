//! Drivers that are wrong, each in one way, and the scenario that finds it out.

use std::{mem, sync::Arc};

use vmctx::{
    AccessCtx, Accessed, Direction, Errno, FaultCtx, FrameSource, Hooks, Mapped, Mixed, MmapCtx, MmapFile, Normal,
    PageCount, PageOffset, PfnMap, Platform, Remapped, SharedObject, SpinLock, VmFault, VmOperations,
};
use vmctx_conformance::{
    Device, Runner,
    devices::{self, Opened, Own, Side},
    table::Table,
};
use vmctx_drivers::buffer::Buffer;
use vmctx_job::sim::{SimHost, SimUser, user_of};
use vmctx_sim::{self as sim, DeviceMemory, Machine, Sim};

/// Runs a scenario against a driver that is wrong, and wants it to fail for the reason that it is wrong.
pub(crate) fn fails(
    machine: &Machine,
    device: Device,
    driver: impl MmapFile<Platform = Sim>,
    side: impl Side<Sim>,
    because: &str,
) {
    fails_on(user_of(machine, Opened::new(driver, side)), device, &[because]);
}

/// The same with a device that is open already, and all these reasons.
pub(crate) fn fails_on(user: SimUser, device: Device, because: &[&str]) {
    let outcome = Runner::new(2).run_on(&Arc::new(user), device);
    assert!(!outcome.is_ok(), "a driver passes that is wrong: {because:?}");
    let table = Table(&[outcome]).to_string();
    for because in because {
        assert!(table.contains("FAILED") && table.contains(because), "no `{because}` in\n{table}");
    }
}

/// A driver of a few lines: its mmap hook.
pub(crate) struct AtMmap<F>(F);

impl<F> MmapFile for AtMmap<F>
where
    F: for<'m> Fn(MmapCtx<'m, Sim>) -> Result<Mapped<'m>, Errno> + Send + Sync + 'static,
{
    type Platform = Sim;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Sim>) -> Result<Mapped<'m>, Errno> {
        self.0(ctx)
    }
}

pub(crate) fn at_mmap<F>(hook: F) -> AtMmap<F>
where
    F: for<'m> Fn(MmapCtx<'m, Sim>) -> Result<Mapped<'m>, Errno>,
{
    AtMmap(hook)
}

/// What mappings share a state by.
pub(crate) type Ref<T> = <Sim as Platform>::Ref<T>;

pub(crate) fn share<T: Send + Sync + 'static>(machine: &Machine, value: T) -> Ref<T> {
    Sim::share(value, machine.may_sleep()).unwrap()
}

pub(crate) fn pages(machine: &Machine, pages: usize) -> (Ref<Buffer<Sim>>, [Ref<Buffer<Sim>>; 1]) {
    let buffer = devices::buffer(&SimHost(machine.clone()), 0, pages).unwrap();
    (buffer.clone(), [buffer])
}

pub(crate) fn registers(machine: &Machine, pages: usize) -> DeviceMemory {
    devices::registers(&SimHost(machine.clone()), pages).unwrap()
}

#[test]
fn a_kcov_that_inserts_with_a_spin_lock_held_fails_although_its_users_see_nothing_of_it() {
    let machine = Machine::new();
    let (area, side) = pages(&machine, devices::kcov::PAGES);
    let lock = <Sim as Platform>::SpinLock::new((), machine.may_sleep()).unwrap();
    let driver = at_mmap(move |ctx| {
        let _held = lock.lock();
        ctx.writable().without_faults::<Mixed>()?.fill_at_pgoff(area.pages())
    });
    fails(&machine, Device::Kcov, driver, side, "may sleep, and the spin lock taken at");
}

#[test]
fn a_kcov_that_mixes_up_two_pages_fails() {
    let machine = Machine::new();
    let (area, side) = pages(&machine, devices::kcov::PAGES);
    let driver = at_mmap(move |ctx| {
        if ctx.pgoff() != PageOffset::ZERO || ctx.page_count() != area.page_count() {
            return Err(Errno::EINVAL);
        }
        let mut pages = area.pages().to_vec();
        pages.swap(3, 4);
        ctx.writable().without_faults::<Mixed>()?.fill_at_pgoff(&pages)
    });
    fails(&machine, Device::Kcov, driver, side, "page 3, read: byte 0 is");
}

#[test]
fn a_kcov_that_maps_a_copy_fails() {
    let machine = Machine::new();
    let (area, side) = pages(&machine, devices::kcov::PAGES);
    let copy = devices::buffer(&SimHost(machine.clone()), 0, devices::kcov::PAGES).unwrap();
    let driver = at_mmap(move |ctx| {
        if ctx.pgoff() != PageOffset::ZERO || ctx.page_count() != area.page_count() {
            return Err(Errno::EINVAL);
        }
        ctx.writable().without_faults::<Mixed>()?.fill_at_pgoff(copy.pages())
    });
    fails(&machine, Device::Kcov, driver, side, "as the device sees it: byte 0 is");
}

#[test]
fn a_kcov_that_does_not_look_at_the_length_fails() {
    let machine = Machine::new();
    let (area, side) = pages(&machine, devices::kcov::PAGES);
    let driver = at_mmap(move |ctx| ctx.writable().without_faults::<Mixed>()?.fill_at_pgoff(area.pages()));
    fails(&machine, Device::Kcov, driver, side, "mmap of 15 pages at 0, shared: a success, not EINVAL");
}

#[test]
fn a_kcov_that_leaves_it_to_faults_fails() {
    struct Lazy(Ref<Buffer<Sim>>);
    impl VmOperations for Lazy {
        type Platform = Sim;
        type Kind = Mixed;

        fn fault<'f>(&'f self, ctx: FaultCtx<'f, Sim, Mixed>) -> VmFault<'f> {
            match self.0.page(ctx.pgoff()) {
                Some(page) => ctx.insert_page(page),
                None => ctx.fail(Errno::ENXIO),
            }
        }
    }
    let machine = Machine::new();
    let (area, side) = pages(&machine, devices::kcov::PAGES);
    let driver = at_mmap(move |ctx| Ok(ctx.writable().establish(Lazy(area.clone()))?.fill_later()));
    fails(&machine, Device::Kcov, driver, side, "faults of a mapping that mmap has filled: ");
}

#[test]
fn a_display_that_maps_holes_fails() {
    let machine = Machine::new();
    let (buffer, side) = pages(&machine, 1);
    let driver = at_mmap(move |ctx| {
        let ctx = ctx.writable().without_faults::<Mixed>()?.insert_page(&buffer.pages()[0])?;
        Ok(ctx.fill_later())
    });
    fails(&machine, Device::Cfag12864b, driver, side, "mmap of 2 pages at 0, shared: a success, not ENXIO");
}

#[test]
fn a_graphics_buffer_with_the_wrong_cache_attribute_fails() {
    let machine = Machine::new();
    let (object, side) = pages(&machine, devices::rockchip_gem::PAGES);
    let driver = at_mmap(move |ctx| ctx.writable().without_faults::<Mixed>()?.fill_at_pgoff(object.pages()));
    fails(&machine, Device::RockchipGem, driver, side, "cache attribute of page 0: WriteBack, not WriteCombine");
}

/// A relay that is wrong in how it answers.
struct Relay {
    buffer: Ref<Buffer<Sim>>,
    answer: for<'f> fn(&Buffer<Sim>, FaultCtx<'f, Sim, Normal>) -> VmFault<'f>,
}

impl VmOperations for Relay {
    type Platform = Sim;
    type Kind = Normal;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Sim, Normal>) -> VmFault<'f> {
        (self.answer)(&self.buffer, ctx)
    }
}

fn relay_fails(answer: for<'f> fn(&Buffer<Sim>, FaultCtx<'f, Sim, Normal>) -> VmFault<'f>, because: &str) {
    let machine = Machine::new();
    let (buffer, side) = pages(&machine, devices::relay::PAGES);
    let driver = at_mmap(move |ctx| {
        if ctx.page_count() != buffer.page_count() {
            return Err(Errno::EINVAL);
        }
        Ok(ctx.writable().establish(Relay { buffer: buffer.clone(), answer })?.fill_later())
    });
    fails(&machine, Device::Relay, driver, side, because);
}

#[test]
fn a_relay_that_leaks_a_reference_fails() {
    relay_fails(
        |buffer, ctx| match buffer.page(ctx.pgoff()) {
            Some(page) => {
                mem::forget(page.clone());
                ctx.deliver(page.clone())
            }
            None => ctx.fail(Errno::ENXIO),
        },
        "references of the pages after munmap: ",
    );
}

#[test]
fn a_relay_that_begins_anew_behind_its_end_fails() {
    relay_fails(
        |buffer, ctx| match buffer.pages().iter().cycle().nth(ctx.pgoff().index() % 1024) {
            Some(page) => ctx.deliver(page.clone()),
            None => ctx.fail(Errno::ENXIO),
        },
        "page 5, read: a success, not SIGBUS at 0x",
    );
}

#[test]
fn a_relay_that_serves_nothing_fails() {
    relay_fails(|_, ctx| ctx.fail(Errno::EIO), "page 0, read: SIGBUS at 0x");
}

#[test]
fn a_relay_that_is_never_ready_fails_and_does_not_hang() {
    relay_fails(|_, ctx| ctx.fail_or_refault(Errno::EAGAIN), "nothing ever changed");
}

#[test]
fn an_interrupt_controller_that_shows_everything_fails() {
    struct Open(DeviceMemory);
    impl VmOperations for Open {
        type Platform = Sim;
        type Kind = PfnMap;

        fn fault<'f>(&'f self, ctx: FaultCtx<'f, Sim, PfnMap>) -> VmFault<'f> {
            match self.0.frame(ctx.pgoff()) {
                Some(frame) => ctx.insert_pfn(frame),
                None => ctx.fail(Errno::ENXIO),
            }
        }
    }
    let machine = Machine::new();
    let bar = registers(&machine, devices::xive::PAGES);
    let side = Own(bar.clone());
    let driver = at_mmap(move |ctx| Ok(ctx.writable().establish(Open(bar.clone()))?.fill_later()));
    fails(&machine, Device::Xive, driver, side, "page 0, read: a success, not SIGBUS at 0x");
}

#[test]
fn a_file_that_cannot_be_mapped_at_all_fails() {
    let machine = Machine::new();
    let memory = registers(&machine, devices::dax::BLOCKS);
    let driver = at_mmap(|_| Err(Errno::ENODEV));
    fails(&machine, Device::Dax, driver, Own(memory), "mmap of 10 pages at 0, private: ENODEV");
}

/// Memory of which the first page is mapped, wherever the user asks for it.
struct FirstPage(DeviceMemory);

impl MmapFile for FirstPage {
    type Platform = Sim;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Sim>) -> Result<Mapped<'m>, Errno> {
        let frames = self.0.range(PageOffset::ZERO, PageCount::new(1)).ok_or(Errno::EINVAL)?;
        ctx.writable().without_faults::<Remapped>()?.remap_from_first(frames)
    }
}

#[test]
fn a_device_of_which_nobody_knows_the_memory_fails() {
    let machine = Machine::new();
    let memory = registers(&machine, devices::dev_mem::PAGES);
    let side = Own(memory.clone());
    let driver = FirstPage(memory);
    fails(&machine, Device::DevMem, driver, side, "physical memory: ENOTTY");
}

/// A device of the main job whose file is another one.
fn with_file<F>(machine: &Machine, device: Device, hook: F) -> SimUser
where
    F: for<'m> Fn(MmapCtx<'m, Sim>) -> Result<Mapped<'m>, Errno> + Send + Sync + 'static,
{
    let side = device.open(&SimHost(machine.clone())).unwrap().side;
    user_of(machine, Opened { file: Box::new(at_mmap(hook)), side })
}

/// What shows the pattern of the device's memory from page `first` on, as pages of nobody.
fn copies(machine: &Machine, first: usize, pages: usize) -> Vec<sim::Page> {
    devices::buffer(&SimHost(machine.clone()), first, pages).unwrap().pages().to_vec()
}

#[test]
fn a_matrix_that_is_not_drawn_on_fails() {
    // Its user draws on a page that the display does not look at.
    let machine = Machine::new();
    let copy = copies(&machine, 0, 1);
    let user = with_file(&machine, Device::Ht16k33, move |ctx| {
        ctx.writable().without_faults::<Mixed>()?.fill_from_first(&copy)
    });
    fails_on(user, Device::Ht16k33, &["what was drawn is sent: Ok(0), not Ok(42949672965)"]);
}

/// How these pages are mapped.
type MapPages = for<'m> fn(MmapCtx<'m, Sim>, &[sim::Page]) -> Result<Mapped<'m>, Errno>;

/// The objects of the other domain's display, wrong in how they are mapped.
fn xen_fails(map: MapPages, because: &str) {
    let objects = devices::xen_drm_front_gem::OBJECTS;
    let machine = Machine::new();
    let buffers = [
        devices::buffer(&SimHost(machine.clone()), 0, 9).unwrap(),
        devices::buffer(&SimHost(machine.clone()), 9, 4).unwrap(),
    ];
    let user = with_file(&machine, Device::XenDrmFrontGem, move |ctx| {
        let found = objects.iter().position(|(at, pages)| *at == ctx.pgoff() && ctx.page_count().get() <= *pages);
        map(ctx, found.and_then(|index| buffers.get(index)).ok_or(Errno::EINVAL)?.pages())
    });
    fails_on(user, Device::XenDrmFrontGem, &[because]);
}

#[test]
fn shared_graphics_buffers_that_are_wrong_fail() {
    xen_fails(
        |ctx, pages| ctx.writable().without_faults::<Mixed>()?.fill_at_pgoff(pages),
        "9 pages at 16, shared: ENXIO",
    );
    // The DRM core asks for write-combining.
    xen_fails(
        |ctx, pages| ctx.writable().write_combine().without_faults::<Mixed>()?.fill_from_first(pages),
        "cache attribute of page 0: WriteCombine, not WriteBack",
    );
    xen_fails(
        |ctx, pages| ctx.writable().without_faults::<Mixed>()?.may_expand().fill_from_first(pages),
        // There is room behind it, where Linux does not grow it, and does not move it then.
        "one page more by mremap: ENOMEM: out of memory, not EFAULT",
    );
    // Its mappings do not keep the object alive.
    xen_fails(
        |ctx, pages| ctx.writable().without_faults::<Mixed>()?.fill_from_first(pages),
        "pages that the backend is at: Ok(4), not Ok(13)",
    );
}

#[test]
fn a_stream_with_a_buffer_for_everybody_fails() {
    let machine = Machine::new();
    let memory = machine.clone();
    let user = with_file(&machine, Device::FirewireIso, move |ctx| {
        let pages = Buffer::<Sim>::alloc(&memory, ctx.page_count(), ctx.may_sleep())?;
        ctx.shared_only()?.writable().without_faults::<Mixed>()?.fill_from_first(pages.pages())
    });
    fails_on(
        user,
        Device::FirewireIso,
        &[
            "mmap of 6 pages at 0, shared: a success, not EBUSY",
            "mmap of 6 pages at 0, shared: a success, not EPERM",
            "its transmission: EINVAL",
        ],
    );
}

#[test]
fn dma_memory_that_is_always_cached_fails() {
    let user = {
        let machine = Machine::new();
        let (buffer, side) = pages(&machine, devices::dma_iommu::PAGES);
        let file = at_mmap(move |ctx| ctx.writable().without_faults::<Mixed>()?.fill_at_pgoff(buffer.pages()));
        let device = || {
            Opened::new(at_mmap(|_| Err(Errno::ENODEV)), [devices::buffer(&SimHost(machine.clone()), 0, 1).unwrap()])
        };
        let devices = [device(), Opened::new(file, side), device(), device()];
        user_of(&machine, devices::Choice::open(devices, machine.may_sleep()).unwrap())
    };
    fails_on(user, Device::DmaIommu, &["cache attribute of page 4: WriteBack, not Noncached"]);
}

/// What is decided before pages are mapped.
type Prepare = for<'m> fn(MmapCtx<'m, Sim>) -> Result<MmapCtx<'m, Sim, Mixed>, Errno>;

/// Grants that are wrong in what becomes of their mapping.
fn grants_fail(prepare: Prepare, because: &[&str]) {
    let machine = Machine::new();
    let foreign = copies(&machine, 0, devices::gntdev::FOREIGN);
    let user = with_file(&machine, Device::Gntdev, move |ctx| {
        let first = match (ctx.pgoff().index(), ctx.page_count().get()) {
            (0, 5) => 9,
            (5, 3) => 2,
            _ => return Err(Errno::EINVAL),
        };
        let upwards = foreign.iter().take(first + 1).skip(first + 1 - ctx.page_count().get());
        let pages: Vec<_> = upwards.rev().cloned().collect();
        prepare(ctx)?.fill_from_first(&pages)
    });
    fails_on(user, Device::Gntdev, because);
}

#[test]
fn grants_that_are_copied_or_cut_fail() {
    grants_fail(|ctx| ctx.writable().without_faults(), &["the child's load: a success, not SIGSEGV at 0x"]);
    grants_fail(
        |ctx| Ok(ctx.dont_copy().writable().without_faults::<Mixed>()?.may_expand()),
        &[
            "munmap of one page: a success, not EINVAL",
            "5 pages at 0, private: a success, not EINVAL",
            "one page more by mremap: a success, not EFAULT",
            "grants mapped: Ok(0), not Ok(5)",
            "a byte whose clearing is asked for: [183], not [0]",
        ],
    );
}

#[test]
fn a_hypercall_buffer_that_all_mappings_share_fails() {
    let machine = Machine::new();
    let (memory, shared) = (machine.clone(), std::sync::Mutex::new(Vec::new()));
    let user = with_file(&machine, Device::PrivcmdBuf, move |ctx| {
        let mut pages = shared.lock().unwrap();
        while pages.len() < ctx.page_count().get() {
            pages.push(memory.alloc_page()?);
        }
        ctx.shared_only()?.io().writable().without_faults::<Mixed>()?.fill_from_first(&pages)
    });
    fails_on(
        user,
        Device::PrivcmdBuf,
        &[
            "the other buffer: page 0: byte 0 is 0x01, not 0x00",
            "pages of one buffer: Ok(0), not Ok(7)",
            "what the hypervisor has read: Err(EINVAL)",
        ],
    );
}

#[test]
fn a_ring_that_nobody_counts_fails() {
    // It maps memory of its own, so its user finds no packet.
    let machine = Machine::new();
    let (memory, both) = (machine.clone(), [6, 12]);
    let user = with_file(&machine, Device::AfPacket, move |ctx| {
        if ctx.pgoff() != PageOffset::ZERO || !both.contains(&ctx.page_count().get()) {
            return Err(Errno::EINVAL);
        }
        let pages = Buffer::<Sim>::alloc(&memory, ctx.page_count(), ctx.may_sleep())?;
        ctx.writable().without_faults::<Mixed>()?.fill_from_first(pages.pages())
    });
    fails_on(
        user,
        Device::AfPacket,
        &[
            "places where it is mapped: Ok(0), not Ok(1)",
            "no ring to receive: Ok(0), not Err(EBUSY)",
            "the first frame of all: [0], not [1]",
        ],
    );
}

/// How a debugger is answered.
type Answer = for<'a> fn(&'a Reached, AccessCtx<'a, Sim, Remapped>) -> Result<Accessed<'a>, Errno>;

/// Physical memory, with an access hook that is wrong.
struct Reached {
    memory: DeviceMemory,
    answer: Answer,
}

impl Reached {
    fn access<'a>(&'a self, ctx: AccessCtx<'a, Sim, Remapped>) -> Result<Accessed<'a>, Errno> {
        (self.answer)(self, ctx)
    }
}

impl VmOperations for Reached {
    type Platform = Sim;
    type Kind = Remapped;
    const HOOKS: Hooks<Self> = Hooks::NONE.access(Self::access);
}

/// The file of physical memory that a debugger reaches so.
struct PhysicalMemory {
    memory: DeviceMemory,
    answer: Answer,
}

impl MmapFile for PhysicalMemory {
    type Platform = Sim;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Sim>) -> Result<Mapped<'m>, Errno> {
        let frames = self.memory.range(ctx.pgoff(), ctx.page_count()).ok_or(Errno::EINVAL)?;
        let state = Reached { memory: self.memory.clone(), answer: self.answer };
        ctx.writable().establish(state)?.remap_from_first(frames)
    }
}

fn debugged_fails(answer: Answer, because: &str) {
    let machine = Machine::new();
    let side = Device::DevMem.open(&SimHost(machine.clone())).unwrap().side;
    let file = PhysicalMemory { memory: machine.physical_memory(), answer };
    fails_on(user_of(&machine, Opened { file: Box::new(file), side }), Device::DevMem, &[because]);
}

#[test]
fn an_access_hook_that_debuggers_notice_fails() {
    debugged_fails(|_, _| Err(Errno::EIO), "a debugger's load of two pages: (Err(Errno(EIO)), ");
    // The place in the device is not the place in the mapping.
    debugged_fails(
        |reached, ctx| ctx.copy_iomem(&reached.memory, PageOffset::new(ctx.pgoff().index() + 1)),
        "a debugger's load of two pages: (Ok(()), ",
    );
    // It says that it has stored, and has not.
    debugged_fails(
        |_, ctx| {
            if !ctx.is_write() {
                return ctx.copy_mapped();
            }
            match ctx.direction() {
                Direction::Write(from) => Ok(from.copy_to_slice(&mut [0; 8])),
                Direction::Read(_) => Err(Errno::EIO),
            }
        },
        "what a debugger has stored: (Ok(()), ",
    );
    // RAM is not device memory, and a debugger reaches neither as the other.
    debugged_fails(|reached, ctx| ctx.copy_iomem(&reached.memory, ctx.pgoff()), "a debugger's load of RAM: (Ok(()), ");
}

/// The probe of rights, with its mmap hook changed on the way in.
fn rights_fail<F>(change: F, because: &str)
where
    F: for<'m> Fn(MmapCtx<'m, Sim>) -> Result<MmapCtx<'m, Sim>, Errno> + Send + Sync + 'static,
{
    let machine = Machine::new();
    let Opened { file, side } = Device::Rights.open(&SimHost(machine.clone())).unwrap();
    let changed = Changed { file, change };
    fails_on(user_of(&machine, Opened { file: Box::new(changed), side }), Device::Rights, &[because]);
}

struct Changed<F> {
    file: Box<dyn MmapFile<Platform = Sim>>,
    change: F,
}

impl<F> MmapFile for Changed<F>
where
    F: for<'m> Fn(MmapCtx<'m, Sim>) -> Result<MmapCtx<'m, Sim>, Errno> + Send + Sync + 'static,
{
    type Platform = Sim;

    fn object(&self) -> Option<&SharedObject<Sim>> {
        self.file.object()
    }

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Sim>) -> Result<Mapped<'m>, Errno> {
        self.file.mmap((self.change)(ctx)?)
    }
}

#[test]
fn rights_that_were_not_to_be_there_and_some_that_were() {
    rights_fail(|ctx| Ok(ctx.writable()), "mmap of 6 pages at 21, shared: a success, not EPERM");
    rights_fail(|ctx| ctx.read_only(), "PagesAtMmap: mprotect to write: EACCES");
    rights_fail(|ctx| Ok(ctx.noncached()), "PagesAtMmap, first: cache attribute: Noncached, not WriteBack");
    rights_fail(|ctx| ctx.shared_only(), "mmap of 6 pages at 21, private, read-only: EINVAL");
}
