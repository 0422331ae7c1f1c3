//! The devices that the main job maps: how large they are and what is in them, the same on every platform.
//!
//! A platform builds them from its own memory with the functions here. A program that knows this file then knows
//! every byte that a mapping has to show.

use core::array;

use vmctx::{Errno, PageCount, PageOffset, Platform};

use crate::{
    buffer::Buffer,
    dax::Inode,
    vgem::{Object, Placement, Vgem},
    xive::{Source, Xive},
};

/// The byte at this place of a device's memory. Neighbouring pages, and the same place in other pages, differ.
#[must_use]
pub const fn pattern(offset: usize) -> u8 {
    let [byte, ..] = (offset as u64 ^ 0x5bd1_e995).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
    byte
}

/// Pages of [kcov](crate::kcov)'s area.
pub const KCOV_PAGES: usize = 16;
/// Pages of [rockchip](crate::rockchip_gem)'s object.
pub const ROCKCHIP_PAGES: usize = 24;
/// Pages of [relay](crate::relay)'s buffer.
pub const RELAY_PAGES: usize = 8;

/// An object of [vgem](crate::vgem)'s device. In the device's memory they lie one behind the other.
#[derive(Clone, Copy, Debug)]
pub struct VgemObject {
    /// Where it is mapped.
    pub fake_offset: PageOffset,
    /// When it is filled.
    pub placement: Placement,
    /// How long it is, in pages.
    pub pages: usize,
}

/// [vgem](crate::vgem)'s object that mmap fills.
pub const VGEM_EAGER: VgemObject =
    VgemObject { fake_offset: PageOffset::new(16), placement: Placement::AtMmap, pages: 20 };
/// [vgem](crate::vgem)'s object that faults fill.
pub const VGEM_LAZY: VgemObject =
    VgemObject { fake_offset: PageOffset::new(64), placement: Placement::OnFault, pages: 40 };

/// Blocks of [dax](crate::dax)'s device. Too few for the file's holes.
pub const DAX_BLOCKS: usize = 8;
/// Which block each page of [dax](crate::dax)'s file has. The others are free, and zeroed.
pub const DAX_EXTENTS: [Option<PageOffset>; 10] = [
    Some(PageOffset::new(5)),
    None,
    Some(PageOffset::new(2)),
    None,
    Some(PageOffset::new(0)),
    None,
    None,
    Some(PageOffset::new(7)),
    None,
    None,
];

/// Pages of [xive](crate::xive)'s memory.
pub const XIVE_PAGES: usize = 10;
/// Where in it the TIMA's OS page is.
pub const XIVE_TIMA_OS: PageOffset = PageOffset::new(6);
/// Its interrupt sources. Number 1 does not exist.
pub const XIVE_SOURCES: [Option<Source>; 4] = [
    Some(Source { trigger: PageOffset::new(0), eoi: PageOffset::new(1) }),
    None,
    Some(Source { trigger: PageOffset::new(9), eoi: PageOffset::new(3) }),
    Some(Source { trigger: PageOffset::new(4), eoi: PageOffset::new(8) }),
];

/// Pages of registers that [dev_mem](crate::dev_mem) finds in physical memory.
pub const DEV_MEM_PAGES: usize = 6;

/// How many bytes are made at a time, on the stack.
const CHUNK: usize = 64;

/// Memory of `pages` pages, filled with the pattern from `offset` (in pages) of the device's memory on.
///
/// # Errors
/// ENOMEM.
pub fn buffer<P: Platform>(memory: &P::Memory, offset: usize, pages: usize) -> Result<P::Ref<Buffer<P>>, Errno> {
    let buffer = Buffer::<P>::alloc(memory, PageCount::new(pages))?;
    let bytes = pages.checked_mul(P::PAGE_SIZE).ok_or(Errno::ENOMEM)?;
    let start = offset.checked_mul(P::PAGE_SIZE).ok_or(Errno::EINVAL)?;
    for at in (0..bytes).step_by(CHUNK) {
        let chunk: [u8; CHUNK] = array::from_fn(|byte| pattern(start.wrapping_add(at).wrapping_add(byte)));
        buffer.write(at, chunk.get(..CHUNK.min(bytes - at)).unwrap_or(&chunk))?;
    }
    P::share(buffer)
}

/// A page, filled like the first of a device's memory.
///
/// # Errors
/// ENOMEM.
pub fn page<P: Platform>(memory: &P::Memory) -> Result<P::Page, Errno> {
    buffer::<P>(memory, 0, 1)?.page(PageOffset::ZERO).cloned().ok_or(Errno::EINVAL)
}

/// The buffer in which this byte of a device's memory is, and where in it. The buffers lie one behind the other.
///
/// # Errors
/// EINVAL behind the last.
pub fn locate<P: Platform>(buffers: &[P::Ref<Buffer<P>>], mut offset: usize) -> Result<(&Buffer<P>, usize), Errno> {
    for buffer in buffers {
        let bytes = buffer.page_count().get().saturating_mul(P::PAGE_SIZE);
        if offset < bytes {
            return Ok((buffer, offset));
        }
        offset -= bytes;
    }
    Err(Errno::EINVAL)
}

/// [vgem](crate::vgem)'s device, and the memory of its objects, [`VGEM_EAGER`] first.
///
/// # Errors
/// ENOMEM.
#[expect(clippy::type_complexity, reason = "a pair, used once a platform")]
pub fn vgem<P: Platform>(memory: &P::Memory) -> Result<(Vgem<P>, [P::Ref<Buffer<P>>; 2]), Errno> {
    let buffers = [buffer::<P>(memory, 0, VGEM_EAGER.pages)?, buffer::<P>(memory, VGEM_EAGER.pages, VGEM_LAZY.pages)?];
    let mut device = Vgem::new();
    for (object, pages) in [VGEM_EAGER, VGEM_LAZY].into_iter().zip(&buffers) {
        device.add(Object::new(object.fake_offset, object.placement, pages.clone()))?;
    }
    Ok((device, buffers))
}

/// [dax](crate::dax)'s file on a device of [`DAX_BLOCKS`] blocks.
///
/// # Errors
/// ENOMEM; EINVAL if the device is smaller.
pub fn dax<P: Platform>(device: P::Iomem) -> Result<P::Ref<Inode<P>>, Errno> {
    P::share(Inode::new(device, &DAX_EXTENTS)?)
}

/// [xive](crate::xive)'s controller with a memory of [`XIVE_PAGES`] pages.
///
/// # Errors
/// ENOMEM.
pub fn xive<P: Platform>(bar: P::Iomem) -> Result<Xive<P>, Errno> {
    Xive::new(bar, XIVE_TIMA_OS, &XIVE_SOURCES)
}
