//! The main job: right drivers pass, each kind of wrong one fails, and the program says so.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::{
    mem,
    process::{Command, Output},
    sync::Arc,
};

use vmctx::{
    Errno, FaultCtx, FrameSource, Mapped, Mixed, MmapCtx, MmapFile, Normal, PageCount, PageOffset, PfnMap, Remapped,
    VmFault, VmOperations,
    sim::{DeviceMemory, Injection, Machine, Sim},
};
use vmctx_drivers::{
    buffer::Buffer,
    demo::{self, Opened, Own, Side},
    job::{
        self, Device, Outcome,
        sim::{SimSite, SimUser},
        table::Table,
        user::{Map, Refusal, User},
    },
};

#[test]
fn every_driver_passes() {
    for threads in [1, 8] {
        for device in Device::ALL {
            let outcome = job::run(&SimSite, *device, threads);
            assert!(outcome.is_ok(), "{threads} threads:\n{}", Table(&[outcome]));
        }
    }
}

#[test]
fn nothing_is_left_behind() {
    for device in Device::ALL {
        let user = SimUser::open(*device).unwrap();
        let before = user.machine().statistics();
        assert!(job::run_on(&user, *device, 4).is_ok());
        let after = user.machine().statistics();
        assert_eq!(
            (after.frames_in_use, after.references, after.page_tables_in_use),
            (before.frames_in_use, before.references, 0),
            "{}: frames, references, page tables",
            device.name()
        );
    }
}

/// What the devices that mmap fills are mapped with, and how many insertions that takes.
const EAGER: [(Device, Map); 5] = [
    (Device::Kcov, Map::shared(demo::kcov::PAGES)),
    (Device::Cfag12864b, Map::shared(1)),
    (Device::RockchipGem, Map::shared(demo::rockchip_gem::PAGES)),
    (Device::Vgem, Map::shared(demo::vgem::EAGER.pages).at(demo::vgem::EAGER.fake_offset)),
    // A page of no device: set below.
    (Device::DevMem, Map::shared(demo::dev_mem::PAGES)),
];

#[test]
fn a_mmap_fails_with_the_errno_of_any_insertion_and_undoes_the_others() {
    for (device, map) in EAGER {
        for errno in [Errno::EBUSY, Errno::ENOMEM, Errno::EINVAL] {
            for after in 0..map.pages {
                let user = SimUser::open(device).unwrap();
                let map = if device == Device::DevMem {
                    let registers = user.control(demo::dev_mem::REGISTERS, 0).unwrap();
                    map.at(PageOffset::new(usize::try_from(registers).unwrap()))
                } else {
                    map
                };
                let before = user.machine().statistics();
                user.machine().inject(Injection::Insertion { after, errno });
                assert_eq!(user.map(map), Err(Refusal::Errno(errno)), "{}: insertion {after}", device.name());
                let now = user.machine().statistics();
                assert_eq!(now.references, before.references, "{}: after insertion {after} failed", device.name());
                assert!(user.map(map).is_ok(), "{}: the error happens once", device.name());
            }
        }
    }
}

#[test]
fn an_entry_that_is_there_already_is_a_success_in_every_fault() {
    for (device, map) in [
        (Device::Vgem, Map::shared(1).at(demo::vgem::LAZY.fake_offset)),
        (Device::Dax, Map::shared(1)),
        (Device::Xive, Map::shared(1).at(vmctx_drivers::xive::ESB)),
    ] {
        let user = SimUser::open(device).unwrap();
        let at = user.map(map).unwrap();
        user.machine().inject(Injection::Insertion { after: 0, errno: Errno::EBUSY });
        // A load would be served by `map_pages`, where there is one.
        user.write(at, &[0]).unwrap();
        let answers = user.machine().statistics().answers;
        assert_eq!((answers.nopage, answers.sigbus), (2, 0), "{}: answered, then repeated", device.name());
    }
}

// ---- Wrong drivers ------------------------------------------------------------------------------------------------

/// Runs a scenario against a driver that is wrong, and wants it to fail for the reason that it is wrong.
fn fails(
    machine: &Machine,
    device: Device,
    driver: impl MmapFile<Platform = Sim>,
    side: impl Side<Sim>,
    because: &str,
) {
    let outcome = job::run_on(&SimUser::new(machine, Opened::new(driver, side)), device, 2);
    assert!(!outcome.is_ok(), "a driver passes that is wrong: {because}");
    let table = Table(&[outcome]).to_string();
    assert!(table.contains("FAILED") && table.contains(because), "no `{because}` in\n{table}");
}

/// A driver of a few lines: its mmap hook.
struct AtMmap<F>(F);

