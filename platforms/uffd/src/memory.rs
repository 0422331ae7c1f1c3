//! Memory: pages of one memory object, which drivers and users have mapped.
//!
//! A frame number is a page's place in the object:
//!
//! | frames | what |
//! | --- | --- |
//! | `0` | the zero page |
//! | `1..` | pages, as many as the memory was made with |
//! | behind them | memory of devices, range by range as it is made |
//! | behind that | nothing, and never anything: what a mapping shows before it is known what it will show |

use std::{
    collections::HashSet,
    fmt,
    iter::repeat_with,
    ops::Range,
    os::fd::OwnedFd,
    slice,
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering},
    },
};

use parking_lot::{Condvar, Mutex};

use vmctx::{Errno, FrameSource, Iomem, MaySleep, OutOfFrames, OutOfPage, PageCount, entry};

use super::{
    KernelError, OpenError, Uffd,
    sys::{self, PAGE_SHIFT, PAGE_SIZE, ProtFlags, View},
};

/// Frames for devices: 1 GiB of holes.
const DEVICE_FRAMES: u64 = 1 << 18;
/// How much of the object's end is nothing, in frames: longer than any mapping.
const NOWHERE_FRAMES: u64 = 1 << 35;
/// How many pages are taken from the kernel at a time.
const CHUNK: u64 = 64;

/// The zero page.
pub(super) const ZERO_PFN: u64 = 0;
const FIRST_RAM: u64 = 1;

/// What a frame number leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FrameKind {
    Ram,
    Zero,
    Device,
}

/// Pages of RAM that nobody uses.
struct FreePages {
    /// Given back, last in first out.
    returned: Vec<u64>,
    /// From here on nothing was ever used.
    untouched: u64,
    /// From here on the object has holes.
    populated: u64,
}

/// Where things were allocated since somebody last asked.
#[derive(Default)]
struct Recent(Option<u64>);

struct Object {
    fd: OwnedFd,
    /// Where the driver's side has it mapped, without what is behind the devices.
    base: usize,
    /// One behind the last page of RAM.
    ram_end: u64,
    device_start: u64,
    frames: u64,
    references: Box<[AtomicU32]>,
    free: Mutex<FreePages>,
    devices: Mutex<Vec<Range<u64>>>,
    recent: Mutex<Recent>,
    locked: Mutex<HashSet<u64>>,
    unlocked: Condvar,
}

impl Drop for Object {
    fn drop(&mut self) {
        // SAFETY: mapped when this was made; pages, device memory and mappings hold the object, so nobody is left.
        unsafe { sys::unmap(&(self.base..self.base + bytes(self.frames))) };
    }
}

/// Memory for drivers: the platform's [`Memory`](vmctx::Platform::Memory). Clones are the same memory.
///
/// It is one memory object of the kernel's (`memfd_create`). What a driver writes to a [`Page`] a user sees through a
/// mapping, because it is the same physical page. Nothing is copied, and nothing is taken from the kernel before a page
/// is allocated; pages that are given back are kept for the next allocation.
#[derive(Clone)]
pub struct Memory {
    object: Arc<Object>,
}

fn bytes(frames: u64) -> usize {
    usize::try_from(frames).unwrap_or(usize::MAX).saturating_mul(PAGE_SIZE)
}

impl Memory {
    /// Memory of up to so many pages, and as much for devices as anybody wants.
    ///
    /// # Errors
    /// [`OpenError::PageSize`]; [`OpenError::Refused`] without descriptors or addresses.
    pub fn new(pages: PageCount) -> Result<Self, OpenError> {
        if sys::page_size() != PAGE_SIZE {
            return Err(OpenError::PageSize(sys::page_size()));
        }
        let refused = |errno| OpenError::Refused(KernelError::from(errno));
        let ram_end = FIRST_RAM + u64::try_from(pages.get()).unwrap_or(u64::MAX).min(u64::from(u32::MAX));
        let device_start = ram_end.next_multiple_of(512);
        let frames = device_start + DEVICE_FRAMES;
        let fd = sys::memfd((frames + NOWHERE_FRAMES) << PAGE_SHIFT).map_err(refused)?;
        let view = View { fd: &fd, offset: 0, shared: true, prot: ProtFlags::READ | ProtFlags::WRITE };
        let base = sys::map(bytes(frames), view).map_err(refused)?;
        let memory = Self {
            object: Arc::new(Object {
                fd,
                base,
                ram_end,
                device_start,
                frames,
                references: repeat_with(AtomicU32::default).take(usize::try_from(ram_end).unwrap_or(0)).collect(),
                free: Mutex::new(FreePages { returned: Vec::new(), untouched: FIRST_RAM, populated: FIRST_RAM }),
                devices: Mutex::new(Vec::new()),
                recent: Mutex::default(),
                locked: Mutex::default(),
                unlocked: Condvar::new(),
            }),
        };
        memory.populate(ZERO_PFN..FIRST_RAM).map_err(refused)?;
        Ok(memory)
    }

