//! A file, and the pages that it can be made of.

use vmctx::{ByPrepare, Errno, PageOffset, Platform, UnlockedCtx};

use super::host::{Host, Opened, Shared, Side, buffer};
use vmctx_drivers::{
    buffer::Buffer,
    nopage::{Nopage, Object},
};

/// Pages of the file, at its longest.
pub const PAGES: usize = 8;
/// Pages of the device's memory. The file begins with the first of them.
pub const MEMORY: usize = 2 * PAGES;

/// Takes the page of the file at this offset out of it; ENOENT if there is none.
pub const TRUNCATE: u32 = 1;
/// Puts a page of the device's memory into the file: [`place`] says which, and where.
pub const EXTEND: u32 = 2;

/// Makes the file so many pages long, by its own pages of the device's memory: as `ftruncate` does, at the file's end.
pub const SET_LENGTH: u32 = 3;

/// The argument that means this page of the file, and that of the device's memory.
#[must_use]
pub const fn place(at: usize, memory: usize) -> u64 {
    (at as u64) << 32 | memory as u64
}

/// Opens it.
///
/// # Errors
/// ENOMEM.
pub fn open<H: Host>(host: &H) -> Result<Opened<H::Platform>, Errno> {
    let memory = buffer(host, 0, MEMORY)?;
    let object = Object::new(memory.pages().get(..PAGES).unwrap_or_default(), host.may_sleep())?;
    let object = H::Platform::share(object, host.may_sleep())?;
    let file = H::Platform::share(ByPrepare(Nopage::new(object.clone())), host.may_sleep())?;
    Ok(Opened::new(Shared::<H::Platform, _>(file), Disk::<H::Platform> { memory: [memory], object }))
}

struct Disk<P: Platform> {
    memory: [P::Ref<Buffer<P>>; 1],
    object: P::Ref<Object<P>>,
}

impl<P: Platform> Side<P> for Disk<P> {
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        Side::<P>::read(&self.memory, offset, into)
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), Errno> {
        Side::<P>::write(&self.memory, offset, from)
    }

    fn page(&self, at: PageOffset) -> Option<&P::Page> {
        Side::<P>::page(&self.memory, at)
    }

    fn control(&self, ctx: &mut UnlockedCtx<'_, P>, request: u32, argument: u64) -> Result<u64, Errno> {
        let offset = |number: u64| usize::try_from(number).map(PageOffset::new).map_err(|_| Errno::EINVAL);
        match request {
            TRUNCATE => self.object.truncate(ctx, offset(argument)?).map(|_| 0).ok_or(Errno::ENOENT),
            EXTEND => {
                let page = Side::<P>::page(self, offset(argument & 0xffff_ffff)?).ok_or(Errno::EINVAL)?;
                self.object.extend(offset(argument >> 32)?, page.clone(), ctx.may_sleep()).map(|()| 0)
            }
            SET_LENGTH => {
                let len = usize::try_from(argument).map_err(|_| Errno::EINVAL)?;
                for at in (len..PAGES).map(PageOffset::new) {
                    drop(self.object.truncate(ctx, at));
                }
                for at in (0..len).map(PageOffset::new) {
                    let page = Side::<P>::page(self, at).ok_or(Errno::EFBIG)?;
                    match self.object.extend(at, page.clone(), ctx.may_sleep()) {
                        Ok(()) | Err(Errno::EEXIST) => {}
                        failed => return failed.map(|()| 0),
                    }
                }
                Ok(0)
            }
            _ => Err(Errno::ENOTTY),
        }
    }
}
