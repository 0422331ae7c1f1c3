//! What a platform brings to set a device up, what it gets back, and what devices are made of.

use alloc::{boxed::Box, vec::Vec};
use core::{
    array,
    sync::atomic::{AtomicUsize, Ordering},
};

use vmctx::{
    ByPrepare, Errno, Iomem, Mapped, MaySleep, MmapCtx, MmapFile, PageCount, PageOffset, PageRef, Platform,
    PrepareFile, PrepareHook, SharedObject, UnlockedCtx,
};

use vmctx_drivers::buffer::Buffer;

/// What a platform brings to set a device up. It outlives the device.
pub trait Host {
    /// The platform.
    type Platform: Platform;

    /// Where pages come from.
    fn memory(&self) -> &<Self::Platform as Platform>::Memory;

    /// Devices are opened where sleeping is allowed.
    fn may_sleep(&self) -> MaySleep<'_>;

    /// Fresh memory of a device, zeroed. Its first frame is aligned to the number of pages, if that is a power of two.
    ///
    /// # Errors
    /// ENOMEM or whatever it is that there is not as much.
    fn device_memory(&self, pages: PageCount) -> Result<IomemOf<Self>, Errno>;

    /// Everything that has a frame number, from 0 to the end of this device memory at least.
    fn physical_memory(&self, up_to: &IomemOf<Self>) -> IomemOf<Self>;

    /// A frame number with nothing behind it, if there is one in [physical memory](Self::physical_memory).
    fn hole(&self) -> Option<PageOffset> {
        None
    }
}

/// Memory of a device on a host.
pub type IomemOf<H> = <<H as Host>::Platform as Platform>::Iomem;

/// A device that is open.
pub struct Opened<P: Platform> {
    /// The driver's open file.
    pub file: Box<dyn MmapFile<Platform = P>>,
    /// What is behind it.
    pub side: Box<dyn Side<P>>,
}

impl<P: Platform> Opened<P> {
    /// An open device of this file, with this side.
    pub fn new(file: impl MmapFile<Platform = P>, side: impl Side<P>) -> Self {
        Self { file: Box::new(file), side: Box::new(side) }
    }

    /// An open device of this file, which describes its mappings, with this side.
    pub fn prepared(file: impl PrepareFile<Platform = P>, side: impl Side<P>) -> Self {
        Self::new(ByPrepare(file), side)
    }
}

/// The device's side: its own memory, which the driver maps, and whatever else it can be asked for.
pub trait Side<P: Platform>: Send + Sync + 'static {
    /// Reads the device's memory, `offset` bytes from its start.
    ///
    /// # Errors
    /// EINVAL outside it; EAGAIN where it would have to wait for a hook or a request.
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno>;

    /// Writes the device's memory, `offset` bytes from its start.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    fn write(&self, offset: usize, from: &[u8]) -> Result<(), Errno>;

    /// The page at this offset of the device's memory, if it is made of pages.
    fn page(&self, at: PageOffset) -> Option<&P::Page> {
        let _ = at;
        None
    }

    /// An ioctl: a request of the device's own, with its argument.
    ///
    /// # Errors
    /// ENOTTY for a request that the device does not know, else what it says.
    fn control(&self, ctx: &mut UnlockedCtx<'_, P>, request: u32, argument: u64) -> Result<u64, Errno> {
        let _ = (ctx, request, argument);
        Err(Errno::ENOTTY)
    }
}

/// A file that the device's side holds as well.
pub struct Shared<P: Platform, F: Send + Sync + 'static>(pub P::Ref<F>);

impl<P: Platform, F: MmapFile<Platform = P>> MmapFile for Shared<P, F> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        self.0.mmap(ctx)
    }

    fn object(&self) -> Option<&SharedObject<P>> {
        self.0.object()
    }

    fn prepare_hook(&self) -> Option<PrepareHook<'_, P>> {
        self.0.prepare_hook()
    }
}

/// A device's side whose memory is `memory`, and which answers requests by `answer`.
pub struct Asked<S, F> {
    memory: S,
    answer: F,
}