    /// A fresh page of zeros.
    ///
    /// # Errors
    /// ENOMEM, when there are no more, or the system has none.
    pub fn alloc_page(&self) -> Result<Page, Errno> {
        let mut free = self.object.free.lock();
        let pfn = match free.returned.pop() {
            Some(pfn) => {
                drop(free);
                self.clear(pfn);
                pfn
            }
            None => {
                let pfn = free.untouched;
                if pfn >= self.object.ram_end {
                    return Err(Errno::ENOMEM);
                }
                if pfn >= free.populated {
                    let end = (pfn + CHUNK).min(self.object.ram_end);
                    self.populate(pfn..end).map_err(|_| Errno::ENOMEM)?;
                    free.populated = end;
                }
                free.untouched += 1;
                pfn
            }
        };
        if let Some(references) = self.references_of(pfn) {
            references.store(1, Ordering::Release);
        }
        self.note_recent(pfn);
        Ok(Page { memory: self.clone(), pfn })
    }

    /// Memory of a device's own: fresh frames of zeros, not counted. The first is aligned to their number, if that is a
    /// power of two. They stay for as long as the memory does.
    ///
    /// # Errors
    /// EINVAL for none; ENOMEM when there are no more, or the system has none.
    pub fn device_memory(&self, count: PageCount) -> Result<DeviceMemory, Errno> {
        let wanted = u64::try_from(count.get()).map_err(|_| Errno::ENOMEM)?;
        if wanted == 0 {
            return Err(Errno::EINVAL);
        }
        let align = if wanted.is_power_of_two() { wanted } else { 1 };
        let mut devices = self.object.devices.lock();
        // A frame between two devices stays a hole, so that running over the end of one is noticed.
        let first = devices.last().map_or(self.object.device_start, |last| last.end + 1);
        let first = first.checked_next_multiple_of(align).ok_or(Errno::ENOMEM)?;
        let end = first.checked_add(wanted).filter(|end| *end < self.object.frames).ok_or(Errno::ENOMEM)?;
        self.populate(first..end).map_err(|_| Errno::ENOMEM)?;
        devices.push(first..end);
        drop(devices);
        self.note_recent(first);
        Ok(DeviceMemory { memory: self.clone(), base: first, count: count.get() })
    }

    /// All frame numbers from 0 on: the zero page, pages, devices and holes. The place of a page in it is [`Page::pfn`].
    /// What leads nowhere cannot be mapped.
    #[must_use]
    pub fn physical_memory(&self) -> DeviceMemory {
        DeviceMemory { memory: self.clone(), base: 0, count: usize::try_from(self.object.frames).unwrap_or(usize::MAX) }
    }

    /// A frame number with nothing behind it.
    #[must_use]
    pub fn hole(&self) -> u64 {
        self.object.frames - 1
    }

    /// How many pages are allocated.
    #[must_use]
    pub fn pages_in_use(&self) -> PageCount {
        let free = self.object.free.lock();
        let used = usize::try_from(free.untouched - FIRST_RAM).unwrap_or(usize::MAX);
        PageCount::new(used - free.returned.len())
    }

