//! A grabber without frames.

use vmctx::{ByPrepare, Errno, PageCount, Platform};

use super::host::{Host, Opened, Shared, Side, asked, index};
use vmctx_drivers::usbvision::Usbvision;

/// Pages of a frame.
pub const FRAME: usize = 3;

/// Requests so many frames.
pub const REQUEST_FRAMES: u32 = 1;
/// Pulls the plug.
pub const UNPLUG: u32 = 2;
/// Frees the memory of a device that is gone if nobody is at it: 1 if so, else 0.
pub const RELEASE: u32 = 3;

/// Opens it.
///
/// # Errors
/// ENOMEM.
pub fn open<H: Host>(host: &H) -> Result<Opened<H::Platform>, Errno> {
    let grabber = Usbvision::<H::Platform>::new(host.memory().clone(), PageCount::new(FRAME), host.may_sleep())?;
    let grabber = H::Platform::share(ByPrepare(grabber), host.may_sleep())?;
    let file = Shared::<H::Platform, _>(grabber.clone());
    let side = asked(Grabbing::<H::Platform>(grabber.clone()), move |ctx, request, argument| match request {
        REQUEST_FRAMES => grabber.0.request_frames(index(argument)?, ctx.may_sleep()).map(|()| 0),
        UNPLUG => {
            grabber.0.unplug(ctx.may_sleep());
            Ok(0)
        }
        RELEASE => Ok(u64::from(grabber.0.release(ctx.may_sleep()))),
        _ => Err(Errno::ENOTTY),
    });
    Ok(Opened::new(file, side))
}

/// The grabber at its frames.
struct Grabbing<P: Platform>(P::Ref<ByPrepare<Usbvision<P>>>);

impl<P: Platform> Side<P> for Grabbing<P> {
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        self.0.0.grab(|frames| frames.read(offset, into))
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), Errno> {
        self.0.0.grab(|frames| frames.write(offset, from))
    }
}
