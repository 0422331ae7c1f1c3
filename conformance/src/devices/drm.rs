//! A card with three objects, for all of which there is no room in any of its memories. In the device's memory the
//! objects lie one behind the other.

use alloc::vec::Vec;

use vmctx::{Errno, PageCount, PageOffset, Platform, SharedObject, UnlockedCtx};

use super::host::{Host, Opened, Side, fill};
use vmctx_drivers::{
    buffer::Buffer,
    drm::{Domain, Drm, Heap, Heaps, Object},
};

/// Pages of an object.
pub const PAGES: usize = 4;
/// Where the objects are mapped.
pub const OBJECTS: [PageOffset; 3] = [PageOffset::new(16), PageOffset::new(20), PageOffset::new(1 << 20)];
/// Pages of the aperture: one object.
pub const APERTURE: usize = PAGES;
/// Pages of video memory that the processor sees: one object and a half.
pub const VISIBLE: usize = PAGES + PAGES / 2;
/// Pages of video memory: one more that it does not see, and what is left.
pub const VIDEO: usize = 12;

/// Where an object can be, by number.
pub const DOMAINS: [Domain; 4] = [Domain::System, Domain::Aperture, Domain::Video, Domain::HiddenVideo];

/// Moves an object: [`to`].
pub const MOVE: u32 = 1;
/// Asks where the object of this number is, by number of [`DOMAINS`].
pub const WHERE: u32 = 2;

/// The argument that moves an object to a domain, both by number.
#[must_use]
pub const fn to(object: usize, domain: usize) -> u64 {
    (object as u64) << 8 | domain as u64
}

/// Opens it.
///
/// # Errors
/// ENOMEM, or what is wrong with the device's memory.
pub fn open<H: Host>(host: &H) -> Result<Opened<H::Platform>, Errno> {
    let may_sleep = host.may_sleep();
    let heap = |pages, visible| {
        let heap = Heap::<H::Platform>::new(host.device_memory(PageCount::new(pages))?, PageCount::new(visible))?;
        H::Platform::share(heap, may_sleep)
    };
    let heaps =
        Heaps { system: host.memory().clone(), aperture: heap(APERTURE, APERTURE)?, video: heap(VIDEO, VISIBLE)? };
    let heaps = H::Platform::share(heaps, may_sleep)?;
    let mappings = SharedObject::new(may_sleep)?;
    let mut objects = Vec::new();
    objects.try_reserve_exact(OBJECTS.len()).map_err(|_| Errno::ENOMEM)?;
    for (index, fake_offset) in OBJECTS.into_iter().enumerate() {
        let content = Buffer::alloc(host.memory(), PageCount::new(PAGES), may_sleep)?;
        fill(index * PAGES * H::Platform::PAGE_SIZE, PAGES * H::Platform::PAGE_SIZE, |at, bytes| {
            content.write(at, bytes)
        })?;
        let object = Object::new(heaps.clone(), content, &mappings, fake_offset, may_sleep)?;
        objects.push(H::Platform::share(object, may_sleep)?);
    }
    let side = Card::<H::Platform>(objects.clone());
    Ok(Opened::prepared(Drm::new(objects, mappings), side))
}

struct Card<P: Platform>(Vec<P::Ref<Object<P>>>);

impl<P: Platform> Card<P> {
    /// The object in which this byte of the device's memory is, and where in it.
    fn locate(&self, offset: usize) -> Result<(&Object<P>, usize), Errno> {
        let size = PAGES * P::PAGE_SIZE;
        let object = self.0.get(offset / size).ok_or(Errno::EINVAL)?;
        Ok((object, offset % size))
    }
}

impl<P: Platform> Side<P> for Card<P> {
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        let (object, offset) = self.locate(offset)?;
        object.read(offset, into)
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), Errno> {
        let (object, offset) = self.locate(offset)?;
        object.write(offset, from)
    }

    fn control(&self, ctx: &mut UnlockedCtx<'_, P>, request: u32, argument: u64) -> Result<u64, Errno> {
        let argument = usize::try_from(argument).map_err(|_| Errno::EINVAL)?;
        match request {
            MOVE => {
                let object = self.0.get(argument >> 8).ok_or(Errno::EINVAL)?;
                let domain = DOMAINS.get(argument & 0xff).ok_or(Errno::EINVAL)?;
                object.move_to(*domain, ctx.may_sleep()).map(|()| 0)
            }
            WHERE => {
                let object = self.0.get(argument).ok_or(Errno::EINVAL)?;
                let domain = object.domain(ctx.may_sleep());
                DOMAINS.iter().position(|known| *known == domain).map(|at| at as u64).ok_or(Errno::EIO)
            }
            _ => Err(Errno::ENOTTY),
        }
    }
}
