//! The memory object (`memfd_create`) that drivers and users have mapped, by frames.
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
    iter::repeat_with,
    ops::Range,
    os::fd::OwnedFd,
    slice,
    sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering},
};

use parking_lot::{Condvar, Mutex};

use vmctx::Errno;

use crate::{
    error::RawErrno,
    kernel::sys::{self, PAGE_SHIFT, PAGE_SIZE, ProtFlags, View},
};

/// Frames for devices: 1 GiB of holes.
const DEVICE_FRAMES: u64 = 1 << 18;
/// Frames at the object's end that lead nowhere: more than any mapping has.
const NOWHERE_FRAMES: u64 = 1 << 35;
/// How many pages are taken from the kernel at a time.
const CHUNK: u64 = 64;

/// The zero page.
pub(crate) const ZERO_PFN: u64 = 0;
const FIRST_RAM: u64 = 1;

/// What a frame number leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameKind {
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

/// The memory object, and what is known of each frame.
pub(crate) struct Frames {
    fd: OwnedFd,
    /// Where the driver's side has it mapped, except for the frames that lead nowhere.
    base: usize,
    /// One behind the last page of RAM.
    ram_end: u64,
    device_start: u64,
    /// One behind the last frame that can lead anywhere.
    end: u64,
    references: Box<[AtomicU32]>,
    free: Mutex<FreePages>,
    devices: Mutex<Vec<Range<u64>>>,
    /// The first frame that was allocated since somebody last asked.
    first_allocated: Mutex<Option<u64>>,
    locked: Mutex<HashSet<u64>>,
    unlocked: Condvar,
}

impl Drop for Frames {
    fn drop(&mut self) {
        // SAFETY: mapped when this was made; pages, device memory and mappings hold this, so nobody is left.
        unsafe { sys::unmap(&(self.base..self.base + bytes(self.end))) };
    }
}

fn bytes(frames: u64) -> usize {
    usize::try_from(frames).unwrap_or(usize::MAX).saturating_mul(PAGE_SIZE)
}

impl Frames {
    /// An object of up to so many pages, and as much for devices as anybody wants.
    pub(crate) fn new(pages: usize) -> Result<Self, RawErrno> {
        let ram_end = FIRST_RAM + u64::try_from(pages).unwrap_or(u64::MAX).min(u64::from(u32::MAX));
        let device_start = ram_end.next_multiple_of(512);
        let end = device_start + DEVICE_FRAMES;
        let fd = sys::memfd((end + NOWHERE_FRAMES) << PAGE_SHIFT)?;
        let view = View { fd: &fd, offset: 0, shared: true, prot: ProtFlags::READ | ProtFlags::WRITE };
        let base = sys::map(bytes(end), view)?;
        let frames = Self {
            fd,
            base,
            ram_end,
            device_start,
            end,
            references: repeat_with(AtomicU32::default).take(usize::try_from(ram_end).unwrap_or(0)).collect(),
            free: Mutex::new(FreePages { returned: Vec::new(), untouched: FIRST_RAM, populated: FIRST_RAM }),
            devices: Mutex::new(Vec::new()),
            first_allocated: Mutex::default(),
            locked: Mutex::default(),
            unlocked: Condvar::new(),
        };
        frames.populate(ZERO_PFN..FIRST_RAM)?;
        Ok(frames)
    }