/// The side of this memory that answers requests so.
pub fn asked<P, S, F>(memory: S, answer: F) -> Asked<S, F>
where
    P: Platform,
    S: Side<P>,
    F: Fn(&mut UnlockedCtx<'_, P>, u32, u64) -> Result<u64, Errno> + Send + Sync + 'static,
{
    Asked { memory, answer }
}

impl<P, S, F> Side<P> for Asked<S, F>
where
    P: Platform,
    S: Side<P>,
    F: Fn(&mut UnlockedCtx<'_, P>, u32, u64) -> Result<u64, Errno> + Send + Sync + 'static,
{
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        self.memory.read(offset, into)
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), Errno> {
        self.memory.write(offset, from)
    }

    fn page(&self, at: PageOffset) -> Option<&P::Page> {
        self.memory.page(at)
    }

    fn control(&self, ctx: &mut UnlockedCtx<'_, P>, request: u32, argument: u64) -> Result<u64, Errno> {
        (self.answer)(ctx, request, argument)
    }
}

/// The side of a device without memory to read or write.
pub struct NoMemory;

impl<P: Platform> Side<P> for NoMemory {
    fn read(&self, _: usize, _: &mut [u8]) -> Result<(), Errno> {
        Err(Errno::EINVAL)
    }

    fn write(&self, _: usize, _: &[u8]) -> Result<(), Errno> {
        Err(Errno::EINVAL)
    }
}

/// Chooses which of several devices a file is.
pub const CHOOSE: u32 = 19;

/// Several devices in one. A request chooses which of them is mapped, read and written; until then it is the first.
pub struct Choice<P: Platform, const N: usize> {
    devices: [Opened<P>; N],
    chosen: AtomicUsize,
}

impl<P: Platform, const N: usize> Choice<P, N> {
    /// Opens them as one.
    ///
    /// # Errors
    /// ENOMEM.
    pub fn open(devices: [Opened<P>; N], may_sleep: MaySleep<'_>) -> Result<Opened<P>, Errno> {
        let choice = P::share(Self { devices, chosen: AtomicUsize::new(0) }, may_sleep)?;
        Ok(Opened::new(Shared::<P, Self>(choice.clone()), ChosenSide::<P, N>(choice)))
    }

    fn chosen(&self) -> Result<&Opened<P>, Errno> {
        self.devices.get(self.chosen.load(Ordering::Acquire)).ok_or(Errno::ENODEV)
    }
}

impl<P: Platform, const N: usize> MmapFile for Choice<P, N> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        self.chosen()?.file.mmap(ctx)
    }

    fn prepare_hook(&self) -> Option<PrepareHook<'_, P>> {
        self.chosen().ok()?.file.prepare_hook()
    }
}

struct ChosenSide<P: Platform, const N: usize>(P::Ref<Choice<P, N>>);

impl<P: Platform, const N: usize> Side<P> for ChosenSide<P, N> {
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        self.0.chosen()?.side.read(offset, into)
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), Errno> {
        self.0.chosen()?.side.write(offset, from)
    }

    fn page(&self, at: PageOffset) -> Option<&P::Page> {
        self.0.chosen().ok()?.side.page(at)
    }

    fn control(&self, ctx: &mut UnlockedCtx<'_, P>, request: u32, argument: u64) -> Result<u64, Errno> {
        if request != CHOOSE {
            return self.0.chosen()?.side.control(ctx, request, argument);
        }
        let device = index(argument)?;
        if device >= N {
            return Err(Errno::EINVAL);
        }
        self.0.chosen.store(device, Ordering::Release);
        Ok(0)
    }
}

/// The argument of a request that is a number of pages, or of something else that is in memory.
///
/// # Errors
/// EINVAL for a number that is too large for that.
pub fn index(argument: u64) -> Result<usize, Errno> {
    usize::try_from(argument).map_err(|_| Errno::EINVAL)
}

/// Two numbers in one argument of a request: the low half, and the high half. They have to fit.
#[must_use]
pub const fn pair(low: usize, high: usize) -> u64 {
    (low as u64 & 0xffff_ffff) | (high as u64) << 32
}

/// The two numbers of a [`pair`].
///
/// # Errors
/// EINVAL if they do not fit into memory.
pub fn unpair(argument: u64) -> Result<(usize, usize), Errno> {
    Ok((index(argument & u64::from(u32::MAX))?, index(argument >> 32)?))
}

/// Buffers of pages, one behind the other.
impl<P: Platform, const N: usize> Side<P> for [P::Ref<Buffer<P>>; N] {
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        locate::<P>(self, offset).and_then(|(buffer, offset)| buffer.read(offset, into))
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), Errno> {
        locate::<P>(self, offset).and_then(|(buffer, offset)| buffer.write(offset, from))
    }

    fn page(&self, at: PageOffset) -> Option<&P::Page> {
        let (buffer, offset) = locate::<P>(self, at.index().checked_mul(P::PAGE_SIZE)?).ok()?;
        buffer.page(PageOffset::new(offset >> P::PAGE_SHIFT))
    }
}

/// Memory of a device's own.
pub struct Own<P: Platform>(pub P::Iomem);

impl<P: Platform> Side<P> for Own<P> {
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        self.0.read(offset, into).map_err(|_| Errno::EINVAL)
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), Errno> {
        self.0.write(offset, from).map_err(|_| Errno::EINVAL)
    }
}

