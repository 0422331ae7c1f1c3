//! The machine: a list of frames, each with a kind, a count of references, a lock and bytes.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU8, AtomicUsize, Ordering},
};

use parking_lot::{Condvar, Mutex};
use vmctx::Errno;
use vmctx_hosted::{FrameKind, Machine};

use crate::PAGE_SIZE;

/// Frames of RAM: 64 MiB.
const RAM: usize = 0x4000;
/// The number of the zero page. Those before it are a hole.
const ZERO: u64 = 1;
const FIRST_RAM: u64 = 2;
/// Device memory begins here, and is handed out piece by piece.
pub(crate) const FIRST_DEVICE: u64 = 0x10_0000;
const DEVICE: usize = 0x1_0000;

/// A frame's bytes, each an atomic of its own: users and drivers may be at them at once.
type Bytes = OnceLock<Box<[AtomicU8]>>;

#[derive(Default)]
struct Ram {
    references: AtomicUsize,
    anonymous: AtomicUsize,
    locked: Mutex<bool>,
    unlocked: Condvar,
    bytes: Bytes,
}

struct Parts {
    ram: Vec<Ram>,
    free: Mutex<Vec<usize>>,
    zero: Bytes,
    devices: Vec<Bytes>,
    devices_used: AtomicUsize,
}

/// The machine. Clones are the same one. A program has one: the frames of a second would need numbers that are not the
/// first one's.
#[derive(Clone)]
pub(crate) struct Memory(Arc<Parts>);

impl Memory {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Parts {
            ram: (0..RAM).map(|_| Ram::default()).collect(),
            free: Mutex::new((0..RAM).rev().collect()),
            zero: Bytes::new(),
            devices: (0..DEVICE).map(|_| Bytes::new()).collect(),
            devices_used: AtomicUsize::new(0),
        }))
    }

    /// So many frames of device memory that nobody has yet, the first aligned to their number if that is a power of
    /// two. What nobody has taken is a hole.
    pub(crate) fn take_device(&self, count: usize) -> Result<u64, Errno> {
        let place = |used: usize| if count.is_power_of_two() { used.next_multiple_of(count) } else { used };
        let more = |used: usize| place(used).checked_add(count).filter(|end| *end <= DEVICE);
        let used = self.0.devices_used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        used.map(|used| FIRST_DEVICE + place(used) as u64).map_err(|_| Errno::ENOMEM)
    }

    fn ram_index(pfn: u64) -> Option<usize> {
        usize::try_from(pfn.checked_sub(FIRST_RAM)?).ok()
    }

    fn ram(&self, pfn: u64) -> Option<&Ram> {
        self.0.ram.get(Self::ram_index(pfn)?)
    }

    fn device(&self, pfn: u64) -> Option<&Bytes> {
        let index = usize::try_from(pfn.checked_sub(FIRST_DEVICE)?).ok()?;
        self.0.devices.get(..self.0.devices_used.load(Ordering::Relaxed))?.get(index)
    }

    /// These bytes of a frame.
    fn bytes(&self, pfn: u64, offset: usize, len: usize) -> Option<&[AtomicU8]> {
        let zero = (pfn == ZERO).then_some(&self.0.zero);
        let bytes = self.ram(pfn).map(|ram| &ram.bytes).or(zero).or_else(|| self.device(pfn))?;
        let all = bytes.get_or_init(|| (0..PAGE_SIZE).map(|_| AtomicU8::new(0)).collect());
        all.get(offset..offset.checked_add(len)?)
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
        if pfn == ZERO {
            Some(FrameKind::Zero)
        } else if self.ram(pfn).is_some() {
            Some(FrameKind::Ram)
        } else {
            self.device(pfn).map(|_| FrameKind::Device)
        }
    }

    fn are_there(&self, first: u64, count: usize) -> bool {
        let last = first.saturating_add(count as u64).saturating_sub(1);
        self.kind(first).is_some() && self.kind(first) == self.kind(last)
    }

    fn zero_page(&self) -> u64 {
        ZERO
    }

    fn allocate(&self, anonymous: bool) -> Result<u64, Errno> {
        let index = self.0.free.lock().pop().ok_or(Errno::ENOMEM)?;
        let ram = self.0.ram.get(index).ok_or(Errno::ENOMEM)?;
        for byte in ram.bytes.get().into_iter().flatten() {
            byte.store(0, Ordering::Relaxed);
        }
        ram.anonymous.store(anonymous.into(), Ordering::Relaxed);
        ram.references.store(1, Ordering::Release);
        Ok(FIRST_RAM + index as u64)
    }

    fn is_anonymous(&self, pfn: u64) -> bool {
        self.ram(pfn).is_some_and(|ram| ram.anonymous.load(Ordering::Relaxed) != 0)
    }

    unsafe fn get(&self, pfn: u64) {
        if let Some(ram) = self.ram(pfn) {
            ram.references.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn get_unless_free(&self, pfn: u64) -> bool {
        let more = |references: usize| (references != 0).then_some(references + 1);
        let got = |ram: &Ram| ram.references.fetch_update(Ordering::AcqRel, Ordering::Relaxed, more).is_ok();
        self.ram(pfn).is_some_and(got)
    }

    unsafe fn put(&self, pfn: u64) {
        if self.ram(pfn).is_some_and(|ram| ram.references.fetch_sub(1, Ordering::AcqRel) == 1) {
            self.0.free.lock().extend(Self::ram_index(pfn));
        }
    }

    fn references(&self, pfn: u64) -> usize {
        self.ram(pfn).map_or(0, |ram| ram.references.load(Ordering::Acquire))
    }

    fn lock(&self, pfn: u64) {
        let Some(ram) = self.ram(pfn) else { return };
        let mut locked = ram.locked.lock();
        while *locked {
            ram.unlocked.wait(&mut locked);
        }
        *locked = true;
    }

    unsafe fn unlock(&self, pfn: u64) {
        let Some(ram) = self.ram(pfn) else { return };
        *ram.locked.lock() = false;
        ram.unlocked.notify_one();
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

    fn copy(&self, from: u64, to: u64) {
        let mut page = [0; PAGE_SIZE];
        if self.read(from, 0, &mut page) {
            self.write(to, 0, &page);
        }
    }
}
