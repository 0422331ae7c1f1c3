//! What a device can be asked for in a history, and what is seen of it.

use core::ops::Range;

use vmctx::Errno;

use super::{random::Random, step::Step};
use crate::devices::{
    Device, af_packet, dax, drm, fb_defio, gntdev, i915, nopage, pair, perf, rights, spufs, vfio_pci,
};

/// A device, as histories know it.
#[derive(Clone, Copy, Debug)]
pub struct Subject {
    /// The device.
    pub device: Device,
    /// Its name among the subjects.
    pub name: &'static str,
    /// The pages of the file that it shows, by their offsets.
    pub(super) shown: fn() -> Range<usize>,
    /// Pages of the device's memory.
    pub(super) memory: usize,
    /// Pages whose references are counted.
    pub(super) counted: usize,
    /// Requests that only ask, after each step.
    pub(super) gauges: &'static [u32],
    /// The requests that change something.
    pub(super) requests: &'static [Request],
    /// What is left out.
    pub(super) without: Without,
}

/// What a history does not have, because the two sides could not be compared.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Without {
    /// Private mappings.
    pub(super) private: bool,
    /// Moves of more than one page, and other lengths: a file's mappings are merged when they can be, and may grow, and
    /// a device's are not. Moves of a page to where it is, for which 6.12 and 6.18 have different errnos where nothing
    /// is mapped.
    pub(super) moves_of_many: bool,
}

/// A request, and what can be asked with it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    pub(super) number: u32,
    /// How often, beside the others.
    pub(super) weight: usize,
    pub(super) argument: fn(&mut Random) -> u64,
}

const fn request(number: u32, weight: usize, argument: fn(&mut Random) -> u64) -> Request {
    Request { number, weight, argument }
}

fn below(random: &mut Random, end: usize) -> u64 {
    random.below(end) as u64
}

/// A way to insert: any, or one that is filled on request, which nothing is to be seen of without the request.
fn way(random: &mut Random) -> u64 {
    let mut way = random.below(rights::Way::ALL.len());
    if random.percent(20) {
        way = rights::Way::ALL.iter().position(|way| way.is_on_request()).unwrap_or(way);
    }
    2 * way as u64 + u64::from(random.percent(80))
}

/// The probe: every way to insert.
pub const RIGHTS: Subject = Subject {
    device: Device::Rights,
    name: "rights",
    shown: || rights::BASE.index()..rights::BASE.index().saturating_add(rights::PAGES),
    memory: rights::PAGES,
    counted: 2 * rights::PAGES,
    gauges: &[rights::STATES],
    requests: &[
        request(rights::CHOOSE_WAY, 8, way),
        request(rights::INSERT, 3, |_| 0),
        request(rights::SHARE_STATE, 2, |random| u64::from(random.percent(40))),
        request(rights::ZAP, 1, |random| below(random, rights::PAGES)),
        request(rights::WAS_TOLD, 2, |_| 0),
    ],
    without: Without { private: false, moves_of_many: false },
};

/// The file of pages that are handed back, and taken out of it.
pub const NOPAGE: Subject = Subject {
    device: Device::Nopage,
    name: "nopage",
    shown: || 0..nopage::PAGES,
    memory: nopage::MEMORY,
    counted: nopage::MEMORY,
    gauges: &[],
    requests: &[
        request(nopage::TRUNCATE, 2, |random| below(random, nopage::PAGES)),
        request(nopage::EXTEND, 3, |random| nopage::place(random.below(nopage::PAGES), random.below(nopage::MEMORY))),
    ],
    without: Without { private: false, moves_of_many: false },
};

/// The same file, as a file of any kernel's: with private copies, and as long as it is.
pub const FILE: Subject = Subject {
    name: "file",
    counted: 0,
    requests: &[],
    without: Without { private: false, moves_of_many: true },
    ..NOPAGE
};

/// A file that is truncated and grows. Truncation takes private copies of a file's pages, and none of a driver's.
pub const TRUNCATED: Subject = Subject {
    name: "truncated",
    requests: &[request(nopage::SET_LENGTH, 1, |random| below(random, nopage::PAGES + 1))],
    without: Without { private: true, moves_of_many: true },
    ..FILE
};

/// A file in memory by number, with holes: first stores of frames.
pub const DAX: Subject = Subject {
    name: "dax",
    device: Device::Dax,
    shown: || 0..dax::EXTENTS.len(),
    memory: dax::BLOCKS,
    counted: 0,
    gauges: &[dax::BLOCKS_IN_USE, dax::DIRTY],
    requests: &[request(dax::SYNC, 1, |_| 0)],
    ..RIGHTS
};

/// A screen: first stores of pages, which are taken away to be told of the next.
pub const FB_DEFIO: Subject = Subject {
    name: "fb_defio",
    device: Device::FbDefio,
    shown: || 0..fb_defio::PAGES,
    memory: 2 * fb_defio::PAGES,
    counted: fb_defio::PAGES,
    gauges: &[fb_defio::NOTED],
    requests: &[request(fb_defio::FLUSH, 1, |_| 0)],
    ..RIGHTS
};

/// A BAR: frames that are revoked.
pub const VFIO_PCI: Subject = Subject {
    name: "vfio_pci",
    device: Device::VfioPci,
    shown: || 0..vfio_pci::FIRST.1,
    memory: vfio_pci::FIRST.1 + vfio_pci::SECOND.1,
    counted: 0,
    gauges: &[],
    requests: &[request(vfio_pci::SET_MEMORY, 1, |random| u64::from(random.percent(70)))],
    ..RIGHTS
};