    /// The right to sleep: whoever sets a device up has it.
    #[must_use]
    pub fn may_sleep(&self) -> MaySleep<'_> {
        // SAFETY: threads of a process may sleep.
        unsafe { entry::may_sleep() }
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.object, &other.object)
    }

    pub(super) fn fd(&self) -> &OwnedFd {
        &self.object.fd
    }

    /// The first frame behind which there never is anything.
    pub(super) fn nowhere(&self) -> u64 {
        self.object.frames
    }

    /// Whether the object reaches that far.
    pub(super) fn reaches(&self, end: u64) -> bool {
        end <= self.object.frames + NOWHERE_FRAMES
    }

    /// Where the first thing was allocated since this was last asked.
    pub(super) fn take_recent(&self) -> Option<u64> {
        self.object.recent.lock().0.take()
    }

    fn note_recent(&self, pfn: u64) {
        self.object.recent.lock().0.get_or_insert(pfn);
    }

    /// What is there, or `None` for a hole.
    pub(super) fn kind(&self, pfn: u64) -> Option<FrameKind> {
        if pfn == ZERO_PFN {
            Some(FrameKind::Zero)
        } else if pfn < self.object.ram_end {
            (pfn < self.object.free.lock().populated).then_some(FrameKind::Ram)
        } else {
            let devices = self.object.devices.lock();
            devices.iter().any(|range| range.contains(&pfn)).then_some(FrameKind::Device)
        }
    }

    fn populate(&self, frames: Range<u64>) -> Result<(), sys::RawErrno> {
        sys::allocate(&self.object.fd, &(frames.start << PAGE_SHIFT..frames.end << PAGE_SHIFT))
    }

    fn references_of(&self, pfn: u64) -> Option<&AtomicU32> {
        self.object.references.get(usize::try_from(pfn).ok()?)
    }

    /// One more reference to a page of which the caller has one.
    #[inline]
    pub(super) fn get(&self, pfn: u64) {
        if let Some(references) = self.references_of(pfn) {
            references.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A reference to a page that may be free (`get_page_unless_zero`).
    pub(super) fn get_unless_free(&self, pfn: u64) -> Option<Page> {
        let more = |references: u32| if references == 0 { None } else { Some(references + 1) };
        let references = self.references_of(pfn)?;
        references.fetch_update(Ordering::AcqRel, Ordering::Relaxed, more).ok()?;
        Some(self.adopt(pfn))
    }

    /// Takes over a reference that the caller has.
    pub(super) fn adopt(&self, pfn: u64) -> Page {
        Page { memory: self.clone(), pfn }
    }

    /// Puts a reference; the last one frees the page.
    pub(super) fn put(&self, pfn: u64) {
        let Some(references) = self.references_of(pfn) else { return };
        if references.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.object.free.lock().returned.push(pfn);
        }
    }

    /// `lock_page`
    pub(super) fn lock(&self, pfn: u64) {
        let mut locked = self.object.locked.lock();
        while !locked.insert(pfn) {
            self.object.unlocked.wait(&mut locked);
        }
    }

    /// `unlock_page`
    pub(super) fn unlock(&self, pfn: u64) {
        self.object.locked.lock().remove(&pfn);
        self.object.unlocked.notify_all();
    }

    /// The bytes of a page. Users may be at them at the same time, as hardware is: so each is an atomic.
    fn bytes_of(&self, pfn: u64) -> &[AtomicU8] {
        debug_assert!(self.kind(pfn).is_some(), "frame {pfn:#x} has no page");
        let at = self.object.base + bytes(pfn);
        // SAFETY: the object is mapped there for as long as it lives, which is longer than this borrow. The page has
        // memory: pages and devices are populated when they are made, and never punched. All accesses from this side
        // are atomic.
        unsafe { slice::from_raw_parts(at as *const AtomicU8, PAGE_SIZE) }
    }

    fn clear(&self, pfn: u64) {
        let at = self.object.base + bytes(pfn);
        // SAFETY: as in `bytes_of`; a page is aligned for 8 bytes.
        let words = unsafe { slice::from_raw_parts(at as *const AtomicU64, PAGE_SIZE / size_of::<u64>()) };
        for word in words {
            word.store(0, Ordering::Relaxed);
        }
    }

    /// Both `false`, and nothing copied, if the bytes do not all lie in the page.
    fn read(&self, pfn: u64, offset: usize, into: &mut [u8]) -> bool {
        let Some(from) = part(self.bytes_of(pfn), offset, into.len()) else { return false };
        for (to, from) in into.iter_mut().zip(from) {
            *to = from.load(Ordering::Relaxed);
        }
        true
    }

    fn write(&self, pfn: u64, offset: usize, from: &[u8]) -> bool {
        let Some(to) = part(self.bytes_of(pfn), offset, from.len()) else { return false };
        for (to, from) in to.iter().zip(from) {
            to.store(*from, Ordering::Relaxed);
        }
        true
    }
}

fn part(bytes: &[AtomicU8], offset: usize, len: usize) -> Option<&[AtomicU8]> {
    bytes.get(offset..offset.checked_add(len)?)
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Memory({} pages in use)", self.pages_in_use())
    }
}

