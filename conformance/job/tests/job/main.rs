//! The main job: right drivers pass, each kind of wrong one fails, and the program says so.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod hangs;
mod history;
mod in_fault;
mod moving;
mod numbers;
mod sweep;
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod uffd;
mod wrong;

use std::{
    process::{Command, Output},
    sync::Arc,
};

use vmctx::{Errno, PageOffset};
use vmctx_conformance::{
    Device, Outcome, Runner, Site, devices,
    table::Table,
    user::{Map, Refusal, User},
};
use vmctx_job::sim::{SimHost, SimSite, SimUser, open};
use vmctx_sim::{self as sim, Injection, Machine, MmapOrder};

#[test]
fn every_driver_passes() {
    for threads in [1, 8] {
        for device in Device::ALL {
            let outcome = Runner::new(threads).run(&Arc::new(SimSite), *device);
            assert!(outcome.is_ok(), "{threads} threads:\n{}", Table(&[outcome]));
        }
    }
}

/// A machine whose kernel has no prepare hooks, for every device that is opened.
struct CompatSite;

impl Site for CompatSite {
    type User = SimUser;

    fn open(&self, device: Device) -> Result<SimUser, String> {
        let user = open(device).unwrap();
        user.process().machine().set_mmap_order(MmapOrder::Compat);
        Ok(user)
    }
}

#[test]
fn every_driver_that_describes_its_mappings_passes_where_a_mmap_hook_does_so() {
    let describes = |device: &Device| {
        let opened = device.open(&SimHost(Machine::new())).unwrap();
        opened.file.prepare_hook().is_some()
    };
    let described: Vec<Device> = Device::ALL.iter().copied().filter(describes).collect();
    assert!(described.len() >= 16, "{described:?}");
    for device in described {
        let outcome = Runner::new(8).run(&Arc::new(CompatSite), device);
        assert!(outcome.is_ok(), "{}", Table(&[outcome]));
    }
}

#[test]
fn nothing_is_left_behind() {
    for device in Device::ALL {
        let user = Arc::new(open(*device).unwrap());
        let before = user.process().machine().statistics();
        assert!(Runner::new(4).run_on(&user, *device).is_ok());
        let after = user.process().machine().statistics();
        assert_eq!(
            (after.frames_in_use, after.references, after.page_tables_in_use),
            (before.frames_in_use, before.references, 0),
            "{}: frames, references, page tables",
            device.name()
        );
    }
}

/// Requests with their arguments.
type Requests = &'static [(u32, u64)];

/// The devices that mmap fills: what has to be asked for before, and what they are mapped with. That takes as many
/// insertions as there are pages.
const EAGER: [(Device, Requests, Map); 13] = [
    (Device::Kcov, &[], Map::shared(devices::kcov::PAGES)),
    (Device::Cfag12864b, &[], Map::shared(1)),
    (Device::Ht16k33, &[], Map::shared(1)),
    (Device::RockchipGem, &[], Map::shared(devices::rockchip_gem::PAGES)),
    (Device::FirewireIso, &[], Map::shared(4)),
    (Device::DmaIommu, &[], Map::shared(devices::dma_iommu::PAGES)),
    (Device::Gntdev, &[(devices::gntdev::ADD, devices::pair(9, 5))], Map::shared(5)),
    (Device::PrivcmdBuf, &[], Map::shared(4)),
    (Device::RemapVmalloc, &[], Map::shared(6)),
    (Device::Vgem, &[], Map::shared(devices::vgem::EAGER.pages).at(devices::vgem::EAGER.fake_offset)),
    (Device::DrmGemShmem, &[], Map::shared(devices::drm_gem_shmem::IMPORTED)),
    (Device::Cramfs, &[], Map::shared(4).read_only()),
    // Where the registers are is asked for below.
    (Device::DevMem, &[], Map::shared(devices::dev_mem::PAGES)),
];

/// Devices that count or keep something for a mapping, which faults fill.
const LAZY: [(Device, Requests, Map); 5] = [
    (Device::XenDrmFrontGem, &[], Map::shared(9).at(devices::xen_drm_front_gem::OBJECTS[0].0)),
    (Device::Videobuf2DmaSg, &[(devices::videobuf2_dma_sg::REQUEST_BUFFERS, 1)], Map::shared(4)),
    (Device::Usbvision, &[(devices::usbvision::REQUEST_FRAMES, 1)], Map::shared(devices::usbvision::FRAME)),
    (Device::Gntalloc, &[(devices::gntalloc::ALLOC, 5)], Map::shared(5)),
    (Device::AfPacket, &[(devices::af_packet::RECEIVE_RING, devices::pair(2, 3))], Map::shared(6)),
];

/// A user of a device that has been asked for all this.
fn asked(device: Device, requests: &[(u32, u64)]) -> SimUser {
    let user = open(device).unwrap();
    for (request, argument) in requests {
        user.control(*request, *argument).unwrap();
    }
    user
}