/// A processor's memory: frames that become pages and pages that become frames.
pub const SPUFS: Subject = Subject {
    name: "spufs",
    device: Device::Spufs,
    shown: || 0..16,
    memory: 16,
    counted: 0,
    gauges: &[spufs::RUNS],
    requests: &[request(spufs::SWITCH, 1, |random| below(random, spufs::SPUS + 2))],
    ..RIGHTS
};

/// Objects in an aperture that is too small, and a debugger that goes by the `access` hook.
pub const I915: Subject = Subject {
    name: "i915",
    device: Device::I915,
    shown: || {
        let [(large, pages), _] = i915::OBJECTS;
        large.index()..large.index().saturating_add(pages)
    },
    memory: 15,
    counted: 0,
    gauges: &[],
    requests: &[
        request(i915::SUSPEND, 2, |_| 0),
        request(i915::DISTURB, 1, |random| {
            let errnos = [Errno::EAGAIN, Errno::EINTR, Errno::EIO, Errno::ENOSPC];
            i915::trouble(errnos.get(random.below(errnos.len())).copied().unwrap_or(Errno::EIO), random.below(3))
        }),
    ],
    ..RIGHTS
};

/// Objects that migrate.
pub const DRM: Subject = Subject {
    name: "drm",
    device: Device::Drm,
    shown: || {
        let [first, second, _] = drm::OBJECTS;
        first.index()..second.index().saturating_add(drm::PAGES)
    },
    memory: drm::OBJECTS.len() * drm::PAGES,
    counted: 0,
    gauges: &[drm::WHERE],
    requests: &[request(drm::MOVE, 1, |random| {
        drm::to(random.below(drm::OBJECTS.len()), random.below(drm::DOMAINS.len()))
    })],
    ..RIGHTS
};

/// A ring buffer: one page of it may be written.
pub const PERF: Subject = Subject {
    name: "perf",
    device: Device::Perf,
    shown: || 0..1 + perf::DATA,
    memory: 1 + perf::DATA + perf::AUX,
    counted: 1 + perf::DATA + perf::AUX,
    gauges: &[],
    requests: &[],
    ..RIGHTS
};

/// Pages of another domain: mappings that are not copied and not cut, counted by `open` and `close`.
pub const GNTDEV: Subject = Subject {
    name: "gntdev",
    device: Device::Gntdev,
    shown: || 0..gntdev::FOREIGN,
    memory: gntdev::FOREIGN,
    counted: gntdev::FOREIGN,
    gauges: &[gntdev::LIVE],
    requests: &[
        request(gntdev::ADD, 3, |random| pair(random.below(gntdev::FOREIGN), 1 + random.below(4))),
        request(gntdev::REMOVE, 1, |random| pair(random.below(gntdev::FOREIGN), 1 + random.below(4))),
        request(gntdev::NOTIFY, 1, |random| pair(random.below(gntdev::FOREIGN), random.below(4096))),
    ],
    ..RIGHTS
};

/// Packet rings: how often they are mapped is counted by `open` and `close`, and asked after each step.
pub const AF_PACKET: Subject = Subject {
    name: "af_packet",
    device: Device::AfPacket,
    shown: || 0..6,
    memory: 0,
    counted: 0,
    gauges: &[af_packet::MAPPED],
    requests: &[
        request(af_packet::RECEIVE_RING, 3, |random| pair(random.below(3), 1 + random.below(3))),
        request(af_packet::SEND_RING, 1, |random| pair(random.below(3), 1 + random.below(2))),
        request(af_packet::RECEIVE, 2, |random| below(random, 1 << 16)),
        request(af_packet::SEND, 1, |_| 0),
    ],
    ..RIGHTS
};

/// Those that need a driver.
pub const DEVICES: [Subject; 11] = [RIGHTS, NOPAGE, DAX, FB_DEFIO, VFIO_PCI, SPUFS, I915, DRM, PERF, GNTDEV, AF_PACKET];
/// Those that any file can stand in for.
pub const FILES: [Subject; 2] = [FILE, TRUNCATED];

/// The one of this name.
#[must_use]
pub fn by_name(name: &str) -> Option<Subject> {
    DEVICES.into_iter().chain(FILES).find(|subject| subject.name == name)
}

impl Subject {
    /// Whether a step is left out, because what it does is known to differ. `way` is what the probe was told last.
    pub(super) fn leaves_out(&self, way: u64, step: &Step) -> bool {
        let remapped =
            usize::try_from(way / 2).is_ok_and(|way| rights::Way::ALL.get(way) == Some(&rights::Way::Remapped));
        match *step {
            Step::Move { at, to, .. } => self.without.moves_of_many && at == to,
            // 6.12 cannot fork where the first page of a private mapping of `remap_pfn_range` was written: ENOMEM
            // (`track_pfn_copy` in arch/x86/mm/pat/memtype.c finds the user's copy).
            Step::Map { shared: false, .. } => self.device == Device::Rights && remapped,
            // A frame without a page is copied through the addresses of whoever runs (`__wp_page_copy_user`). In
            // another process those are not the user's: he gets the debugger's bytes, or zeros, and the log a warning.
            Step::Poke { process: 1.., .. } => matches!(self.device, Device::Rights | Device::Dax),
            _ => false,
        }
    }
}
