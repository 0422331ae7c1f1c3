//! Physical memory: a table of frames by number, as a kernel's `mem_map`.
//!
//! A machine's frame numbers begin at a base of its own, and no other machine ever has them, so that a frame of another
//! machine is recognised instead of leading to somebody else's bytes. From that base on:
//!
//! | frames | what |
//! | --- | --- |
//! | `0x10` | the zero page |
//! | `0x100..` | RAM, as much as [`Limits::frames`](crate::Limits::frames) says |
//! | `0x80_0000..` | device memory, range by range as it is made |
//! | the rest | holes: nothing there, nothing to be mapped |

use std::{
    collections::BTreeMap,
    iter::repeat_with,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering},
    },
};

use once_cell::race::OnceBox;
use parking_lot::{Condvar, Mutex, RwLock};

use vmctx::Errno;
use vmctx_hosted::{FrameKind, Sharded};

use crate::array::array;

/// The base-2 logarithm of the page size: pages of 4 KiB, if no feature says otherwise.
pub(crate) const PAGE_SHIFT: u32 = if cfg!(feature = "pages-64k") {
    16
} else if cfg!(feature = "pages-16k") {
    14
} else {
    12
};
/// Bytes in a page.
pub(crate) const PAGE_SIZE: usize = 1 << PAGE_SHIFT;

/// How many frame numbers each machine has for itself, as a power of two.
const WINDOW_SHIFT: u32 = 24;
/// How many machines a program can have made: frame numbers are below 2^52, as in a page table entry, and the bytes of
/// all of them can be counted.
const MOST_MACHINES: u64 = (1 << (52 - WINDOW_SHIFT)) - 1;
const ZERO_PAGE: u64 = 0x10;
const FIRST_RAM: u64 = 0x100;
const FIRST_DEVICE: u64 = 0x80_0000;

/// The most frames of RAM that a machine can have.
pub(crate) const MAX_RAM: usize = 0x40_0000;

/// Descriptors are made in sections of this many, when first needed.
const SECTION: usize = 512;

/// The bytes of one frame, made when first touched.
///
/// Each byte is an atomic of its own, and copied relaxed: a user and a driver may be at the same bytes at once, as on a
/// real machine, and here too that is no undefined behaviour.
#[derive(Default)]
struct Bytes(OnceBox<[AtomicU8; PAGE_SIZE]>);

impl Bytes {
    fn all(&self) -> &[AtomicU8] {
        self.0.get_or_init(array)
    }

    /// Both `false`, and nothing copied, if the bytes do not all lie in the frame.
    fn read(&self, offset: usize, into: &mut [u8]) -> bool {
        let Some(from) = part(self.all(), offset, into.len()) else { return false };
        for (to, from) in into.iter_mut().zip(from) {
            *to = from.load(Ordering::Relaxed);
        }
        true
    }

    fn write(&self, offset: usize, from: &[u8]) -> bool {
        let Some(to) = part(self.all(), offset, from.len()) else { return false };
        for (to, from) in to.iter().zip(from) {
            to.store(*from, Ordering::Relaxed);
        }
        true
    }

    fn clear(&self) {
        for byte in self.0.get().iter().flat_map(|bytes| bytes.iter()) {
            byte.store(0, Ordering::Relaxed);
        }
    }
}

fn part(bytes: &[AtomicU8], offset: usize, len: usize) -> Option<&[AtomicU8]> {
    bytes.get(offset..offset.checked_add(len)?)
}

/// References to a frame and, above these, how many of them page table entries hold: in one word, because an entry comes
/// and goes with its reference. There is room for 2^40 references, and for 2^24 entries, above which they are counted
/// from zero again.
#[derive(Default)]
struct FrameCounts(AtomicU64);

impl FrameCounts {
    const ENTRY: u64 = 1 << 40;
    const REFERENCES: u64 = Self::ENTRY - 1;

    fn references(&self) -> usize {
        usize::try_from(self.0.load(Ordering::Acquire) & Self::REFERENCES).unwrap_or(usize::MAX)
    }