/// The buffer in which this byte of a device's memory is, and where in it. The buffers lie one behind the other.
///
/// # Errors
/// EINVAL behind the last.
fn locate<P: Platform>(buffers: &[P::Ref<Buffer<P>>], mut offset: usize) -> Result<(&Buffer<P>, usize), Errno> {
    for buffer in buffers {
        let bytes = buffer.page_count().get().saturating_mul(P::PAGE_SIZE);
        if offset < bytes {
            return Ok((buffer, offset));
        }
        offset -= bytes;
    }
    Err(Errno::EINVAL)
}

/// The byte at this place of a device's memory. Neighbouring pages, and the same place in other pages, differ.
#[must_use]
pub const fn pattern(offset: usize) -> u8 {
    let [byte, ..] = (offset as u64 ^ 0x5bd1_e995).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
    byte
}

/// How many bytes are made at a time, on the stack.
const CHUNK: usize = 64;

/// Calls `write` with the pattern, piece by piece, of `bytes` bytes from `start` of a device's memory on. The place
/// that `write` is told is counted from `start`.
pub(super) fn fill(
    start: usize,
    bytes: usize,
    mut write: impl FnMut(usize, &[u8]) -> Result<(), Errno>,
) -> Result<(), Errno> {
    for at in (0..bytes).step_by(CHUNK) {
        let chunk: [u8; CHUNK] = array::from_fn(|byte| pattern(start.wrapping_add(at).wrapping_add(byte)));
        write(at, chunk.get(..CHUNK.min(bytes - at)).unwrap_or(&chunk))?;
    }
    Ok(())
}

/// Memory of `pages` pages, filled with the pattern from page `first` of the device's memory on.
///
/// # Errors
/// ENOMEM.
pub fn buffer<H: Host + ?Sized>(
    host: &H,
    first: usize,
    pages: usize,
) -> Result<<H::Platform as Platform>::Ref<Buffer<H::Platform>>, Errno> {
    let buffer = Buffer::<H::Platform>::alloc(host.memory(), PageCount::new(pages), host.may_sleep())?;
    let start = first.checked_mul(H::Platform::PAGE_SIZE).ok_or(Errno::EINVAL)?;
    fill(start, pages.saturating_mul(H::Platform::PAGE_SIZE), |at, bytes| buffer.write(at, bytes))?;
    H::Platform::share(buffer, host.may_sleep())
}

/// A page, filled like the first of a device's memory.
///
/// # Errors
/// ENOMEM.
pub fn page<H: Host + ?Sized>(host: &H) -> Result<<H::Platform as Platform>::Page, Errno> {
    buffer(host, 0, 1)?.page(PageOffset::ZERO).cloned().ok_or(Errno::EINVAL)
}

/// A page, filled like page `shown` of a device's memory.
///
/// # Errors
/// ENOMEM.
pub fn page_of<P: Platform>(memory: &P::Memory, shown: usize, may_sleep: MaySleep<'_>) -> Result<P::Page, Errno> {
    let page = P::alloc_page(memory, may_sleep)?;
    let start = shown.checked_mul(P::PAGE_SIZE).ok_or(Errno::EINVAL)?;
    fill(start, P::PAGE_SIZE, |at, bytes| page.write(at, bytes).map_err(|_| Errno::EINVAL))?;
    Ok(page)
}

/// Memory of a device's own, of `pages` pages, all filled with the pattern.
///
/// # Errors
/// As [`Host::device_memory`].
pub fn registers<H: Host + ?Sized>(host: &H, pages: usize) -> Result<IomemOf<H>, Errno> {
    let memory = host.device_memory(PageCount::new(pages))?;
    fill_pages::<H::Platform>(&memory, 0..pages)?;
    Ok(memory)
}

/// Fills these pages of a device's own memory with the pattern.
///
/// # Errors
/// EINVAL outside the memory.
pub fn fill_pages<P: Platform>(memory: &P::Iomem, pages: impl IntoIterator<Item = usize>) -> Result<(), Errno> {
    for page in pages {
        let start = page.checked_mul(P::PAGE_SIZE).ok_or(Errno::EINVAL)?;
        fill(start, P::PAGE_SIZE, |at, bytes| memory.write(start + at, bytes).map_err(|_| Errno::EINVAL))?;
    }
    Ok(())
}

/// These values in a vector.
///
/// # Errors
/// ENOMEM.
pub fn list<T, const N: usize>(values: [T; N]) -> Result<Vec<T>, Errno> {
    let mut list = Vec::new();
    list.try_reserve_exact(N).map_err(|_| Errno::ENOMEM)?;
    list.extend(values);
    Ok(list)
}