#[test]
fn a_mmap_fails_with_the_errno_of_any_insertion_and_undoes_the_others() {
    for order in [MmapOrder::Prepare, MmapOrder::Compat] {
        for (device, requests, map) in EAGER {
            fails_at_any_insertion(order, device, requests, map);
        }
    }
}

fn fails_at_any_insertion(order: MmapOrder, device: Device, requests: Requests, map: Map) {
    for errno in [Errno::EBUSY, Errno::ENOMEM, Errno::EINVAL] {
        for after in 0..map.pages {
            let user = asked(device, requests);
            user.process().machine().set_mmap_order(order);
            let map = if device == Device::DevMem {
                let registers = user.control(devices::dev_mem::REGISTERS, 0).unwrap();
                map.at(PageOffset::new(usize::try_from(registers).unwrap()))
            } else {
                map
            };
            let before = user.process().machine().statistics();
            user.process().machine().inject(Injection::Insertion { after, errno });
            assert_eq!(user.map(map), Err(Refusal::Errno(errno)), "{}: insertion {after}", device.name());
            let now = user.process().machine().statistics();
            let both = |statistics: sim::Statistics| (statistics.references, statistics.frames_in_use);
            assert_eq!(both(now), both(before), "{}: after insertion {after} failed", device.name());
            assert!(user.map(map).is_ok(), "{}: the error happens once", device.name());
        }
    }
}

#[test]
fn a_mmap_that_failed_counts_for_nothing() {
    use devices::{af_packet, gntalloc, gntdev, privcmd_buf, videobuf2_dma_sg, xen_drm_front_gem};
    for (device, request, argument, wanted) in [
        (Device::XenDrmFrontGem, xen_drm_front_gem::DESTROY, 0, Ok(0)),
        (Device::XenDrmFrontGem, xen_drm_front_gem::SHARED, 0, Ok(13)),
        (Device::Videobuf2DmaSg, videobuf2_dma_sg::USERS, 0, Ok(0)),
        (Device::Videobuf2DmaSg, videobuf2_dma_sg::REQUEST_BUFFERS, 2, Ok(0)),
        (Device::Usbvision, devices::usbvision::REQUEST_FRAMES, 2, Ok(0)),
        (Device::Gntalloc, gntalloc::DEALLOC, devices::pair(0, 5), Ok(0)),
        (Device::Gntdev, gntdev::LIVE, 0, Ok(0)),
        (Device::PrivcmdBuf, privcmd_buf::ALLOCATED, 0, Ok(0)),
        (Device::AfPacket, af_packet::MAPPED, 0, Ok(0)),
        (Device::AfPacket, af_packet::RECEIVE_RING, 0, Ok(0)),
    ] {
        let lazy = LAZY.into_iter().find(|(lazy, ..)| *lazy == device);
        let eager = EAGER.into_iter().find(|(eager, ..)| *eager == device);
        let (_, requests, map) = lazy.or(eager).unwrap();
        let failure = match lazy {
            Some(_) => Injection::VmaAllocation { after: 0 },
            None => Injection::Insertion { after: map.pages - 1, errno: Errno::ENOMEM },
        };
        for order in [MmapOrder::Prepare, MmapOrder::Compat] {
            let user = asked(device, requests);
            user.process().machine().set_mmap_order(order);
            user.process().machine().inject(failure);
            assert!(user.map(map).is_err());
            assert_eq!(user.control(request, argument), wanted, "{}: request {request}", device.name());
        }
    }
}

#[test]
fn pages_that_are_nobodys_are_freed() {
    use devices::{gntalloc, xen_drm_front_gem};
    let user = asked(Device::Gntalloc, &[(gntalloc::ALLOC, 5)]);
    let at = user.map(Map::shared(5)).unwrap();
    user.control(gntalloc::DEALLOC, devices::pair(0, 5)).unwrap();
    assert_eq!(user.control(gntalloc::LIVE, 0), Ok(5));
    user.unmap(at, 5).unwrap();
    assert_eq!(user.control(gntalloc::LIVE, 0), Ok(0));

    let user = open(Device::XenDrmFrontGem).unwrap();
    let map = Map::shared(1).at(xen_drm_front_gem::OBJECTS[1].0);
    user.process().machine().inject(Injection::VmaAllocation { after: 0 });
    assert!(user.map(map).is_err());
    user.control(xen_drm_front_gem::DESTROY, 1).unwrap();
    assert_eq!(user.control(xen_drm_front_gem::SHARED, 0), Ok(9));
}