    fn entries(&self) -> usize {
        usize::try_from(self.0.load(Ordering::Acquire) / Self::ENTRY).unwrap_or(usize::MAX)
    }

    /// Adds these, where references are that nobody puts meanwhile.
    fn add(&self, counts: u64) {
        self.0.fetch_add(counts, Ordering::Relaxed);
    }

    /// One more reference, if there is one.
    fn get_unless_free(&self) -> bool {
        let more = |counts: u64| (counts & Self::REFERENCES != 0).then_some(counts.wrapping_add(1));
        self.0.fetch_update(Ordering::AcqRel, Ordering::Relaxed, more).is_ok()
    }

    /// Takes these away. Whether no reference is left.
    fn put(&self, counts: u64) -> bool {
        self.0.fetch_sub(counts, Ordering::AcqRel).wrapping_sub(counts) & Self::REFERENCES == 0
    }
}

/// One frame of RAM: the `struct page`.
#[derive(Default)]
struct RamFrame {
    counts: FrameCounts,
    anonymous: AtomicBool,
    locked: Mutex<bool>,
    unlocked: Condvar,
    bytes: Bytes,
}

/// So many frames, one after the other, once one of them is needed.
type Section = OnceBox<[RamFrame; SECTION]>;

/// Frames of a device: bytes, and nothing to count references with.
struct DeviceRange {
    frames: Box<[Bytes]>,
}

/// What some of the threads have to do with the frames of RAM, apart from what others have: the sum of the counts
/// is right, and each alone may be below zero.
#[derive(Default)]
struct Share {
    /// Frames that were given back, last in first out.
    returned: Mutex<Vec<usize>>,
    in_use: AtomicUsize,
}

/// The frames of one machine.
pub(crate) struct PhysicalMemory {
    base: u64,
    /// One behind the last number that is this machine's.
    end: u64,
    ram_frames: usize,
    ram: Box<[Section]>,
    /// From here on no frame was ever used.
    untouched: AtomicUsize,
    shares: Sharded<Share>,
    zero: Bytes,
    devices: RwLock<BTreeMap<u64, Arc<DeviceRange>>>,
}

impl PhysicalMemory {
    pub(crate) fn new(ram_frames: usize) -> Self {
        static MACHINES: AtomicU64 = AtomicU64::new(0);
        Self::numbered(ram_frames, &MACHINES)
    }

    /// The memory of the next machine, and none when there were as many as there can be.
    fn numbered(ram_frames: usize, machines: &AtomicU64) -> Self {
        let next = |made: u64| (made < MOST_MACHINES).then_some(made + 1);
        let made = machines.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
        let base = made.unwrap_or(MOST_MACHINES) << WINDOW_SHIFT;
        let (end, ram_frames) =
            if made.is_ok() { (base + (1 << WINDOW_SHIFT), ram_frames.min(MAX_RAM)) } else { (base, 0) };
        Self {
            base,
            end,
            ram_frames,
            ram: repeat_with(Section::new).take(ram_frames.div_ceil(SECTION)).collect(),
            untouched: AtomicUsize::new(0),
            shares: Sharded::default(),
            zero: Bytes::default(),
            devices: RwLock::new(BTreeMap::new()),
        }
    }

    /// Every frame number there can be, of this machine and of those before it, which are holes here.
    pub(crate) fn all_frames(&self) -> Range<u64> {
        0..self.end
    }

    pub(crate) fn zero_page(&self) -> u64 {
        self.base + ZERO_PAGE
    }

    pub(crate) fn frames_in_use(&self) -> usize {
        self.shares.all().fold(0, |sum, share| sum.wrapping_add(share.in_use.load(Ordering::Relaxed)))
    }

    /// All references to all frames: counted when it is asked for, so that whoever takes one has nothing more to count.
    pub(crate) fn references_held(&self) -> usize {
        let made = self.ram.iter().filter_map(OnceBox::get).flat_map(|section| section.iter());
        made.map(|frame| frame.counts.references()).sum()
    }

