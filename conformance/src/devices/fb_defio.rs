//! A screen whose panel shows nothing before it is told to.

use vmctx::{Errno, Iomem, PageCount, PageOffset, Platform, UnlockedCtx};

use super::host::{Host, Opened, Side, buffer};
use vmctx_drivers::{
    buffer::Buffer,
    fb_defio::{FbDefio, Screen},
};

/// Pages of the screen. In the device's memory the panel lies behind it.
pub const PAGES: usize = 8;

/// Shows what was written; how many pages that were.
pub const FLUSH: u32 = 1;
/// Asks how many pages were written since they were last shown.
pub const NOTED: u32 = 2;

/// Opens it.
///
/// # Errors
/// ENOMEM, or what is wrong with the device's memory.
pub fn open<H: Host>(host: &H) -> Result<Opened<H::Platform>, Errno> {
    let (shadow, panel) = (buffer(host, 0, PAGES)?, host.device_memory(PageCount::new(PAGES))?);
    let screen = Screen::new(shadow.clone(), panel.clone(), host.may_sleep())?;
    let screen = H::Platform::share(screen, host.may_sleep())?;
    Ok(Opened::prepared(FbDefio::new(screen.clone()), Display::<H::Platform> { shadow, panel, screen }))
}

struct Display<P: Platform> {
    shadow: P::Ref<Buffer<P>>,
    panel: P::Iomem,
    screen: P::Ref<Screen<P>>,
}

impl<P: Platform> Side<P> for Display<P> {
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        match offset.checked_sub(PAGES * P::PAGE_SIZE) {
            Some(offset) => self.panel.read(offset, into).map_err(|_| Errno::EINVAL),
            None => self.shadow.read(offset, into),
        }
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), Errno> {
        self.screen.draw(offset, from)
    }

    fn page(&self, at: PageOffset) -> Option<&P::Page> {
        self.shadow.page(at)
    }

    fn control(&self, ctx: &mut UnlockedCtx<'_, P>, request: u32, _: u64) -> Result<u64, Errno> {
        match request {
            FLUSH => self.screen.flush(ctx).map(|pages| pages as u64),
            NOTED => Ok(self.screen.noted(ctx.may_sleep()) as u64),
            _ => Err(Errno::ENOTTY),
        }
    }
}
