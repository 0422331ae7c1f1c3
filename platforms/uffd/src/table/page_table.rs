//! The page table of one mapping: what belongs in each slot, and what the kernel was told of it.
//!
//! The slots here are the truth; the kernel's page table entries are a cache of it. What is inserted is in its slot
//! before the kernel is told, and what is taken away has left its slot before the kernel is told; so a fault that comes
//! in between finds what is right.

use std::{
    iter,
    ops::Range,
    ptr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use parking_lot::Mutex;

use vmctx::Errno;

use crate::{
    error::{RawErrno, errno},
    kernel::{
        clock::{self, ReadAt, Stamp},
        sys::{HUGE_PAGES, HUGE_SIZE, PAGE_SHIFT, PAGE_SIZE, page_of},
        userfaultfd::Userfaultfd,
        zeroed::{Zeroed, Zeros},
    },
    memory::{Memory, Page},
    process::owner::Owner,
    statistics::Counters,
};

use super::{
    backing::Backing,
    claims::Claims,
    pte::{COUNTED, INSTALLED, PFN, POISONED, PRESENT, Pte, SlotState, WRITABLE},
};

/// A slot: the entry for one page, and when the page was last served. A fault looks at both, so they lie together.
pub(crate) struct Slot {
    pub(crate) entry: AtomicU64,
    pub(crate) served: Stamp,
}

// SAFETY: both fields are numbers, of which zeros are the value 0, and neither needs a drop.
unsafe impl Zeros for Slot {}

/// So many slots take a page of memory, if one of them is used.
const BLOCK: usize = PAGE_SIZE / size_of::<Slot>();

/// Whose a fault is.
pub(crate) enum Claim {
    /// The caller's.
    Own,
    /// Somebody else's, who serves one at the same page.
    Others,
    /// It may have been served since its event was read.
    Nobodys,
}

/// The page table of what one mmap has mapped. It takes memory where it is used.
pub struct Table {
    pub(crate) owner: Owner,
    direct: Arc<Userfaultfd>,
    /// The userfaultfd that is told of moves: used instead of `direct` where a driver is told of stores.
    pub(crate) moving: OnceLock<Arc<Userfaultfd>>,
    pub(crate) memory: Memory,
    pub(crate) range: Range<usize>,
    pub(crate) shared: bool,
    /// The memory has large pages, and the kernel is told of nothing smaller.
    pub(crate) huge: bool,
    /// First stores are noted, for whoever asks which pages were stored to: what is inserted is not writable, unless it is
    /// for a store.
    pub(crate) tracks: bool,
    /// The mapping is registered for write protection, too.
    pub(crate) protects: AtomicBool,
    /// Nobody serves faults any more: pages that are taken away must not be touched again.
    pub(crate) closed: AtomicBool,
    /// A page was not where the mapping had been laid out for it.
    pub(crate) misplaced: AtomicBool,
    pub(crate) slots: Zeroed<Slot>,
    /// Which [blocks](BLOCK) of slots have ever had an entry. What walks over a table passes the others by.
    used: Zeroed<AtomicBool>,
    /// What was served before is of an earlier mapping at these addresses.
    made: u64,
    claims: Claims,
    /// The lock under which entries are changed and the kernel is told; entries are read without it. It protects the
    /// frames that the kernel's mapping shows.
    pub(crate) kernel: Mutex<Backing>,
    counters: Arc<Counters>,
}

impl Table {
    /// The empty table of a range that is reserved.
    pub(crate) fn new(
        owner: Owner,
        direct: Arc<Userfaultfd>,
        memory: Memory,
        counters: Arc<Counters>,
        range: Range<usize>,
        shared: bool,
        tracks: bool,
    ) -> Result<Self, RawErrno> {
        let pages = range.len() >> PAGE_SHIFT;
        if !shared {
            // Whoever takes pages away must be able to tell copies from them. Where that cannot be told, there is no private
            // mapping; once it was, it can be told for as long as the mapping is there.
            owner.private_copies(&page_of(range.start))?;
        }
        Ok(Self {
            owner,
            claims: Claims::new(if direct.is_read() { pages } else { 0 })?,
            direct,
            moving: OnceLock::new(),
            huge: memory.is_huge(),
            memory,
            range,
            shared,
            tracks: tracks && shared,
            protects: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            misplaced: AtomicBool::new(false),
            slots: Zeroed::new(pages)?,
            used: Zeroed::new(pages.div_ceil(BLOCK))?,
            made: clock::tick(),
            kernel: Mutex::default(),
            counters,
        })
    }

    /// Those of these slots that may have entries, as ranges that do not touch each other.
    pub(crate) fn used<'t>(&'t self, slots: &Range<usize>) -> impl Iterator<Item = Range<usize>> + use<'t> {
        let (end, mut at) = (slots.end.min(self.slots.len()), slots.start);
        let is_used = |block: &usize| self.used.get(*block).is_some_and(|used| used.load(Ordering::Relaxed));
        iter::from_fn(move || {
            let blocks = at / BLOCK..end.div_ceil(BLOCK);
            let first = blocks.clone().find(is_used)?;
            let behind = (first..blocks.end).find(|block| !is_used(block)).unwrap_or(blocks.end);
            let part = at.max(first * BLOCK)..end.min(behind * BLOCK);
            at = part.end;
            Some(part).filter(|part| !part.is_empty())
        })
    }

    /// An entry is about to be put into a slot.
    #[inline]
    fn note_used(&self, slot: usize) {
        if let Some(used) = self.used.get(slot / BLOCK) {
            if !used.load(Ordering::Relaxed) {
                used.store(true, Ordering::Relaxed);
            }
        }
    }

    pub(crate) fn memory(&self) -> &Memory {
        &self.memory
    }

    pub(crate) fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    /// The userfaultfd that the mapping is registered with.
    pub(crate) fn uffd(&self) -> &Userfaultfd {
        self.moving.get().unwrap_or(&self.direct)
    }

    /// Whether the mapping is registered with this userfaultfd.
    pub(crate) fn is_registered_with(&self, uffd: &Userfaultfd) -> bool {
        ptr::eq(self.uffd(), uffd)
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }

    pub(crate) fn slot_of(&self, address: usize) -> usize {
        address.wrapping_sub(self.range.start) >> PAGE_SHIFT
    }

    pub(crate) fn slots_of(&self, addresses: &Range<usize>) -> Range<usize> {
        self.slot_of(addresses.start)..self.slot_of(addresses.end).min(self.slots.len())
    }

    /// These slots, and where the memory has large pages, all of those that they have a part of.
    #[inline]
    pub(crate) fn whole(&self, slots: Range<usize>) -> Range<usize> {
        if self.huge {
            slots.start / HUGE_PAGES * HUGE_PAGES..slots.end.next_multiple_of(HUGE_PAGES).min(self.slots.len())
        } else {
            slots
        }
    }

    /// How many bytes the kernel is told of at least.
    pub(crate) fn step(&self) -> usize {
        if self.huge { HUGE_SIZE } else { PAGE_SIZE }
    }

    pub(crate) fn address_of(&self, slot: usize) -> usize {
        self.range.start + (slot << PAGE_SHIFT)
    }

    pub(crate) fn addresses_of(&self, slots: &Range<usize>) -> Range<usize> {
        self.address_of(slots.start)..self.address_of(slots.end)
    }

    pub(crate) fn part(&self, slots: &Range<usize>) -> &[Slot] {
        self.slots.get(slots.clone()).unwrap_or_default()
    }

    pub(crate) fn bits(&self, slot: usize) -> u64 {
        self.slots.get(slot).map_or(0, |slot| slot.entry.load(Ordering::Acquire))
    }

    /// The caller holds the lock.
    pub(crate) fn set_bits(&self, slot: usize, bits: u64) {
        if bits != 0 {
            self.note_used(slot);
        }
        if let Some(slot) = self.slots.get(slot) {
            slot.entry.store(bits, Ordering::Release);
        }
    }

    /// The entry of an address.
    pub(crate) fn pte(&self, address: usize) -> Option<Pte> {
        Pte::from_bits(self.bits(self.slot_of(address)))
    }

    /// What a fault at an address finds.
    #[inline]
    pub(crate) fn slot_state(&self, address: usize) -> SlotState {
        SlotState::of_bits(self.bits(self.slot_of(address)))
    }

    /// Whether the kernel was told of the entry of an address.
    pub(crate) fn is_installed(&self, address: usize) -> bool {
        self.bits(self.slot_of(address)) & INSTALLED != 0
    }

    /// Whether an entry with these bits is write-protected in the kernel once it is installed.
    pub(crate) fn wants_protection(&self, bits: u64) -> bool {
        self.shared && bits & WRITABLE == 0 && self.protects.load(Ordering::Relaxed)
    }

    /// Whether the page of an address is there, and the next store to it is a fault.
    pub(crate) fn is_protected(&self, address: usize) -> bool {
        let bits = self.bits(self.slot_of(address));
        bits & INSTALLED != 0 && self.wants_protection(bits) && !self.uffd().is_wp_async()
    }

    /// Whether first stores are noted, and no driver is told of them: then it does no harm to note one that was none, but
    /// one that was must not be missed.
    pub(crate) fn only_notes_stores(&self) -> bool {
        self.tracks && self.moving.get().is_none()
    }

    /// Notes that an address may have been stored to.
    pub(crate) fn note_store(&self, address: usize) {
        let _kernel = self.kernel.lock();
        self.note_store_locked(self.slot_of(address));
    }

    /// The same, with the lock held.
    pub(crate) fn note_store_locked(&self, slot: usize) {
        let bits = self.bits(slot);
        if bits & PRESENT != 0 {
            self.set_bits(slot, bits | WRITABLE);
        }
    }

    /// Whether a page was not where the mapping had been laid out for it, since this was last asked.
    #[inline]
    pub(crate) fn take_misplaced(&self) -> bool {
        self.misplaced.load(Ordering::Relaxed) && self.misplaced.swap(false, Ordering::Relaxed)
    }

    /// Puts an entry into a slot that has none. The kernel is told by [`install`](Self::install).
    ///
    /// # Errors
    /// EBUSY if the slot has one; EFAULT outside the table.
    #[inline]
    pub(crate) fn fill(&self, address: usize, pte: Pte) -> Result<(), Errno> {
        let _kernel = self.kernel.lock();
        let at = self.slot_of(address);
        let slot = self.slots.get(at).ok_or(Errno::EFAULT)?;
        self.note_used(at);
        if !Self::fill_slot(slot, pte) {
            return Err(Errno::EBUSY);
        }
        if pte.counted {
            self.memory.get(pte.pfn);
        }
        Ok(())
    }

    /// Puts an entry into a slot, unless it has one. Whether it was put. The caller holds the lock, and a reference to the
    /// page, and gets one for the entry before it gives up either.
    #[inline]
    fn fill_slot(slot: &Slot, pte: Pte) -> bool {
        let bits = slot.entry.load(Ordering::Relaxed);
        if bits & PRESENT != 0 {
            return false;
        }
        slot.entry.store(pte.bits() | bits & POISONED, Ordering::Release);
        true
    }

    /// Puts frames into the slots from an address on, where there are none, with the rights and the kind of reference that
    /// `like` has. Gives back how many were put, and how many slots had one already. A slot for which the iterator has
    /// `None` is left as it is.
    #[inline]
    pub(crate) fn fill_free(
        &self,
        address: usize,
        frames: impl ExactSizeIterator<Item = Option<u64>>,
        like: Pte,
    ) -> (usize, usize) {
        let _kernel = self.kernel.lock();
        let (mut filled, mut present) = (0, 0);
        let first = self.slot_of(address);
        let slots = self.slots.get(first..).unwrap_or_default();
        let slots = slots.get(..frames.len()).unwrap_or(slots);
        (first / BLOCK..(first + slots.len()).div_ceil(BLOCK)).for_each(|block| self.note_used(block * BLOCK));
        // Frames that follow each other are counted together.
        let mut run = 0..0;
        for (slot, pfn) in slots.iter().zip(frames) {
            let Some(pfn) = pfn else { continue };
            if !Self::fill_slot(slot, Pte { pfn, ..like }) {
                present += 1;
                continue;
            }
            filled += 1;
            if pfn != run.end {
                self.count(&run, like);
                run.start = pfn;
            }
            run.end = pfn + 1;
        }
        self.count(&run, like);
        (filled, present)
    }

    /// Gets a reference to each of these pages, for entries of this kind.
    #[inline]
    fn count(&self, frames: &Range<u64>, like: Pte) {
        if like.counted {
            self.memory.get_all(frames);
        }
    }

    /// A new reference to the page of an address, if its entry is still this one and holds a reference.
    pub(crate) fn page(&self, address: usize, expected: Pte) -> Option<Page> {
        // Nobody empties the slot while the lock is held, so the entry keeps its reference.
        let _kernel = self.kernel.lock();
        if !expected.counted || self.pte(address) != Some(expected) {
            return None;
        }
        self.memory.get(expected.pfn);
        Some(self.memory.adopt(expected.pfn))
    }

    /// Makes the entry of an address writable, if it is still this frame's. The kernel is told by
    /// [`unprotect`](Self::unprotect).
    pub(crate) fn make_writable(&self, address: usize, pfn: u64) {
        let _kernel = self.kernel.lock();
        let slot = self.slot_of(address);
        let bits = self.bits(slot);
        // If it is another frame's, or gone, the driver is asked again at the next store.
        if bits & PRESENT != 0 && bits & PFN == pfn {
            self.set_bits(slot, bits | WRITABLE);
        }
    }

    /// Tells the kernel that the entry of an address is writable, if it still is. Wakes whoever waits there.
    pub(crate) fn unprotect(&self, address: usize) -> Result<(), Errno> {
        let _kernel = self.kernel.lock();
        let slot = self.slot_of(address);
        let page = self.addresses_of(&(slot..slot + 1));
        let known = PRESENT | WRITABLE | INSTALLED;
        if self.bits(slot) & known == known && self.protects.load(Ordering::Relaxed) {
            let unprotected = self.uffd().unprotect(&page, true);
            self.mark_served(&page);
            return unprotected.or_else(|raw| {
                if raw == RawErrno::NOENT {
                    // Not registered any more: the kernel decides.
                    self.wake(&page);
                    return Ok(());
                }
                Err(errno(raw))
            });
        }
        self.wake(&page);
        Ok(())
    }

    /// Has whoever waits at these addresses repeat the access.
    pub(crate) fn wake(&self, addresses: &Range<usize>) {
        // It fails only for a range that is none.
        let _ = self.uffd().wake(addresses);
    }

    /// Whoever waited at these addresses before now has what it waited for.
    pub(crate) fn mark_served(&self, addresses: &Range<usize>) {
        let now = clock::now();
        for slot in self.part(&self.slots_of(addresses)) {
            slot.served.set(now);
        }
    }

    /// Whether an address may have been served since an event was read.
    pub(crate) fn was_served(&self, address: usize, read_at: ReadAt) -> bool {
        let served = self.slots.get(self.slot_of(address)).is_none_or(|slot| slot.served.may_be_after(read_at));
        served || read_at.is_before(self.made)
    }

    /// Whose an event is that was read at `read_at`. If it is the caller's, it serves it, and
    /// [releases](Self::release_fault) the slot then. A thread that serves `alone` does not claim the slot, unless its hook
    /// [waits](Self::claim_to_wait).
    #[inline]
    pub(crate) fn claim_fault(&self, address: usize, read_at: ReadAt, alone: bool) -> Claim {
        let slot = self.slot_of(address);
        if !alone && !self.claims.claim(slot) {
            return Claim::Others;
        }
        if self.was_served(address, read_at) {
            // The thread of the event may have gone on, so no driver is asked. Whoever still waits is woken, and with it
            // whoever has asked for the slot in between.
            let _ = !alone && self.claims.release(slot);
            self.wake(&page_of(address));
            return Claim::Nobodys;
        }
        Claim::Own
    }

    /// Claims the slot that the caller has served alone so far: other threads serve while its hook waits.
    pub(crate) fn claim_to_wait(&self, address: usize) {
        let _ = self.claims.claim(self.slot_of(address));
    }

    /// The fault that was claimed was answered, one way or the other.
    pub(crate) fn release_fault(&self, address: usize) {
        if self.claims.release(self.slot_of(address)) {
            self.wake(&page_of(address));
        }
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        // The mapping has gone, so nobody can touch its pages. References that are left are put; whoever reserved the
        // addresses gives them back.
        for slot in self.used(&(0..self.slots.len())).flatten() {
            let bits = self.bits(slot);
            if bits & COUNTED != 0 {
                self.memory.put(bits & PFN);
            }
        }
    }
}