impl<F> MmapFile for AtMmap<F>
where
    F: for<'m> Fn(MmapCtx<'m, Sim>) -> Result<Mapped<'m>, Errno> + Send + Sync + 'static,
{
    type Platform = Sim;

    fn mmap<'m>(&self, ctx: MmapCtx<'m, Sim>) -> Result<Mapped<'m>, Errno> {
        self.0(ctx)
    }
}

fn at_mmap<F>(hook: F) -> AtMmap<F>
where
    F: for<'m> Fn(MmapCtx<'m, Sim>) -> Result<Mapped<'m>, Errno>,
{
    AtMmap(hook)
}

fn pages(machine: &Machine, pages: usize) -> (Arc<Buffer<Sim>>, [Arc<Buffer<Sim>>; 1]) {
    let buffer = demo::buffer(machine, 0, pages).unwrap();
    (Arc::clone(&buffer), [buffer])
}

fn registers(machine: &Machine, pages: usize) -> DeviceMemory {
    demo::registers(machine, pages).unwrap()
}

#[test]
fn a_kcov_that_mixes_up_two_pages_fails() {
    let machine = Machine::new();
    let (area, side) = pages(&machine, demo::kcov::PAGES);
    let driver = at_mmap(move |ctx| {
        if ctx.pgoff() != PageOffset::ZERO || ctx.page_count() != area.page_count() {
            return Err(Errno::EINVAL);
        }
        let mut pages = area.pages().to_vec();
        pages.swap(3, 4);
        ctx.dont_expand().populate::<Mixed>()?.map_pages(&pages)
    });
    fails(&machine, Device::Kcov, driver, side, "page 3, read: byte 0 is");
}

#[test]
fn a_kcov_that_maps_a_copy_fails() {
    let machine = Machine::new();
    let (area, side) = pages(&machine, demo::kcov::PAGES);
    let copy = demo::buffer(&machine, 0, demo::kcov::PAGES).unwrap();
    let driver = at_mmap(move |ctx| {
        if ctx.pgoff() != PageOffset::ZERO || ctx.page_count() != area.page_count() {
            return Err(Errno::EINVAL);
        }
        ctx.dont_expand().populate::<Mixed>()?.map_pages(copy.pages())
    });
    fails(&machine, Device::Kcov, driver, side, "as the device sees it: byte 0 is");
}

#[test]
fn a_kcov_that_does_not_look_at_the_length_fails() {
    let machine = Machine::new();
    let (area, side) = pages(&machine, demo::kcov::PAGES);
    let driver = at_mmap(move |ctx| ctx.dont_expand().populate::<Mixed>()?.map_pages(area.pages()));
    fails(&machine, Device::Kcov, driver, side, "mmap of 15 pages at 0, shared: a success, not EINVAL");
}

#[test]
fn a_kcov_that_leaves_it_to_faults_fails() {
    struct Lazy(Arc<Buffer<Sim>>);
    impl VmOperations for Lazy {
        type Platform = Sim;
        type Mapping = Mixed;

        fn fault<'f>(&self, ctx: FaultCtx<'f, Sim, Mixed>) -> VmFault<'f> {
            match self.0.page(ctx.pgoff()) {
                Some(page) => ctx.insert_page(page),
                None => ctx.fail(Errno::ENXIO),
            }
        }
    }
    let machine = Machine::new();
    let (area, side) = pages(&machine, demo::kcov::PAGES);
    let driver = at_mmap(move |ctx| Ok(ctx.establish(Lazy(Arc::clone(&area)))?.fill_later()));
    fails(&machine, Device::Kcov, driver, side, "faults of a mapping that mmap has filled: ");
}

#[test]
fn a_display_that_maps_holes_fails() {
    let machine = Machine::new();
    let (buffer, side) = pages(&machine, 1);
    let driver = at_mmap(move |ctx| {
        let ctx = ctx.populate::<Mixed>()?.insert_page(&buffer.pages()[0])?;
        Ok(ctx.fill_later())
    });
    fails(&machine, Device::Cfag12864b, driver, side, "mmap of 2 pages at 0, shared: a success, not ENXIO");
}

#[test]
fn a_graphics_buffer_with_the_wrong_cache_attribute_fails() {
    let machine = Machine::new();
    let (object, side) = pages(&machine, demo::rockchip_gem::PAGES);
    let driver = at_mmap(move |ctx| ctx.dont_expand().populate::<Mixed>()?.map_pages(object.pages()));
    fails(&machine, Device::RockchipGem, driver, side, "cache attribute of page 0: WriteBack, not WriteCombine");
}

/// A relay that is wrong in how it answers.
struct Relay {
    buffer: Arc<Buffer<Sim>>,
    answer: for<'f> fn(&Buffer<Sim>, FaultCtx<'f, Sim, Normal>) -> VmFault<'f>,
}

