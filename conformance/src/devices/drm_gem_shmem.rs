//! A device with an object of its own, and one that it has imported from a driver that fills its mappings at once. In
//! the device's memory they lie one behind the other, the imported one first.

use vmctx::{ByPrepare, Errno, PageOffset, Platform, SharedObject, UnlockedCtx};

use super::host::{Host, Opened, Side, buffer, list};
use vmctx_drivers::{
    buffer::Buffer,
    drm_gem_shmem::{DrmGemShmem, Handle, Object},
    rockchip_gem::RockchipGem,
};

/// Pages of the imported object. It is mapped at the offset 0.
pub const IMPORTED: usize = 6;
/// Which offsets belong to it.
pub const END_OF_IMPORTED: PageOffset = PageOffset::new(32);
/// Where the device's own object is mapped.
pub const OWN: PageOffset = PageOffset::new(32);
/// Pages of it.
pub const PAGES: usize = 10;

/// Asks how many mappings of its own object there are.
pub const USES: u32 = 1;
/// Purges its own object: 1, or 0 if it was already.
pub const PURGE: u32 = 2;

/// Opens it.
///
/// # Errors
/// ENOMEM.
pub fn open<H: Host>(host: &H) -> Result<Opened<H::Platform>, Errno> {
    let buffers = [buffer(host, 0, IMPORTED)?, buffer(host, IMPORTED, PAGES)?];
    let [imported, own] = &buffers;
    let mappings = SharedObject::new(host.may_sleep())?;
    let object = Object::new(OWN, own.clone(), &mappings, host.may_sleep())?;
    let object = H::Platform::share(object, host.may_sleep())?;
    let exporter = alloc::boxed::Box::new(ByPrepare(RockchipGem::new(imported.clone())));
    let handles = list([Handle::own(object.clone()), Handle::Imported { exporter, end: END_OF_IMPORTED }])?;
    Ok(Opened::new(DrmGemShmem::new(handles, mappings), Memory::<H::Platform> { buffers, object }))
}

struct Memory<P: Platform> {
    buffers: [P::Ref<Buffer<P>>; 2],
    object: P::Ref<Object<P>>,
}

impl<P: Platform> Side<P> for Memory<P> {
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        Side::<P>::read(&self.buffers, offset, into)
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), Errno> {
        Side::<P>::write(&self.buffers, offset, from)
    }

    fn page(&self, at: PageOffset) -> Option<&P::Page> {
        Side::<P>::page(&self.buffers, at)
    }

    fn control(&self, ctx: &mut UnlockedCtx<'_, P>, request: u32, _: u64) -> Result<u64, Errno> {
        match request {
            USES => Ok(self.object.uses() as u64),
            PURGE => Ok(self.object.purge(ctx.may_sleep()).into()),
            _ => Err(Errno::ENOTTY),
        }
    }
}
