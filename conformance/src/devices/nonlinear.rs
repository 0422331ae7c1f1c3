//! A file, and a window onto it that is longer.

use vmctx::{Errno, PageCount, PageOffset, Platform, UnlockedCtx};

use super::host::{Host, Opened, Side, buffer};
use vmctx_drivers::{
    buffer::Buffer,
    nonlinear::{Nonlinear, Window},
};

/// Pages of the file.
pub const PAGES: usize = 8;
/// Slots of the window.
pub const SLOTS: usize = 12;

/// Has slots show other pages: [`place`] says which.
pub const REMAP: u32 = 1;

/// The argument that has `count` slots from `slot` on show the file from `page` on.
#[must_use]
pub const fn place(slot: usize, count: usize, page: usize) -> u64 {
    (slot as u64) << 48 | (count as u64) << 32 | page as u64
}

/// Opens it.
///
/// # Errors
/// ENOMEM.
pub fn open<H: Host>(host: &H) -> Result<Opened<H::Platform>, Errno> {
    let file = buffer(host, 0, PAGES)?;
    let window = Window::new(file.clone(), PageCount::new(SLOTS), host.may_sleep())?;
    let window = H::Platform::share(window, host.may_sleep())?;
    Ok(Opened::prepared(Nonlinear::new(window.clone()), Remapper::<H::Platform> { file: [file], window }))
}

struct Remapper<P: Platform> {
    file: [P::Ref<Buffer<P>>; 1],
    window: P::Ref<Window<P>>,
}

impl<P: Platform> Side<P> for Remapper<P> {
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        Side::<P>::read(&self.file, offset, into)
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), Errno> {
        Side::<P>::write(&self.file, offset, from)
    }

    fn page(&self, at: PageOffset) -> Option<&P::Page> {
        Side::<P>::page(&self.file, at)
    }

    fn control(&self, ctx: &mut UnlockedCtx<'_, P>, request: u32, argument: u64) -> Result<u64, Errno> {
        if request != REMAP {
            return Err(Errno::ENOTTY);
        }
        let part = |shift: u32, mask: u64| usize::try_from(argument >> shift & mask).map_err(|_| Errno::EINVAL);
        let slot = PageOffset::new(part(48, 0xffff)?);
        let count = PageCount::new(part(32, 0xffff)?);
        let page = PageOffset::new(part(0, 0xffff_ffff)?);
        self.window.remap(slot, count, page, ctx.may_sleep()).map(|()| 0)
    }
}
