//! The machine: a list of frames, each with a count of references, a lock and bytes.

use std::{
    mem,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering},
    },
};

use parking_lot::Mutex;
use vmctx::{Errno, PageCount};
use vmctx_hosted::{Counts, Event, EventCounters, FrameKind, Machine};

use crate::PAGE_SIZE;

/// The number of the zero page. Before it is a hole.
const ZERO: u64 = 1;
/// RAM: 64 MiB.
const FIRST_RAM: u64 = 2;
/// Device memory begins here, and is handed out piece by piece: what nobody has taken is a hole.
const FIRST_DEVICE: u64 = 0x4000;
/// All the frames that there can be.
pub(crate) const FRAMES: PageCount = PageCount::new(0x1_4000);

#[derive(Default)]
struct Frame {
    references: AtomicUsize,
    is_anonymous: AtomicBool,
    lock: Mutex<()>,
    /// Each an atomic of its own: users and drivers may be at them at once.
    bytes: OnceLock<Box<[AtomicU8]>>,
}

struct Parts {
    frames: Vec<Frame>,
    free: Mutex<Vec<u64>>,
    device_end: AtomicU64,
    counters: EventCounters,
}

/// The machine. Clones are the same one. A program has one: the frames of a second would need numbers that are not the
/// first one's.
#[derive(Clone)]
pub(crate) struct Memory(Arc<Parts>);

impl Memory {
    pub(crate) fn new() -> Self {
        let frames = (0..FRAMES.get()).map(|_| Frame::default()).collect();
        let free = Mutex::new((FIRST_RAM..FIRST_DEVICE).rev().collect());
        let (device_end, counters) = (AtomicU64::new(FIRST_DEVICE), EventCounters::default());
        Self(Arc::new(Parts { frames, free, device_end, counters }))
    }

    /// So many frames of device memory that nobody has yet, the first aligned to their number if that is a power of
    /// two.
    pub(crate) fn take_device(&self, count: PageCount) -> Result<u64, Errno> {
        let count = count.get() as u64;
        let place = |end: u64| if count.is_power_of_two() { end.next_multiple_of(count) } else { end };
        let more = |end: u64| place(end).checked_add(count).filter(|end| *end <= FRAMES.get() as u64);
        let end = self.0.device_end.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        end.map(place).map_err(|_| Errno::ENOMEM)
    }

    fn frame(&self, pfn: u64) -> Option<&Frame> {
        self.kind(pfn).and_then(|_| self.0.frames.get(usize::try_from(pfn).ok()?))
    }

    fn ram(&self, pfn: u64) -> Option<&Frame> {
        self.frame(pfn).filter(|_| self.kind(pfn) == Some(FrameKind::Ram))
    }

    /// These bytes of a frame.
    fn bytes(&self, pfn: u64, offset: usize, len: usize) -> Option<&[AtomicU8]> {
        let zeros = || (0..PAGE_SIZE).map(|_| AtomicU8::new(0)).collect();
        self.frame(pfn)?.bytes.get_or_init(zeros).get(offset..offset.checked_add(len)?)
    }
}

// A reference more or less than there are would free a frame that is mapped, or never free it: that is what `unsafe` is
// for.
#[expect(unsafe_code, reason = "the contracts are the trait's")]
impl Machine for Memory {
    fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    fn kind(&self, pfn: u64) -> Option<FrameKind> {
        match pfn {
            0..ZERO => None,
            ZERO => Some(FrameKind::Zero),
            FIRST_RAM..FIRST_DEVICE => Some(FrameKind::Ram),
            _ => (pfn < self.0.device_end.load(Ordering::Relaxed)).then_some(FrameKind::Device),
        }
    }

    fn zero_page(&self) -> u64 {
        ZERO
    }

    fn allocate(&self, anonymous: bool) -> Result<u64, Errno> {
        let pfn = self.0.free.lock().pop().ok_or(Errno::ENOMEM)?;
        let frame = self.ram(pfn).ok_or(Errno::ENOMEM)?;
        frame.bytes.get().into_iter().flatten().for_each(|byte| byte.store(0, Ordering::Relaxed));
        frame.is_anonymous.store(anonymous, Ordering::Relaxed);
        frame.references.store(1, Ordering::Release);
        Ok(pfn)
    }

    fn is_anonymous(&self, pfn: u64) -> bool {
        self.ram(pfn).is_some_and(|frame| frame.is_anonymous.load(Ordering::Relaxed))
    }

    unsafe fn get(&self, pfn: u64) {
        self.get_unless_free(pfn);
    }

    fn get_unless_free(&self, pfn: u64) -> bool {
        let more = |references: usize| (references != 0).then_some(references + 1);
        let got = |frame: &Frame| frame.references.fetch_update(Ordering::AcqRel, Ordering::Relaxed, more).is_ok();
        self.ram(pfn).is_some_and(got)
    }

    unsafe fn put(&self, pfn: u64) {
        if self.ram(pfn).is_some_and(|frame| frame.references.fetch_sub(1, Ordering::AcqRel) == 1) {
            self.0.free.lock().push(pfn);
        }
    }

    fn references(&self, pfn: u64) -> usize {
        self.ram(pfn).map_or(0, |frame| frame.references.load(Ordering::Acquire))
    }

    fn pages_in_use(&self) -> usize {
        let is_in_use = |frame: &&Frame| frame.references.load(Ordering::Relaxed) != 0;
        self.0.frames.iter().filter(is_in_use).count()
    }

    fn lock(&self, pfn: u64) {
        // The guard is a promise to unlock, which the caller has given.
        mem::forget(self.ram(pfn).map(|frame| frame.lock.lock()));
    }

    unsafe fn unlock(&self, pfn: u64) {
        if let Some(frame) = self.ram(pfn) {
            // SAFETY: the caller has locked the page, and the guard was forgotten then.
            unsafe { frame.lock.force_unlock() };
        }
    }

    fn read(&self, pfn: u64, offset: usize, into: &mut [u8]) -> bool {
        let Some(from) = self.bytes(pfn, offset, into.len()) else { return false };
        into.iter_mut().zip(from).for_each(|(to, from)| *to = from.load(Ordering::Relaxed));
        true
    }

    fn write(&self, pfn: u64, offset: usize, from: &[u8]) -> bool {
        let Some(to) = self.bytes(pfn, offset, from.len()) else { return false };
        to.iter().zip(from).for_each(|(to, from)| to.store(*from, Ordering::Relaxed));
        true
    }

    fn count(&self, event: Event) {
        self.0.counters.count(event);
    }

    fn counts(&self) -> Option<Counts> {
        Some(self.0.counters.counts())
    }
}
