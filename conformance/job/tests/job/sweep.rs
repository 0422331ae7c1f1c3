//! Whichever step fails of what a driver's users do, one at a time, nothing is left behind.

use vmctx::{PageOffset, UserAddr};
use vmctx_conformance::{
    Device,
    devices::{dax, drm, fb_defio, gntdev, i915, nopage, pair, rights, sgx_vepc, spufs, vfio_pci, vgem},
    user::{Map, User},
};
use vmctx_job::sim::{SimHost, SimUser, user_of};
use vmctx_sim::{Machine, sweep};

/// A device, the page of it that is mapped first, how many there are, and what it is asked for in between.
type Used = (Device, PageOffset, usize, Vec<(u32, u64)>);

/// What a user does who bears whatever fails.
fn use_device(machine: &Machine, (device, first, pages, requests): &Used) {
    let Ok(opened) = device.open(&SimHost(machine.clone())) else { return };
    let user = user_of(machine, opened);
    let touch = |user: &SimUser, at: UserAddr| {
        for page in 0..*pages {
            let at = UserAddr::new(at.get() + page * user.page_size());
            let mut byte = [0];
            let _ = (user.read(at, &mut byte), user.write(at, &[7]), user.read(at, &mut byte));
        }
    };
    for round in 0..2 {
        for map in [Map::shared(*pages).at(*first), Map::private(*pages).at(*first)] {
            let mapped = user.map(map).or_else(|_| user.map(map.read_only()));
            let Ok(at) = mapped else { continue };
            touch(&user, at);
            for &(request, argument) in requests {
                let _ = user.control(request, argument);
            }
            touch(&user, at);
            let child = user.fork().and_then(Result::ok);
            if let Some(child) = &child {
                touch(child, at);
            }
            // The second time all goes with the process.
            if round == 0 {
                let _ = user.unmap(at, 1);
                let _ = user.unmap(at, *pages);
            }
        }
    }
}

#[test]
fn nothing_is_left_behind_whichever_step_fails() {
    let used: [Used; 12] = [
        (Device::Vgem, vgem::EAGER.fake_offset, 4, vec![]),
        (Device::Vgem, vgem::LAZY.fake_offset, 4, vec![]),
        (Device::Dax, PageOffset::ZERO, 4, vec![(dax::SYNC, 0)]),
        (Device::FbDefio, PageOffset::ZERO, 4, vec![(fb_defio::FLUSH, 0)]),
        (Device::Nopage, PageOffset::ZERO, 4, vec![(nopage::TRUNCATE, 2), (nopage::SET_LENGTH, 4)]),
        (Device::Spufs, PageOffset::ZERO, 4, vec![(spufs::SWITCH, 0), (spufs::SWITCH, 1)]),
        (Device::SgxVepc, PageOffset::ZERO, 4, vec![(sgx_vepc::REMOVE_ALL, 0)]),
        (Device::Drm, drm::OBJECTS[0], drm::PAGES, vec![(drm::MOVE, drm::to(0, 2)), (drm::MOVE, drm::to(0, 0))]),
        (Device::I915, i915::OBJECTS[1].0, 4, vec![(i915::SUSPEND, 0)]),
        (Device::VfioPci, PageOffset::ZERO, 4, vec![(vfio_pci::SET_MEMORY, 0), (vfio_pci::SET_MEMORY, 1)]),
        (Device::Perf, PageOffset::ZERO, 4, vec![]),
        (Device::Gntdev, PageOffset::ZERO, 4, vec![(gntdev::ADD, pair(0, 4))]),
    ];
    let probe = (0..rights::Way::ALL.len() as u64).map(|way| {
        (
            Device::Rights,
            rights::BASE,
            3,
            vec![(rights::CHOOSE_WAY, 2 * way + 1), (rights::INSERT, 0), (rights::ZAP, 0)],
        )
    });
    for used in used.into_iter().chain(probe) {
        // Of a device whose frames are its own there is a page table at least, and a VMA.
        let swept = sweep(|machine| use_device(machine, &used));
        assert!(swept.as_ref().is_ok_and(|steps| *steps >= 2), "{used:?}: {swept:?}");
    }
}