    /// A fresh page of zeros, with one reference.
    pub(crate) fn alloc_page(&self) -> Result<u64, Errno> {
        let mut free = self.free.lock();
        let pfn = match free.returned.pop() {
            Some(pfn) => {
                drop(free);
                self.clear(pfn);
                pfn
            }
            None => {
                let pfn = free.untouched;
                if pfn >= self.ram_end {
                    return Err(Errno::ENOMEM);
                }
                if pfn >= free.populated {
                    let end = (pfn + CHUNK).min(self.ram_end);
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
        self.note_allocated(pfn);
        Ok(pfn)
    }

    /// Fresh frames of a device's own, which are not counted and stay for as long as the object does. Gives back the
    /// first, which is aligned to their number if that is a power of two.
    pub(crate) fn alloc_device(&self, count: usize) -> Result<u64, Errno> {
        let wanted = u64::try_from(count).map_err(|_| Errno::ENOMEM)?;
        if wanted == 0 {
            return Err(Errno::EINVAL);
        }
        let align = if wanted.is_power_of_two() { wanted } else { 1 };
        let mut devices = self.devices.lock();
        // A frame between two devices stays a hole, so that running over the end of one is noticed.
        let first = devices.last().map_or(self.device_start, |last| last.end + 1);
        let first = first.checked_next_multiple_of(align).ok_or(Errno::ENOMEM)?;
        let end = first.checked_add(wanted).filter(|end| *end < self.end).ok_or(Errno::ENOMEM)?;
        self.populate(first..end).map_err(|_| Errno::ENOMEM)?;
        devices.push(first..end);
        drop(devices);
        self.note_allocated(first);
        Ok(first)
    }

    /// How many pages are allocated.
    pub(crate) fn pages_in_use(&self) -> usize {
        let free = self.free.lock();
        let used = usize::try_from(free.untouched - FIRST_RAM).unwrap_or(usize::MAX);
        used - free.returned.len()
    }

    pub(crate) fn fd(&self) -> &OwnedFd {
        &self.fd
    }

    /// One behind the last frame that can lead anywhere: the first of those that never do.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// Whether the object has the frames before `end`, wherever they lead.
    pub(crate) fn reaches(&self, end: u64) -> bool {
        end <= self.end + NOWHERE_FRAMES
    }

    /// The first frame that was allocated since this was last asked.
    pub(crate) fn take_first_allocated(&self) -> Option<u64> {
        self.first_allocated.lock().take()
    }

    fn note_allocated(&self, pfn: u64) {
        self.first_allocated.lock().get_or_insert(pfn);
    }

    /// What a frame number leads to, or `None` for a hole.
    pub(crate) fn kind(&self, pfn: u64) -> Option<FrameKind> {
        if pfn == ZERO_PFN {
            Some(FrameKind::Zero)
        } else if pfn < self.ram_end {
            (pfn < self.free.lock().populated).then_some(FrameKind::Ram)
        } else {
            let devices = self.devices.lock();
            devices.iter().any(|range| range.contains(&pfn)).then_some(FrameKind::Device)
        }
    }

    fn populate(&self, frames: Range<u64>) -> Result<(), RawErrno> {
        sys::allocate(&self.fd, &(frames.start << PAGE_SHIFT..frames.end << PAGE_SHIFT))
    }

    fn references_of(&self, pfn: u64) -> Option<&AtomicU32> {
        self.references.get(usize::try_from(pfn).ok()?)
    }

    /// How many references to a page there are.
    pub(crate) fn references(&self, pfn: u64) -> usize {
        self.references_of(pfn).map_or(0, |references| references.load(Ordering::Acquire) as usize)
    }

    /// One more reference to a page of which the caller has one.
    #[inline]
    pub(crate) fn get(&self, pfn: u64) {
        if let Some(references) = self.references_of(pfn) {
            references.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// One more reference to a page, unless it is free (`get_page_unless_zero`). Whether there is one.
    pub(crate) fn get_unless_free(&self, pfn: u64) -> bool {
        let more = |references: u32| if references == 0 { None } else { Some(references + 1) };
        let Some(references) = self.references_of(pfn) else { return false };
        references.fetch_update(Ordering::AcqRel, Ordering::Relaxed, more).is_ok()
    }

    /// Puts a reference; the last one frees the page.
    pub(crate) fn put(&self, pfn: u64) {
        let Some(references) = self.references_of(pfn) else { return };
        if references.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.free.lock().returned.push(pfn);
        }
    }

    /// `lock_page`
    pub(crate) fn lock(&self, pfn: u64) {
        let mut locked = self.locked.lock();
        while !locked.insert(pfn) {
            self.unlocked.wait(&mut locked);
        }
    }

    /// `unlock_page`
    pub(crate) fn unlock(&self, pfn: u64) {
        self.locked.lock().remove(&pfn);
        self.unlocked.notify_all();
    }

    /// The bytes of a page. Users may change them at any time, as hardware does, so each is an atomic.
    fn bytes_of(&self, pfn: u64) -> &[AtomicU8] {
        debug_assert!(self.kind(pfn).is_some(), "frame {pfn:#x} has no page");
        let at = self.base + bytes(pfn);
        // SAFETY: the object is mapped there for as long as it lives, which is longer than this borrow. The page has
        // memory: pages and devices are populated when they are made, and never punched. All accesses from this side
        // are atomic.
        unsafe { slice::from_raw_parts(at as *const AtomicU8, PAGE_SIZE) }
    }

    fn clear(&self, pfn: u64) {
        let at = self.base + bytes(pfn);
        // SAFETY: as in `bytes_of`; a page is aligned for 8 bytes.
        let words = unsafe { slice::from_raw_parts(at as *const AtomicU64, PAGE_SIZE / size_of::<u64>()) };
        for word in words {
            word.store(0, Ordering::Relaxed);
        }
    }

    /// Loads bytes of a page. `false`, and nothing is copied, if they do not all lie in it.
    pub(crate) fn read(&self, pfn: u64, offset: usize, into: &mut [u8]) -> bool {
        let Some(from) = part(self.bytes_of(pfn), offset, into.len()) else { return false };
        for (to, from) in into.iter_mut().zip(from) {
            *to = from.load(Ordering::Relaxed);
        }
        true
    }

    /// Stores bytes to a page. As [`read`](Self::read).
    pub(crate) fn write(&self, pfn: u64, offset: usize, from: &[u8]) -> bool {
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