impl VmOperations for Relay {
    type Platform = Sim;
    type Mapping = Normal;

    fn fault<'f>(&self, ctx: FaultCtx<'f, Sim, Normal>) -> VmFault<'f> {
        (self.answer)(&self.buffer, ctx)
    }
}

fn relay_fails(answer: for<'f> fn(&Buffer<Sim>, FaultCtx<'f, Sim, Normal>) -> VmFault<'f>, because: &str) {
    let machine = Machine::new();
    let (buffer, side) = pages(&machine, demo::relay::PAGES);
    let driver = at_mmap(move |ctx| {
        if ctx.page_count() != buffer.page_count() {
            return Err(Errno::EINVAL);
        }
        Ok(ctx.dont_expand().establish(Relay { buffer: Arc::clone(&buffer), answer })?.fill_later())
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
        type Mapping = PfnMap;

        fn fault<'f>(&self, ctx: FaultCtx<'f, Sim, PfnMap>) -> VmFault<'f> {
            match self.0.frame(ctx.pgoff()) {
                Some(frame) => ctx.insert_pfn(frame),
                None => ctx.fail(Errno::ENXIO),
            }
        }
    }
    let machine = Machine::new();
    let bar = registers(&machine, demo::xive::PAGES);
    let side = Own(bar.clone());
    let driver = at_mmap(move |ctx| Ok(ctx.establish(Open(bar.clone()))?.fill_later()));
    fails(&machine, Device::Xive, driver, side, "page 0, read: a success, not SIGBUS at 0x");
}

#[test]
fn a_file_that_cannot_be_mapped_at_all_fails() {
    let machine = Machine::new();
    let memory = registers(&machine, demo::dax::BLOCKS);
    let driver = at_mmap(|_| Err(Errno::ENODEV));
    fails(&machine, Device::Dax, driver, Own(memory), "mmap of 10 pages at 0, private: ENODEV");
}

#[test]
fn a_device_of_which_nobody_knows_the_memory_fails() {
    let machine = Machine::new();
    let memory = registers(&machine, demo::dev_mem::PAGES);
    let side = Own(memory.clone());
    let driver = at_mmap(move |ctx| {
        let frames = memory.range(PageOffset::ZERO, PageCount::new(1)).ok_or(Errno::EINVAL)?;
        ctx.populate::<Remapped>()?.remap_all(frames)
    });
    fails(&machine, Device::DevMem, driver, side, "physical memory: ENOTTY");
}

// ---- The program --------------------------------------------------------------------------------------------------

fn program(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vmctx-drivers")).args(arguments).output().unwrap()
}

fn printed(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn the_program_runs_every_driver_and_prints_one_line_each() {
    let output = program(&[]);
    assert_eq!(output.status.code(), Some(0), "{}", printed(&output.stdout));
    let mut lines = printed(&output.stdout).lines();
    assert!(lines.next().unwrap().starts_with("driver"));
    for (device, line) in Device::ALL.iter().zip(&mut lines) {
        assert!(line.starts_with(device.name()) && line.contains("  ok, "), "{line}");
    }
    assert_eq!(lines.next(), None);
    assert_eq!(printed(&output.stderr), "", "no progress into a pipe");
}

#[test]
fn the_program_runs_the_drivers_that_are_named() {
    let output = program(&["relay", "dev_mem", "relay", "--threads", "3", "--platform", "sim"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(printed(&output.stdout).lines().count(), 3);
}

#[test]
fn wrong_arguments_are_refused_by_name() {
    for (arguments, said) in [
        (&["kcvo"][..], "kcov"),
        (&["kcvo"], "dev_mem"),
        (&["--threads", "0"], "1..=64"),
        (&["--threads", "65"], "1..=64"),
        (&["--threads", "many"], "invalid"),
        (&["--platform", "toaster"], "sim"),
        (&["--frobnicate"], "--frobnicate"),
    ] {
        let output = program(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(printed(&output.stderr).contains(said), "{}", printed(&output.stderr));
        assert_eq!(printed(&output.stdout), "", "{arguments:?}");
    }
}

#[test]
fn the_program_lists_its_drivers() {
    let output = program(&["--list"]);
    let names: Vec<&str> = printed(&output.stdout).lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(names, Device::ALL.iter().map(|device| device.name()).collect::<Vec<_>>());
}

#[test]
fn a_table_without_counters_and_one_without_checks() {
    let outcome = Outcome { device: Device::Kcov, checks: 0, failed: Vec::new(), counters: None };
    assert!(!outcome.is_ok());
    let table = Table(&[outcome]).to_string();
    assert!(table.contains("FAILED: nothing checked") && table.contains('?'), "{table}");
}