#[test]
fn an_allocation_that_fails_half_way_is_undone() {
    // An allocation in the mmap hook.
    for (device, map) in [(Device::PrivcmdBuf, Map::shared(5)), (Device::FirewireIso, Map::shared(5))] {
        let user = open(device).unwrap();
        user.process().machine().inject(Injection::FrameAllocation { after: 3 });
        assert_eq!(user.map(map), Err(Refusal::Errno(Errno::ENOMEM)), "{}", device.name());
        assert_eq!(user.process().machine().statistics().frames_in_use, 0, "{}", device.name());
        assert!(user.map(map).is_ok(), "{}", device.name());
    }
    // An allocation in a request: what was there before stays.
    use devices::{af_packet, gntalloc, usbvision, videobuf2_dma_sg};
    for (device, before, request, argument, left) in [
        (Device::Videobuf2DmaSg, 1, videobuf2_dma_sg::REQUEST_BUFFERS, 1, 0),
        (Device::Usbvision, 2, usbvision::REQUEST_FRAMES, 2, 6),
        (Device::Gntalloc, 5, gntalloc::ALLOC, 6, 5),
        (Device::AfPacket, devices::pair(2, 2), af_packet::RECEIVE_RING, 0, 4),
    ] {
        let user = asked(device, &[(request, before)]);
        user.process().machine().inject(Injection::FrameAllocation { after: 3 });
        let (request, argument) = match device {
            Device::AfPacket => (af_packet::SEND_RING, devices::pair(2, 2)),
            _ => (request, argument),
        };
        assert_eq!(user.control(request, argument), Err(Errno::ENOMEM), "{}", device.name());
        assert_eq!(user.process().machine().statistics().frames_in_use, left, "{}", device.name());
        user.control(request, argument).unwrap();
    }
}

#[test]
fn an_entry_that_is_there_already_is_a_success_in_every_fault() {
    for (device, map) in [
        (Device::Vgem, Map::shared(1).at(devices::vgem::LAZY.fake_offset)),
        (Device::Dax, Map::shared(1)),
        (Device::Xive, Map::shared(1).at(vmctx_drivers::xive::ESB)),
        (Device::Nonlinear, Map::shared(1)),
        (Device::CacheDisabled, Map::shared(1)),
        (Device::Vvar, Map::shared(1).read_only()),
        (Device::DrmGemShmem, Map::shared(1).at(devices::drm_gem_shmem::OWN)),
    ] {
        let user = open(device).unwrap();
        let at = user.map(map).unwrap();
        user.process().machine().inject(Injection::Insertion { after: 0, errno: Errno::EBUSY });
        // A store, where that is possible: a load may be served by `map_pages`, without the fault hook.
        if map.writable { user.write(at, &[0]) } else { user.read(at, &mut [0]) }.unwrap();
        let answers = user.process().machine().statistics().answers;
        assert_eq!((answers.nopage, answers.sigbus), (2, 0), "{}: answered, then repeated", device.name());
    }
}

// ---- The program --------------------------------------------------------------------------------------------------

const PROGRAM: &str = env!("CARGO_BIN_EXE_vmctx-job");

fn program(arguments: &[&str]) -> Output {
    Command::new(PROGRAM).args(arguments).output().unwrap()
}

fn printed(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn the_program_runs_every_driver_and_prints_one_line_each() {
    let output = program(&["--platform", "sim"]);
    assert_eq!(output.status.code(), Some(0), "{}", printed(&output.stdout));
    let mut lines = printed(&output.stdout).lines();
    assert!(lines.next().unwrap().starts_with("driver"));
    for (device, line) in Device::ALL.iter().zip(&mut lines) {
        assert!(line.starts_with(device.name()) && line.contains("  ok, "), "{line}");
    }
    assert_eq!(lines.next(), Some("platform sim: a simulated machine"));
    assert_eq!(lines.next(), None);
    assert_eq!(printed(&output.stderr), "", "no progress into a pipe");
}

#[test]
fn the_program_runs_the_drivers_that_are_named() {
    let output = program(&["relay", "dev_mem", "relay", "--threads", "3", "--platform", "sim"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(printed(&output.stdout).lines().count(), 4);
}

/// Where there is no other platform.
#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
#[test]
fn the_program_says_where_it_did_not_run() {
    let output = program(&["relay"]);
    assert_eq!(output.status.code(), Some(0));
    let said = printed(&output.stdout);
    assert!(said.contains("it is for Linux on x86-64 and AArch64; so this ran on the simulated machine\n"), "{said}");
    let output = program(&["relay", "--platform", "uffd"]);
    assert_eq!((output.status.code(), printed(&output.stdout)), (Some(1), ""));
    assert!(printed(&output.stderr).contains("it is for Linux on x86-64 and AArch64"), "{}", printed(&output.stderr));
}

#[test]
fn wrong_arguments_are_refused_by_name() {
    for (arguments, said) in [
        (&["kcvo"][..], "kcov"),
        (&["kcvo"], "dev_mem"),
        (&["--threads", "0"], "1..=64"),
        (&["--threads", "65"], "1..=64"),
        (&["--threads", "many"], "invalid"),
        (&["--patience", "0"], "1.."),
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
    let outcome = Outcome {
        device: Device::Kcov,
        checks: 0,
        failed: Vec::new(),
        counters: None,
        left_out: Vec::new(),
        hangs: false,
    };
    assert!(!outcome.is_ok());
    let table = Table(&[outcome]).to_string();
    assert!(table.contains("FAILED: nothing checked") && table.contains('?'), "{table}");
}