/// A page with a reference held: the platform's [`Page`](vmctx::Page).
///
/// From [`Memory::alloc_page`]. Cloning takes a reference, dropping puts it, and the last one frees the page.
pub struct Page {
    memory: Memory,
    pfn: u64,
}

impl Page {
    /// How many references there are: handles of the driver's, mappings, faults at work.
    #[must_use]
    pub fn references(&self) -> usize {
        self.memory.references_of(self.pfn).map_or(0, |references| references.load(Ordering::Acquire) as usize)
    }

    /// The page's frame number.
    #[must_use]
    pub fn pfn(&self) -> u64 {
        self.pfn
    }

    pub(super) fn is_of(&self, memory: &Memory) -> bool {
        self.memory.is(memory)
    }

    pub(super) fn lock(&self) {
        self.memory.lock(self.pfn);
    }

    pub(super) fn unlock(&self) {
        self.memory.unlock(self.pfn);
    }
}

impl Clone for Page {
    fn clone(&self) -> Self {
        self.memory.get(self.pfn);
        Self { memory: self.memory.clone(), pfn: self.pfn }
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Page({:#x}, {} references)", self.pfn, self.references())
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        if self.pfn != ZERO_PFN {
            self.memory.put(self.pfn);
        }
    }
}

impl vmctx::Page for Page {
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), OutOfPage> {
        let len = into.len();
        if self.memory.read(self.pfn, offset, into) { Ok(()) } else { Err(OutOfPage { offset, len }) }
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), OutOfPage> {
        let len = from.len();
        if self.memory.write(self.pfn, offset, from) { Ok(()) } else { Err(OutOfPage { offset, len }) }
    }
}

/// Frames by number, standing in for the registers and the memory of a device: the platform's
/// [`Iomem`](vmctx::Platform::Iomem). Real bytes, which are not counted; and cached, whatever the driver asks for.
///
/// From [`Memory::device_memory`], or from [`Memory::physical_memory`], which is everything there is.
#[derive(Clone)]
pub struct DeviceMemory {
    memory: Memory,
    base: u64,
    count: usize,
}

impl DeviceMemory {
    fn check(&self, offset: usize, len: usize) -> Result<OutOfFrames, OutOfFrames> {
        let error = OutOfFrames { offset, len };
        let end = offset.checked_add(len).ok_or(error)?;
        if end.div_ceil(PAGE_SIZE) > self.count { Err(error) } else { Ok(error) }
    }

    /// The frame of a byte, if it leads anywhere.
    fn pfn_at(&self, offset: usize) -> Option<u64> {
        let pfn = self.base + (offset / PAGE_SIZE) as u64;
        self.memory.kind(pfn).map(|_| pfn)
    }
}

impl fmt::Debug for DeviceMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceMemory({:#x}, {} frames)", self.base, self.count)
    }
}

impl Iomem for DeviceMemory {
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), OutOfFrames> {
        let error = self.check(offset, into.len())?;
        let mut at = offset;
        let mut rest = into;
        while !rest.is_empty() {
            let (part, left) = rest.split_at_mut(rest.len().min(PAGE_SIZE - at % PAGE_SIZE));
            self.memory.read(self.pfn_at(at).ok_or(error)?, at % PAGE_SIZE, part);
            at += part.len();
            rest = left;
        }
        Ok(())
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), OutOfFrames> {
        let error = self.check(offset, from.len())?;
        let mut at = offset;
        let mut rest = from;
        while !rest.is_empty() {
            let (part, left) = rest.split_at(rest.len().min(PAGE_SIZE - at % PAGE_SIZE));
            let pfn = self.pfn_at(at).filter(|pfn| *pfn != ZERO_PFN).ok_or(error)?;
            self.memory.write(pfn, at % PAGE_SIZE, part);
            at += part.len();
            rest = left;
        }
        Ok(())
    }
}

// SAFETY: base and count are set once. A frame of a device is never taken back or given another use, and what has it
// mapped keeps the memory object. Holes in `physical_memory` lead to nothing, and the platform refuses to map them; a
// page in it may be freed and used again, but stays memory whose bytes everybody reaches by atomics or from outside
// the language.
unsafe impl FrameSource for DeviceMemory {
    type Platform = Uffd;

    fn base(&self) -> u64 {
        self.base
    }

    fn count(&self) -> PageCount {
        PageCount::new(self.count)
    }
}
