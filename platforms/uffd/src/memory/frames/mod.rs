//! The memory object (`memfd_create`) that drivers and users have mapped, by frames.
//!
//! The frame numbers of each object begin at a base of their own, and are used by no other for the life of the program:
//! a driver holds frames as numbers, and may hold one of another object's. From that base on a number is a page's place
//! in the object:
//!
//! | frames | what |
//! | --- | --- |
//! | `0` | the zero page |
//! | `1..` | pages, as many as the memory was made with |
//! | behind them | memory of devices, range by range as it is made |
//!
//! A guest is told places, and no numbers.

mod bytes;
mod counts;
mod free_pages;
mod numbers;
mod references;

use std::{
    collections::HashSet,
    ops::Range,
    os::fd::OwnedFd,
    sync::atomic::{AtomicBool, Ordering},
};

use parking_lot::{Condvar, Mutex};

use vmctx::Errno;

use crate::{
    error::{RawErrno, errno},
    kernel::{
        home::Home,
        sys::{self, HUGE_PAGES, PAGE_SHIFT, PAGE_SIZE, ProtFlags, View},
    },
};

use counts::Counts;
use free_pages::{FreePages, Taken};
use numbers::{DEVICE_FRAMES, NUMBERS, Numbers};

pub(crate) use numbers::take_numbers;

/// The place of the zero page, and of the first page of RAM.
const ZERO_PAGE: u64 = 0;
const FIRST_RAM: u64 = 1;

/// Why there is no memory object.
pub(crate) enum NoFrames {
    /// All frame numbers were used, by the objects before this one.
    NoNumbers,
    /// There are no large pages.
    NoHugePages(RawErrno),
    /// A file may not be as large as this.
    FileSize { wanted: u64, limit: u64 },
    /// The kernel refuses.
    Refused(RawErrno),
}

impl From<RawErrno> for NoFrames {
    fn from(errno: RawErrno) -> Self {
        Self::Refused(errno)
    }
}

/// What a frame number leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameKind {
    Ram,
    Zero,
    Device,
}

/// The memory object, and what is known of each frame.
pub(crate) struct Frames {
    fd: OwnedFd,
    /// It has large pages, which are a device's.
    huge: bool,
    /// The number of its first frame.
    first: u64,
    /// Where the driver's side has it mapped.
    view: Range<usize>,
    /// One behind the last page of RAM.
    ram_end: u64,
    device_start: u64,
    /// One behind the last frame that can lead anywhere.
    end: u64,
    references: Counts,
    free: Mutex<FreePages>,
    /// Held while free pages are taken out to give their memory back: for want of these alone nobody is to go without.
    trims: Mutex<()>,
    devices: Mutex<Vec<Range<u64>>>,
    /// The first frame that was allocated since somebody last asked.
    first_allocated: Mutex<Option<u64>>,
    /// Somebody may reach frames by their numbers, free ones as well.
    by_number: AtomicBool,
    locked: Mutex<HashSet<u64>>,
    unlocked: Condvar,
    home: Home,
}

impl Drop for Frames {
    fn drop(&mut self) {
        // A child of fork has no such view; something else may be mapped there.
        if self.home.is_here() {
            // SAFETY: mapped when this was made; pages, device memory and mappings hold this, so nobody is left.
            unsafe { sys::unmap(&self.view) };
        }
    }
}

fn bytes(frames: u64) -> usize {
    usize::try_from(frames).unwrap_or(usize::MAX).saturating_mul(PAGE_SIZE)
}

impl Frames {
    /// An object of up to so many pages, and as much for devices as anybody wants.
    pub(crate) fn new(pages: usize) -> Result<Self, NoFrames> {
        Self::numbered(pages, &NUMBERS)
    }

