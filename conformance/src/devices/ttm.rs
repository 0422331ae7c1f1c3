//! An object that can be in system memory, or in one of two places of the card.

use vmctx::{Errno, PageCount, Platform, UnlockedCtx};

use super::host::{Host, Opened, Side, buffer};
use vmctx_drivers::ttm::{Object, Place, Ttm};

/// Pages of the object.
pub const PAGES: usize = 20;
/// How many places of the card there are.
pub const VRAMS: usize = 2;

/// Has the card move the object: to that place of its own, from 1 on, or to system memory with 0.
pub const MOVE: u32 = 1;
/// The card has done it.
pub const SIGNAL: u32 = 2;

/// Opens it.
///
/// # Errors
/// ENOMEM, or what is wrong with the device's memory.
pub fn open<H: Host>(host: &H) -> Result<Opened<H::Platform>, Errno> {
    let vram = || host.device_memory(PageCount::new(PAGES)).map(Place::Vram);
    let places = [Place::System(buffer(host, 0, PAGES)?), vram()?, vram()?];
    let [system, ..] = &places;
    let object = H::Platform::share(Object::new(system.clone(), host.may_sleep())?, host.may_sleep())?;
    Ok(Opened::prepared(Ttm::new(object.clone()), Card::<H::Platform> { places, object }))
}

struct Card<P: Platform> {
    places: [Place<P>; VRAMS + 1],
    object: P::Ref<Object<P>>,
}

impl<P: Platform> Side<P> for Card<P> {
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        self.object.read(offset, into)
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), Errno> {
        self.object.write(offset, from)
    }

    fn control(&self, ctx: &mut UnlockedCtx<'_, P>, request: u32, argument: u64) -> Result<u64, Errno> {
        match request {
            MOVE => {
                let place = usize::try_from(argument).ok().and_then(|place| self.places.get(place));
                self.object.begin_move(place.ok_or(Errno::EINVAL)?.clone(), ctx.may_sleep())?;
            }
            SIGNAL => self.object.signal(ctx.may_sleep())?,
            _ => return Err(Errno::ENOTTY),
        }
        Ok(0)
    }
}