    /// What is there, or `None` for a hole or another machine's frame.
    pub(crate) fn kind(&self, pfn: u64) -> Option<FrameKind> {
        if pfn == self.zero_page() {
            Some(FrameKind::Zero)
        } else if self.ram_index(pfn).is_some() {
            Some(FrameKind::Ram)
        } else {
            self.device(pfn).map(|_| FrameKind::Device)
        }
    }

    /// Whether this many frames from this one on are all RAM, or all of one device.
    pub(crate) fn are_there(&self, first: u64, count: usize) -> bool {
        if let Some(index) = self.ram_index(first) {
            return self.ram_frames - index >= count;
        }
        self.device(first).is_some_and(|(range, index)| range.frames.len() - index >= count)
    }

    /// A fresh frame of zeros with one reference.
    pub(crate) fn allocate(&self, anonymous: bool) -> Result<u64, Errno> {
        let index = self.take_free().ok_or(Errno::ENOMEM)?;
        let pfn = self.base + FIRST_RAM + index as u64;
        let frame = self.ram(pfn).ok_or(Errno::ENOMEM)?;
        frame.bytes.clear();
        frame.anonymous.store(anonymous, Ordering::Relaxed);
        frame.counts.0.store(1, Ordering::Release);
        self.shares.mine().in_use.fetch_add(1, Ordering::Relaxed);
        Ok(pfn)
    }