    /// An object of so many large pages, all of them a device's, and nothing else.
    pub(crate) fn huge(pages: usize) -> Result<Self, NoFrames> {
        let wanted = u64::try_from(pages).unwrap_or(u64::MAX);
        let fd = sys::huge_memfd(wanted).map_err(NoFrames::NoHugePages)?;
        let count = wanted * HUGE_PAGES as u64;
        let home = Home::here()?;
        let view = View { fd: &fd, offset: 0, shared: true, prot: ProtFlags::READ | ProtFlags::WRITE };
        let base = sys::map(bytes(count), view)?;
        let view = base..base + bytes(count);
        // One more, which leads nowhere.
        let Some(Range { start: first, end: behind }) = NUMBERS.take(count + 1) else {
            // SAFETY: mapped just now, and nobody knows of it.
            unsafe { sys::unmap(&view) };
            return Err(NoFrames::NoNumbers);
        };
        let end = behind - 1;
        Ok(Self {
            fd,
            huge: true,
            first,
            view,
            ram_end: first,
            device_start: first,
            end,
            references: Counts::new(0)?,
            free: Mutex::new(FreePages::new(first..first)),
            trims: Mutex::default(),
            devices: Mutex::new(Vec::new()),
            first_allocated: Mutex::default(),
            by_number: AtomicBool::new(false),
            locked: Mutex::default(),
            unlocked: Condvar::new(),
            home,
        })
    }

    /// Whether it has large pages.
    pub(crate) fn is_huge(&self) -> bool {
        self.huge
    }

    fn numbered(pages: usize, numbers: &Numbers) -> Result<Self, NoFrames> {
        let ram = FIRST_RAM + u64::try_from(pages).unwrap_or(u64::MAX).min(u64::from(u32::MAX));
        let device = ram.next_multiple_of(512);
        // The kernel sends a signal to whoever makes a file larger than that.
        let limit = sys::file_size_limit();
        if device << PAGE_SHIFT > limit {
            return Err(NoFrames::FileSize { wanted: device << PAGE_SHIFT, limit });
        }
        let count = (device + DEVICE_FRAMES).min(limit >> PAGE_SHIFT);
        let home = Home::here()?;
        let fd = sys::memfd(count << PAGE_SHIFT)?;
        let view = View { fd: &fd, offset: 0, shared: true, prot: ProtFlags::READ | ProtFlags::WRITE };
        let base = sys::map(bytes(count), view)?;
        let view = base..base + bytes(count);
        let Some(Range { start: first, end }) = numbers.take(count) else {
            // SAFETY: mapped just now, and nobody knows of it.
            unsafe { sys::unmap(&view) };
            return Err(NoFrames::NoNumbers);
        };
        let first_page = first + FIRST_RAM;
        let frames = Self {
            fd,
            huge: false,
            first,
            view,
            ram_end: first + ram,
            device_start: first + device,
            end,
            references: Counts::new(usize::try_from(ram).unwrap_or(usize::MAX))?,
            free: Mutex::new(FreePages::new(first_page..first + ram)),
            trims: Mutex::default(),
            devices: Mutex::new(Vec::new()),
            first_allocated: Mutex::default(),
            by_number: AtomicBool::new(false),
            locked: Mutex::default(),
            unlocked: Condvar::new(),
            home,
        };
        frames.populate(frames.zero_page()..first_page)?;
        Ok(frames)
    }

    /// Takes free frames. Where that fails, the last ones may be on their way to the system, and are free as soon as they are
    /// there: then it is tried once more.
    fn take_or_wait<T>(&self, take: impl Fn(&mut FreePages) -> Result<T, Errno>) -> Result<T, Errno> {
        let taken = take(&mut self.free.lock());
        taken.or_else(|_| {
            let _trims = self.trims.lock();
            take(&mut self.free.lock())
        })
    }

    /// A fresh page of zeros, with one reference.
    pub(crate) fn alloc_page(&self) -> Result<u64, Errno> {
        self.home.check().map_err(errno)?;
        let taken = self.take_or_wait(|free| free.take(|frames| self.populate(frames)))?;
        let pfn = match taken {
            Taken::Fresh(pfn) if !self.by_number.load(Ordering::Acquire) => pfn,
            Taken::Fresh(pfn) | Taken::Used(pfn) => {
                self.clear(pfn);
                pfn
            }
        };
        self.begin(pfn);
        self.note_allocated(pfn);
        Ok(pfn)
    }

    /// Keeps so many frames in a row, without memory. Gives back the first.
    pub(crate) fn keep_row(&self, count: usize) -> Result<u64, Errno> {
        self.home.check().map_err(errno)?;
        let wanted = u64::try_from(count).ok().filter(|count| *count != 0).ok_or(Errno::EINVAL)?;
        let first = self.take_or_wait(|free| free.keep_row(wanted).ok_or(Errno::ENOMEM))?;
        // A file that is opened next is likely to show it.
        *self.first_allocated.lock() = Some(first);
        Ok(first)
    }

    /// A fresh page of zeros, which is this frame of a row, with one reference.
    pub(crate) fn alloc_of_row(&self, pfn: u64) -> Result<u64, Errno> {
        self.home.check().map_err(errno)?;
        self.free.lock().take_of_row(pfn)?;
        self.populate(pfn..pfn + 1).map_err(|raw| self.free.lock().untake(pfn, raw))?;
        if self.by_number.load(Ordering::Acquire) {
            self.clear(pfn);
        }
        self.begin(pfn);
        Ok(pfn)
    }

    /// Gives a row up. Pages of it that are used stay.
    pub(crate) fn give_up_row(&self, first: u64) {
        if self.is_here() {
            self.free.lock().give_up_row(first);
        }
    }

    /// Gives the memory of free pages back to the system. How many pages it was.
    pub(crate) fn trim(&self) -> usize {
        if !self.is_here() {
            return 0;
        }
        let _trims = self.trims.lock();
        let returned = self.free.lock().take_returned();
        let mut pages = 0;
        for range in returned {
            let punched = self.punch(&range);
            let mut free = self.free.lock();
            if punched.is_ok() {
                pages += usize::try_from(range.end - range.start).unwrap_or(0);
                free.add_spare(range);
            } else {
                free.put_back(range);
            }
        }
        pages
    }

    fn punch(&self, frames: &Range<u64>) -> Result<(), RawErrno> {
        sys::punch_hole(&self.fd, &(self.offset(frames.start)..self.offset(frames.end)))
    }

    /// Fresh frames of a device's own, which are not counted and stay for as long as the object does. Gives back the
    /// first, which is aligned to their number if that is a power of two.
    pub(crate) fn alloc_device(&self, count: usize) -> Result<u64, Errno> {
        self.home.check().map_err(errno)?;
        let wanted = u64::try_from(count).map_err(|_| Errno::ENOMEM)?;
        if wanted == 0 {
            return Err(Errno::EINVAL);
        }
        let least = if self.huge { HUGE_PAGES as u64 } else { 1 };
        if wanted % least != 0 {
            return Err(Errno::EINVAL);
        }
        let align = if wanted.is_power_of_two() { wanted } else { least };
        let mut devices = self.devices.lock();
        // A frame between two devices stays a hole, so that running over the end of one is noticed. Large pages are too
        // dear for that.
        let hole = if self.huge { 0 } else { 1 };
        let first = devices.last().map_or(self.device_start, |last| last.end + hole);
        let first = first.checked_next_multiple_of(align).ok_or(Errno::ENOMEM)?;
        let end = first.checked_add(wanted).filter(|end| end + hole <= self.end).ok_or(Errno::ENOMEM)?;
        if !self.huge {
            self.populate(first..end).map_err(|_| Errno::ENOMEM)?;
        }
        devices.push(first..end);
        drop(devices);
        self.note_allocated(first);
        Ok(first)
    }

    /// Whether this is the process that has made it, and no child of that. A child has no access to its bytes.
    pub(crate) fn is_here(&self) -> bool {
        self.home.is_here()
    }

    /// How many pages are allocated.
    pub(crate) fn pages_in_use(&self) -> usize {
        if !self.is_here() {
            return 0;
        }
        self.free.lock().in_use()
    }

    pub(crate) fn fd(&self) -> &OwnedFd {
        &self.fd
    }