    /// A frame that nobody uses: one that this thread has given back, a fresh one, or one of the others'.
    fn take_free(&self) -> Option<usize> {
        if let Some(index) = self.shares.mine().returned.lock().pop() {
            return Some(index);
        }
        let more = |untouched: usize| (untouched < self.ram_frames).then_some(untouched + 1);
        if let Ok(index) = self.untouched.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more) {
            return Some(index);
        }
        self.shares.all().find_map(|share| share.returned.lock().pop())
    }

    /// One more reference to a frame of which the caller has one.
    pub(crate) fn get(&self, pfn: u64) {
        if let Some(frame) = self.ram(pfn) {
            frame.counts.add(1);
        }
    }

    /// A reference to a frame that may be free (`get_page_unless_zero`); `false` if it is.
    pub(crate) fn get_unless_free(&self, pfn: u64) -> bool {
        self.ram(pfn).is_some_and(|frame| frame.counts.get_unless_free())
    }

    /// One more reference, held by an entry, to a frame of which the caller has one.
    pub(crate) fn get_mapped(&self, pfn: u64) {
        if let Some(frame) = self.ram(pfn) {
            frame.counts.add(FrameCounts::ENTRY + 1);
        }
    }

    /// Puts a reference that an entry has held.
    pub(crate) fn put_mapped(&self, pfn: u64) {
        self.put_counts(pfn, FrameCounts::ENTRY + 1);
    }

    /// Puts a reference; the last one frees the frame.
    pub(crate) fn put(&self, pfn: u64) {
        self.put_counts(pfn, 1);
    }

    fn put_counts(&self, pfn: u64, counts: u64) {
        let (Some(frame), Some(index)) = (self.ram(pfn), self.ram_index(pfn)) else { return };
        if frame.counts.put(counts) {
            let share = self.shares.mine();
            share.in_use.fetch_sub(1, Ordering::Relaxed);
            share.returned.lock().push(index);
        }
    }

    pub(crate) fn references(&self, pfn: u64) -> usize {
        self.ram(pfn).map_or(0, |frame| frame.counts.references())
    }

    pub(crate) fn mappings(&self, pfn: u64) -> usize {
        self.ram(pfn).map_or(0, |frame| frame.counts.entries())
    }

    /// Whether the frame is a private copy (`PageAnon`), which no driver may insert.
    pub(crate) fn is_anonymous(&self, pfn: u64) -> bool {
        self.ram(pfn).is_some_and(|frame| frame.anonymous.load(Ordering::Relaxed))
    }

    pub(crate) fn lock(&self, pfn: u64) {
        let Some(frame) = self.ram(pfn) else { return };
        let mut locked = frame.locked.lock();
        while *locked {
            frame.unlocked.wait(&mut locked);
        }
        *locked = true;
    }

    pub(crate) fn unlock(&self, pfn: u64) {
        let Some(frame) = self.ram(pfn) else { return };
        *frame.locked.lock() = false;
        frame.unlocked.notify_one();
    }

    /// Copies bytes of a frame out. `false` if there is no such frame, or the bytes do not lie in it.
    pub(crate) fn read(&self, pfn: u64, offset: usize, into: &mut [u8]) -> bool {
        self.with_bytes(pfn, |bytes| bytes.read(offset, into))
    }

    /// Copies bytes into a frame. As [`read`](Self::read).
    pub(crate) fn write(&self, pfn: u64, offset: usize, from: &[u8]) -> bool {
        self.with_bytes(pfn, |bytes| bytes.write(offset, from))
    }

    /// Copies a whole frame, as copy-on-write does. Nothing is copied from where there is nothing.
    pub(crate) fn copy(&self, from: u64, to: u64) {
        let mut page = [0; PAGE_SIZE];
        if self.read(from, 0, &mut page) {
            self.write(to, 0, &page);
        }
    }

    pub(crate) fn new_device(&self, count: usize) -> Result<u64, Errno> {
        let mut devices = self.devices.write();
        let first = devices
            .last_key_value()
            .map_or(self.base + FIRST_DEVICE, |(first, range)| first + range.frames.len() as u64);
        // A frame between the ranges stays a hole, so that running over the end of one is noticed.
        let first = if devices.is_empty() { first } else { first + 1 };
        // As a BAR is aligned to its size, so that large entries can map it.
        let first = if count.is_power_of_two() { first.next_multiple_of(count as u64) } else { first };
        let end = first.checked_add(count as u64).ok_or(Errno::ENOMEM)?;
        if end > self.end {
            return Err(Errno::ENOMEM);
        }
        devices.insert(first, Arc::new(DeviceRange { frames: repeat_with(Bytes::default).take(count).collect() }));
        Ok(first)
    }

    fn with_bytes(&self, pfn: u64, copy: impl FnOnce(&Bytes) -> bool) -> bool {
        if let Some(frame) = self.ram(pfn) {
            return copy(&frame.bytes);
        }
        if pfn == self.zero_page() {
            return copy(&self.zero);
        }
        let Some((range, index)) = self.device(pfn) else { return false };
        range.frames.get(index).is_some_and(copy)
    }

    #[inline]
    fn ram(&self, pfn: u64) -> Option<&RamFrame> {
        let index = self.ram_index(pfn)?;
        self.ram.get(index / SECTION)?.get_or_init(array).get(index % SECTION)
    }

    fn ram_index(&self, pfn: u64) -> Option<usize> {
        let index = usize::try_from(pfn.checked_sub(self.base + FIRST_RAM)?).ok()?;
        (index < self.ram_frames).then_some(index)
    }

    fn device(&self, pfn: u64) -> Option<(Arc<DeviceRange>, usize)> {
        let devices = self.devices.read();
        let (first, range) = devices.range(..=pfn).next_back()?;
        let index = usize::try_from(pfn - first).ok()?;
        (index < range.frames.len()).then(|| (Arc::clone(range), index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_for_which_there_are_no_numbers_has_no_memory() {
        let machines = AtomicU64::new(MOST_MACHINES - 1);
        let last = PhysicalMemory::numbered(8, &machines);
        let (page, device) = (last.allocate(false).unwrap(), last.new_device(4).unwrap());
        assert!(last.all_frames().contains(&page) && last.all_frames().contains(&device));
        // All bytes can be counted.
        assert!(last.all_frames().end.checked_mul(PAGE_SIZE as u64).is_some());

        for _ in 0..2 {
            let none = PhysicalMemory::numbered(8, &machines);
            assert_eq!((none.allocate(false), none.new_device(4)), (Err(Errno::ENOMEM), Err(Errno::ENOMEM)));
            assert_eq!(none.all_frames(), last.all_frames());
            assert_eq!((none.kind(page), none.kind(device)), (None, None));
        }
    }
}