    /// One behind the last frame that can lead anywhere.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// The number of the zero page. Among large pages there is none, and it leads nowhere.
    pub(crate) fn zero_page(&self) -> u64 {
        if self.huge { self.end } else { self.first + ZERO_PAGE }
    }

    /// A number that leads nowhere.
    pub(crate) fn hole(&self) -> u64 {
        if self.huge { self.end } else { self.end - 1 }
    }

    /// From now on frames may be stored to by their numbers, whether anybody uses them or not. So none has zeros for want of
    /// a user.
    pub(crate) fn note_by_number(&self) {
        self.by_number.store(true, Ordering::Release);
    }

    /// How many of the frames from `first` on, up to `count`, the object has, wherever they lead.
    pub(crate) fn has(&self, first: u64, count: usize) -> usize {
        let has = if first < self.first { 0 } else { self.end.saturating_sub(first) };
        usize::try_from(has).unwrap_or(usize::MAX).min(count)
    }

    /// Where in the object a frame of it begins, in bytes.
    pub(crate) fn offset(&self, pfn: u64) -> u64 {
        self.place(pfn) << PAGE_SHIFT
    }

    /// The place of a frame in the object. For another object's frame it is none that this one has.
    fn place(&self, pfn: u64) -> u64 {
        pfn.wrapping_sub(self.first)
    }

    /// The first frame that was allocated since this was last asked.
    pub(crate) fn take_first_allocated(&self) -> Option<u64> {
        if self.is_here() { self.first_allocated.lock().take() } else { None }
    }

    fn note_allocated(&self, pfn: u64) {
        self.first_allocated.lock().get_or_insert(pfn);
    }

    /// What a frame number leads to, or `None` for a hole or another object's frame.
    pub(crate) fn kind(&self, pfn: u64) -> Option<FrameKind> {
        if pfn < self.first || !self.is_here() {
            None
        } else if pfn == self.zero_page() {
            (!self.huge).then_some(FrameKind::Zero)
        } else if pfn < self.ram_end {
            let has_memory = self.references(pfn) != 0 || self.free.lock().has_memory(pfn);
            has_memory.then_some(FrameKind::Ram)
        } else {
            let devices = self.devices.lock();
            devices.iter().any(|range| range.contains(&pfn)).then_some(FrameKind::Device)
        }
    }

    /// Gives frames memory of their own, of zeros, where they have none.
    pub(crate) fn populate(&self, frames: Range<u64>) -> Result<(), RawErrno> {
        sys::allocate(&self.fd, &(self.offset(frames.start)..self.offset(frames.end)))
    }
}

#[cfg(test)]
mod tests {
    use super::{numbers::MOST_FRAMES, *};

    #[test]
    fn no_number_is_a_frame_of_two_objects() {
        let numbers = Numbers::new(0);
        let objects: Vec<_> = (0..3).map(|_| Frames::numbered(100, &numbers).ok().unwrap()).collect();
        for own in &objects {
            let (page, device) = (own.alloc_page().unwrap(), own.alloc_device(512).unwrap());
            assert_eq!(device % 512, 0);
            own.write(device, 0, &[7]);
            for other in objects.iter().filter(|other| other.first != own.first) {
                let foreign = [own.zero_page(), page, device, own.end() - 1];
                assert_eq!(foreign.map(|pfn| other.kind(pfn)), [None; 4]);
                assert_eq!((other.references(page), other.get_unless_free(page)), (0, false));
            }
        }
    }

    #[test]
    fn when_there_are_no_numbers_there_is_no_object() {
        let numbers = Numbers::new(MOST_FRAMES - 2 * DEVICE_FRAMES);
        // One that needs more leaves those to one that needs less.
        assert!(matches!(Frames::numbered(1 << 20, &numbers), Err(NoFrames::NoNumbers)));
        let last = Frames::numbered(100, &numbers).ok().unwrap();
        assert!(last.end().checked_mul(PAGE_SIZE as u64).is_some());
        assert!(matches!(Frames::numbered(100, &numbers), Err(NoFrames::NoNumbers)));
    }
}
