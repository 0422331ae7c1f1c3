//! The page table of one mmap: what belongs in each slot, and what the kernel has been told of it.
//!
//! The slots here are the truth; the kernel's page table entries are a cache of it. What is inserted is in its slot at
//! once, and a slot is emptied before the kernel is told; so a fault that comes in between finds what is right. The
//! kernel is told by runs: one request for pages that lie together in the memory object and in the mapping.

use std::{
    iter::{self, repeat_with},
    ops::Range,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use parking_lot::Mutex;

use vmctx::{Errno, platform::VmFlags};

use super::{
    Memory,
    answers::{Progress, Stop, carry_out},
    backing::Backing,
    error::errno,
    place::Place,
    stats::Counters,
    sys::{PAGE_SHIFT, ProtFlags, RawErrno, View, page_of},
    userfault::Userfault,
    vma::kernel_prot,
    watch::{self, Stamp, Watch},
};

/// What is in a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pte {
    pub(super) pfn: u64,
    pub(super) writable: bool,
    /// The entry holds a reference to its page.
    pub(super) counted: bool,
}

const PRESENT: u64 = 1 << 63;
const COUNTED: u64 = 1 << 62;
const WRITABLE: u64 = 1 << 61;
/// The kernel has it.
const INSTALLED: u64 = 1 << 60;
/// The kernel makes every access a SIGBUS. In an empty slot; or in one that is filled, and not installed yet.
const POISONED: u64 = 1 << 59;
const PFN: u64 = (1 << 52) - 1;

impl Pte {
    fn bits(self) -> u64 {
        let flag = |set: bool, bit: u64| if set { bit } else { 0 };
        self.pfn & PFN | PRESENT | flag(self.writable, WRITABLE) | flag(self.counted, COUNTED)
    }

    fn from_bits(bits: u64) -> Option<Self> {
        let pte = Self { pfn: bits & PFN, writable: bits & WRITABLE != 0, counted: bits & COUNTED != 0 };
        if bits & PRESENT != 0 { Some(pte) } else { None }
    }
}

/// What a fault finds in a slot.
pub(super) enum Found {
    Nothing,
    /// Every access is a SIGBUS.
    Failure,
    /// An entry that the kernel does not know yet.
    New,
    /// One that it was told of, and has forgotten perhaps.
    Told,
}

/// One of a table's. What a fault looks at lies together.
struct Slot {
    entry: AtomicU64,
    served: Stamp,
}

/// The part of a process's address space that one mmap has made.
pub struct Table {
    place: Place,
    faults: Arc<Userfault>,
    /// The one that is told of moves, instead, where stores are told to a driver: see [`map`](Self::map).
    moving: OnceLock<Arc<Userfault>>,
    memory: Memory,
    range: Range<usize>,
    shared: bool,
    /// Registered for write protection, too.
    protects: AtomicBool,
    /// Nobody serves it any more: what is taken away is not to be touched again.
    closed: AtomicBool,
    /// A page was not where the mapping had been laid out for it.
    lay_elsewhere: AtomicBool,
    slots: Box<[Slot]>,
    watch: Watch,
    /// What its mapping shows. Entries are changed with this lock only, and looked at without.
    kernel: Mutex<Backing>,
    counters: Arc<Counters>,
}

impl Table {
    /// The table of a range that is reserved.
    pub(super) fn new(
        place: Place,
        faults: Arc<Userfault>,
        memory: Memory,
        counters: Arc<Counters>,
        range: Range<usize>,
        shared: bool,
    ) -> Self {
        let pages = range.len() >> PAGE_SHIFT;
        let now = watch::now();
        Self {
            place,
            watch: Watch::new(if faults.is_read() { pages } else { 0 }),
            faults,
            moving: OnceLock::new(),
            memory,
            range,
            shared,
            protects: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            lay_elsewhere: AtomicBool::new(false),
            // Events that were read before are of something else.
            slots: repeat_with(|| Slot { entry: AtomicU64::new(0), served: Stamp::new(now) }).take(pages).collect(),
            kernel: Mutex::default(),
            counters,
        }
    }

    pub(super) fn memory(&self) -> &Memory {
        &self.memory
    }

    pub(super) fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    fn faults(&self) -> &Userfault {
        self.moving.get().unwrap_or(&self.faults)
    }

    /// Whether its faults come from there.
    pub(super) fn is_of(&self, faults: &Userfault) -> bool {
        std::ptr::eq(self.faults(), faults)
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.counters
    }

    fn slot_of(&self, address: usize) -> usize {
        address.wrapping_sub(self.range.start) >> PAGE_SHIFT
    }

    fn slots_of(&self, addresses: &Range<usize>) -> Range<usize> {
        self.slot_of(addresses.start)..self.slot_of(addresses.end).min(self.slots.len())
    }

    fn address_of(&self, slot: usize) -> usize {
        self.range.start + (slot << PAGE_SHIFT)
    }

    fn addresses_of(&self, slots: &Range<usize>) -> Range<usize> {
        self.address_of(slots.start)..self.address_of(slots.end)
    }

    fn part(&self, slots: &Range<usize>) -> &[Slot] {
        self.slots.get(slots.clone()).unwrap_or_default()
    }

    fn bits(&self, slot: usize) -> u64 {
        self.slots.get(slot).map_or(0, |slot| slot.entry.load(Ordering::Acquire))
    }

    /// With the lock held.
    fn set(&self, slot: usize, bits: u64) {
        if let Some(slot) = self.slots.get(slot) {
            slot.entry.store(bits, Ordering::Release);
        }
    }

    /// What is in the slot of an address.
    pub(super) fn pte(&self, address: usize) -> Option<Pte> {
        Pte::from_bits(self.bits(self.slot_of(address)))
    }

    /// Puts an entry where none is. The kernel is told by [`install`](Self::install).
    ///
    /// # Errors
    /// EBUSY if one is; EFAULT outside.
    #[inline]
    pub(super) fn fill(&self, address: usize, pte: Pte) -> Result<(), Errno> {
        let _kernel = self.kernel.lock();
        let slot = self.slots.get(self.slot_of(address)).ok_or(Errno::EFAULT)?;
        if self.fill_slot(slot, pte) { Ok(()) } else { Err(Errno::EBUSY) }
    }

    /// With the lock held. Whether the slot was free.
    #[inline]
    fn fill_slot(&self, slot: &Slot, pte: Pte) -> bool {
        let bits = slot.entry.load(Ordering::Relaxed);
        if bits & PRESENT != 0 {
            return false;
        }
        if pte.counted {
            self.memory.get(pte.pfn);
        }
        slot.entry.store(pte.bits() | bits & POISONED, Ordering::Release);
        true
    }

    /// Puts entries into the slots from an address on that have none. How many, and how many had one.
    #[inline]
    pub(super) fn fill_free(&self, address: usize, entries: impl Iterator<Item = Option<Pte>>) -> (usize, usize) {
        let _kernel = self.kernel.lock();
        let (mut filled, mut present) = (0, 0);
        let slots = self.slots.get(self.slot_of(address)..).unwrap_or_default();
        for (slot, pte) in slots.iter().zip(entries) {
            let Some(pte) = pte else { continue };
            if self.fill_slot(slot, pte) {
                filled += 1;
            } else {
                present += 1;
            }
        }
        (filled, present)
    }

    /// Takes a page of the slot's that is still this one, with a reference.
    pub(super) fn page(&self, address: usize, seen: Pte) -> Option<super::Page> {
        // With the lock nobody empties the slot meanwhile, and the entry has a reference as long as it is there.
        let _kernel = self.kernel.lock();
        if !seen.counted || self.pte(address) != Some(seen) {
            return None;
        }
        self.memory.get(seen.pfn);
        Some(self.memory.adopt(seen.pfn))
    }

    /// Makes the entry of an address writable, if it is still this frame's. The kernel is told by
    /// [`unprotect`](Self::unprotect).
    pub(super) fn make_writable(&self, address: usize, pfn: u64) {
        let _kernel = self.kernel.lock();
        let slot = self.slot_of(address);
        let bits = self.bits(slot);
        // Another one, or none: whoever stores asks again.
        if bits & PRESENT != 0 && bits & PFN == pfn {
            self.set(slot, bits | WRITABLE);
        }
    }

    /// Tells the kernel that the entry of an address is writable, if it still is. Wakes who waits.
    pub(super) fn unprotect(&self, address: usize) -> Result<(), Errno> {
        let _kernel = self.kernel.lock();
        let slot = self.slot_of(address);
        let page = self.addresses_of(&(slot..slot + 1));
        let known = PRESENT | WRITABLE | INSTALLED;
        if self.bits(slot) & known == known && self.protects.load(Ordering::Relaxed) {
            let unprotected = self.faults().write_protect(&page, false, true);
            self.note_served(&page);
            return unprotected.or_else(|raw| self.not_ours(&page, raw));
        }
        self.wake(&page);
        Ok(())
    }

    /// Has whoever waits at these addresses repeat the access.
    pub(super) fn wake(&self, addresses: &Range<usize>) {
        // It fails for a range that is none, only.
        let _ = self.faults().wake(addresses);
    }

    /// Whoever waited at these addresses has what it waited for.
    fn note_served(&self, addresses: &Range<usize>) {
        let now = watch::now();
        for slot in self.part(&self.slots_of(addresses)) {
            slot.served.set(now);
        }
    }

    /// An event at an address: whether it is to be served, by whoever asks here. Who serves `alone` need not
    /// [end](Self::end_fault) it, unless it [waits](Self::begin_wait).
    #[inline]
    pub(super) fn begin_fault(&self, address: usize, since: u64, alone: bool) -> bool {
        let slot = self.slot_of(address);
        if !alone && !self.watch.begin(slot) {
            return false;
        }
        if self.was_served(address, since) {
            // Its thread may have gone on. Whoever has asked in between is woken as well.
            let _ = !alone && self.watch.end(slot);
            self.wake(&page_of(address));
            return false;
        }
        true
    }

    /// Who serves an address alone is not alone any more.
    pub(super) fn begin_wait(&self, address: usize) {
        let _ = self.watch.begin(self.slot_of(address));
    }

    /// It was served, one way or the other.
    pub(super) fn end_fault(&self, address: usize) {
        if self.watch.end(self.slot_of(address)) {
            self.wake(&page_of(address));
        }
    }

    /// Whether an address was served since.
    pub(super) fn was_served(&self, address: usize, since: u64) -> bool {
        self.slots.get(self.slot_of(address)).is_none_or(|slot| slot.served.is_since(since))
    }

    fn not_ours(&self, addresses: &Range<usize>, raw: RawErrno) -> Result<(), Errno> {
        if raw == RawErrno::NOENT {
            self.wake(addresses);
            return Ok(());
        }
        Err(errno(raw))
    }

    /// Tells the kernel what was filled in these slots and it does not know yet; all of it, if `again`, even if it was
    /// told before. Whoever waits at a page of which the kernel is told is woken.
    ///
    /// What the kernel refuses is taken out again; the first such error is given back.
    #[inline(always)]
    pub(super) fn install<'a>(
        &self,
        addresses: impl Iterator<Item = &'a Range<usize>>,
        flags: VmFlags,
        again: bool,
    ) -> Result<(), Stop> {
        let mut kernel = self.kernel.lock();
        let mut refused = Ok(());
        let is_new = |bits: u64| bits & PRESENT != 0 && (bits & INSTALLED == 0 || again);
        for addresses in addresses {
            let Range { start: mut at, end } = self.slots_of(addresses);
            while let [first, behind @ ..] = self.part(&(at..end)) {
                let first = first.entry.load(Ordering::Acquire);
                if !is_new(first) {
                    at += 1;
                    continue;
                }
                let protected = self.wants_protection(first);
                let (mut run_end, mut poisoned) = (at + 1, first & POISONED);
                for slot in behind {
                    let bits = slot.entry.load(Ordering::Acquire);
                    let next = first + (run_end - at) as u64;
                    // Most are as the first is.
                    if bits != next {
                        if !is_new(bits) || bits & PFN != next & PFN || self.wants_protection(bits) != protected {
                            break;
                        }
                        poisoned |= bits & POISONED;
                    }
                    run_end += 1;
                }
                let run = Run { slots: at..run_end, pfn: first & PFN, poisoned: poisoned != 0, protected };
                if let Err(stop) = self.install_run(&mut kernel, &run, flags) {
                    refused = refused.and(Err(stop));
                }
                at = run_end;
            }
        }
        refused
    }

    fn wants_protection(&self, bits: u64) -> bool {
        self.shared && bits & WRITABLE == 0 && self.protects.load(Ordering::Relaxed)
    }

    #[inline(always)]
    fn install_run(&self, kernel: &mut Backing, run: &Run, flags: VmFlags) -> Result<(), Stop> {
        let slots = &run.slots;
        let shown = self.show(kernel, run, flags).map_err(|raw| (slots.start, raw_stop(raw)));
        let installed = shown.and_then(|()| {
            let request = |rest: &Range<usize>| self.faults().map_existing(rest, run.protected);
            let mut progress = Installing { table: self, protected: run.protected };
            carry_out(self.addresses_of(slots), request, &mut progress).map_err(|(at, stop)| (self.slot_of(at), stop))
        });
        let (stopped, stop) = match installed {
            Ok(()) => return Ok(()),
            Err(stopped) => stopped,
        };
        // The first time it got nowhere may be the last: whoever touches it faults again, and asks the driver.
        self.empty(stopped..slots.end);
        self.wake(&self.addresses_of(&(stopped..slots.end)));
        Err(stop)
    }

    /// Has the kernel's mapping show the frames of a run: nothing to do where they lie linear. Else the pages are mapped
    /// there one for one.
    fn show(&self, kernel: &mut Backing, run: &Run, flags: VmFlags) -> Result<(), RawErrno> {
        let Run { slots, pfn, poisoned, .. } = run;
        if *poisoned {
            // SAFETY: addresses of this table's, at which there are no pages yet.
            unsafe { self.place.zap(&self.addresses_of(slots)) }?;
        }
        if kernel.shows(slots, *pfn) {
            return Ok(());
        }
        let wanted = |slot: usize| pfn + (slot - slots.start) as u64;
        let mut at = slots.start;
        while at < slots.end {
            if kernel.frame(at) == Some(wanted(at)) {
                at += 1;
                continue;
            }
            let end = (at..slots.end).find(|slot| kernel.frame(*slot) == Some(wanted(*slot))).unwrap_or(slots.end);
            self.map(kernel, &(at..end), wanted(at), kernel_prot(flags))?;
            at = end;
        }
        Ok(())
    }

    /// Maps frames from `first` on, one after the other, and registers them.
    ///
    /// Between the two the pages can be touched, without a fault. They are what belongs there, so that does no harm,
    /// except where a driver is told of stores: one would go untold. There they are mapped and registered elsewhere, and
    /// then moved into place.
    fn map(&self, kernel: &mut Backing, slots: &Range<usize>, first: u64, prot: ProtFlags) -> Result<(), RawErrno> {
        let range = self.addresses_of(slots);
        self.lay_elsewhere.store(true, Ordering::Relaxed);
        let mapped = if self.moving.get().is_some() {
            self.map_aside(range.len(), first, prot).and_then(|aside| {
                // SAFETY: both are this table's, and nobody has heard of the one.
                let moved = unsafe { self.place.move_to(&aside, range.start) };
                if moved.is_err() {
                    // SAFETY: it has not gone to its place.
                    unsafe { self.place.unmap(&aside) };
                }
                moved
            })
        } else {
            // SAFETY: reserved when this table was made.
            unsafe { self.map_registered(&range, first, prot) }
        };
        if let Err(errno) = mapped {
            // Nobody must see what nobody serves.
            // SAFETY: as above.
            unsafe { self.place.bury(&range) }?;
            kernel.set(slots, None);
            return Err(errno);
        }
        kernel.set(slots, Some(first));
        Ok(())
    }

    fn map_aside(&self, len: usize, first: u64, prot: ProtFlags) -> Result<Range<usize>, RawErrno> {
        let start = self.place.reserve(len, None)?;
        let aside = start..start + len;
        // SAFETY: reserved just now.
        unsafe {
            let mapped = self.map_registered(&aside, first, prot);
            if mapped.is_err() {
                self.place.unmap(&aside);
            }
            mapped.map(|()| aside)
        }
    }

    /// # Safety
    /// The range is this platform's.
    unsafe fn map_registered(&self, range: &Range<usize>, first: u64, prot: ProtFlags) -> Result<(), RawErrno> {
        let view = View { fd: self.memory.fd(), offset: first << PAGE_SHIFT, shared: self.shared, prot };
        // SAFETY: by this function's contract.
        unsafe { self.place.replace(range, view) }?;
        self.faults().register(range, self.protects.load(Ordering::Relaxed))
    }

    /// Maps the whole range for the first time, and registers it: nobody knows its address yet. A slot that is filled
    /// shows its frame; one that is empty what would lie there beside its neighbour before it, or what `guess` says.
    ///
    /// With `protects` the kernel is asked to say when something is stored that must be seen; with `moving` a driver is
    /// told of it.
    pub(super) fn begin(
        &self,
        guess: Option<u64>,
        flags: VmFlags,
        protects: bool,
        moving: Option<&Arc<Userfault>>,
    ) -> Result<(), RawErrno> {
        self.protects.store(protects, Ordering::Relaxed);
        if let Some(moving) = moving {
            let _ = self.moving.set(Arc::clone(moving));
        }
        let mut kernel = self.kernel.lock();
        let pages = self.slots.len();
        let fits = |first: &u64| self.memory.reaches(first + pages as u64);
        // Frames of slot 0, if everything were linear.
        let mut linear = guess.filter(fits).unwrap_or(self.memory.nowhere());
        let first_filled = (0..pages).find_map(|slot| Some((slot, Pte::from_bits(self.bits(slot))?)));
        if let Some((slot, pte)) = first_filled {
            linear = pte.pfn.checked_sub(slot as u64).unwrap_or(self.memory.nowhere());
        }
        let mut at = 0;
        while at < pages {
            let start = match Pte::from_bits(self.bits(at)) {
                Some(pte) => pte.pfn,
                None => linear + at as u64,
            };
            let mut end = at + 1;
            while end < pages {
                let here = Pte::from_bits(self.bits(end));
                if here.is_some_and(|pte| pte.pfn != start + (end - at) as u64) {
                    break;
                }
                end += 1;
            }
            // SAFETY: reserved when this table was made. If it fails, nothing of it stays.
            unsafe { self.map_registered(&self.addresses_of(&(at..end)), start, kernel_prot(flags)) }?;
            kernel.set(&(at..end), Some(start));
            linear = start.checked_sub(at as u64).unwrap_or(linear);
            at = end;
        }
        drop(kernel);
        self.install(iter::once(&self.range()), flags, false)
            .map_err(|stop| RawErrno::from_raw_os_error(stop.errno().to_raw()))
    }

    /// Whether a page was not where the mapping had been laid out for it, since this was last asked.
    #[inline]
    pub(super) fn lay_elsewhere(&self) -> bool {
        self.lay_elsewhere.load(Ordering::Relaxed) && self.lay_elsewhere.swap(false, Ordering::Relaxed)
    }

    /// What a fault at an address finds.
    #[inline]
    pub(super) fn found(&self, address: usize) -> Found {
        let bits = self.bits(self.slot_of(address));
        if bits & PRESENT == 0 {
            if bits & POISONED == 0 { Found::Nothing } else { Found::Failure }
        } else if bits & INSTALLED == 0 {
            Found::New
        } else {
            Found::Told
        }
    }

    /// Whether a driver is told of the next store to the page of an address, which is there.
    pub(super) fn is_protected(&self, address: usize) -> bool {
        let bits = self.bits(self.slot_of(address));
        bits & INSTALLED != 0 && self.wants_protection(bits)
    }

    /// Whether the kernel was told of the entry of an address.
    pub(super) fn is_installed(&self, address: usize) -> bool {
        self.bits(self.slot_of(address)) & INSTALLED != 0
    }

    /// Waits until nobody is telling the kernel anything.
    pub(super) fn settle(&self) {
        drop(self.kernel.lock());
    }

    /// Makes every access to the page of an address a SIGBUS, until something is inserted or taken away there, or
    /// [`forget_failure`](Self::forget_failure). Wakes who waits.
    pub(super) fn fail(&self, address: usize) -> Result<(), Stop> {
        let kernel = self.kernel.lock();
        let slot = self.slot_of(address);
        if self.bits(slot) & PRESENT != 0 {
            // Somebody else has brought something meanwhile, and the kernel may not know it yet.
            drop(kernel);
            self.wake(&self.addresses_of(&(slot..slot + 1)));
            return Ok(());
        }
        self.poison(&(slot..slot + 1))
    }

    fn poison(&self, slots: &Range<usize>) -> Result<(), Stop> {
        let range = self.addresses_of(slots);
        if self.protects.load(Ordering::Relaxed) {
            // A mark that was left by a write protection is in the way.
            let _ = self.faults().write_protect(&range, false, false);
        }
        let mut progress = Poisoning(self);
        carry_out(range, |rest| self.faults().poison(rest), &mut progress).map_err(|(at, stop)| {
            self.wake(&(at..self.address_of(slots.end)));
            stop
        })
    }

    /// The failure at an address has been delivered: the next access faults.
    pub(super) fn forget_failure(&self, address: usize) {
        let _kernel = self.kernel.lock();
        let slot = self.slot_of(address);
        if self.bits(slot) == POISONED {
            self.set(slot, 0);
            // SAFETY: an address of this table's.
            let _ = unsafe { self.place.zap(&self.addresses_of(&(slot..slot + 1))) };
        }
    }

    /// Empties slots, and has the kernel forget them. When this returns, nobody is in the middle of an access there.
    pub(super) fn zap(&self, addresses: &Range<usize>) {
        let kernel = self.kernel.lock();
        self.empty(self.slots_of(addresses));
        drop(kernel);
    }

    /// With the lock held.
    fn empty(&self, slots: Range<usize>) {
        let mut known = None::<Range<usize>>;
        let mut held = Vec::new();
        for slot in slots {
            let old = self.bits(slot);
            self.set(slot, 0);
            if old & (INSTALLED | POISONED) != 0 {
                let start = known.map_or(slot, |known| known.start);
                known = Some(start..slot + 1);
            }
            if old & COUNTED != 0 {
                held.push(old & PFN);
            }
        }
        if let Some(known) = known {
            // SAFETY: addresses of this table's.
            let zapped = unsafe { self.place.zap(&self.addresses_of(&known)) };
            if zapped.is_err() || self.closed.load(Ordering::Relaxed) {
                // Nobody must stay at pages that may be used for something else: better no mapping than that.
                // SAFETY: as above.
                let _ = unsafe { self.place.bury(&self.addresses_of(&known)) };
            }
        }
        for pfn in held {
            self.memory.put(pfn);
        }
    }

    /// The same, but what a private mapping has copied stays.
    pub(super) fn zap_but_copies(&self, addresses: &Range<usize>) {
        let kernel = self.kernel.lock();
        let slots = self.slots_of(addresses);
        if self.shared {
            self.empty(slots);
            return;
        }
        // Whoever stores meanwhile would make a copy that is lost: so nobody can, until it is known which are copies.
        for slot in slots {
            if self.bits(slot) == 0 {
                continue;
            }
            let page = self.addresses_of(&(slot..slot + 1));
            let protects = self.bits(slot) & INSTALLED != 0 && self.protects.load(Ordering::Relaxed);
            if protects {
                let _ = self.faults().write_protect(&page, true, false);
            }
            let copied =
                self.place.private_copies(&page).ok().and_then(|pages| pages.first().copied()).unwrap_or(false);
            if !copied {
                self.empty(slot..slot + 1);
            }
            if protects {
                let _ = self.faults().write_protect(&page, false, true);
            }
        }
        drop(kernel);
    }

    /// Takes the right to write away. Where that cannot be done, the slots are emptied.
    ///
    /// Pages are locked meanwhile, one after the other: a first store that is just being allowed is allowed before that,
    /// and its page protected again, or told after.
    pub(super) fn write_protect(&self, addresses: &Range<usize>) {
        if !self.shared || !self.protects.load(Ordering::Relaxed) {
            return self.zap(addresses);
        }
        for slot in self.slots_of(addresses) {
            let address = self.address_of(slot);
            let page = self.pte(address).and_then(|seen| self.page(address, seen));
            if let Some(page) = &page {
                page.lock();
            }
            self.write_protect_one(slot);
            if let Some(page) = &page {
                page.unlock();
            }
        }
    }

    fn write_protect_one(&self, slot: usize) {
        let _kernel = self.kernel.lock();
        let was = self.bits(slot);
        self.set(slot, was & !WRITABLE);
        let known = PRESENT | WRITABLE | INSTALLED;
        let page = self.addresses_of(&(slot..slot + 1));
        if was & known == known && self.faults().write_protect(&page, true, false).is_err() {
            self.empty(slot..slot + 1);
        }
    }

    /// Changes what the user may do.
    pub(super) fn protect(&self, addresses: &Range<usize>, prot: ProtFlags) -> Result<(), Errno> {
        let _kernel = self.kernel.lock();
        // SAFETY: addresses of this table's.
        unsafe { self.place.protect(addresses, prot) }.map_err(errno)
    }

    /// Takes a part of the mapping away: an access is a SIGSEGV from now on, also for whoever waits there.
    pub(super) fn bury(&self, addresses: &Range<usize>) -> Result<(), RawErrno> {
        let mut kernel = self.kernel.lock();
        // SAFETY: addresses of this table's.
        unsafe { self.place.bury(addresses) }?;
        let slots = self.slots_of(addresses);
        kernel.set(&slots, None);
        let mut held = Vec::new();
        for slot in slots {
            let old = self.bits(slot);
            self.set(slot, 0);
            if old & COUNTED != 0 {
                held.push(old & PFN);
            }
        }
        drop(kernel);
        // Nothing else does: the kernel leaves them asleep.
        self.wake(addresses);
        for pfn in held {
            self.memory.put(pfn);
        }
        Ok(())
    }

    /// Makes whatever the kernel does not know a SIGBUS: before nobody serves faults any more.
    pub(super) fn fail_all(&self) {
        let kernel = self.kernel.lock();
        self.closed.store(true, Ordering::Relaxed);
        let mut at = 0;
        while at < self.slots.len() {
            let is_unknown = |slot: usize| kernel.frame(slot).is_some() && self.bits(slot) & INSTALLED == 0;
            if !is_unknown(at) {
                at += 1;
                continue;
            }
            let end = (at..self.slots.len()).find(|slot| !is_unknown(*slot)).unwrap_or(self.slots.len());
            let rest = at..end;
            // What cannot be poisoned must not show anything, either.
            if self.poison(&rest).is_err() {
                // SAFETY: addresses of this table's.
                let _ = unsafe { self.place.bury(&self.addresses_of(&rest)) };
            }
            self.wake(&self.addresses_of(&(at..end)));
            at = end;
        }
        drop(kernel);
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        // Nobody can touch it: the session has taken it out. References that are left are put; the addresses are given
        // back by whoever reserved them.
        for slot in &self.slots {
            let bits = slot.entry.load(Ordering::Relaxed);
            if bits & COUNTED != 0 {
                self.memory.put(bits & PFN);
            }
        }
    }
}

/// The errno of `mmap` and its likes.
fn raw_stop(raw: RawErrno) -> Stop {
    match raw {
        RawErrno::NOMEM => Stop::OutOfMemory,
        RawErrno::SRCH => Stop::Gone,
        _ => Stop::Refused(raw),
    }
}

impl Stop {
    /// What an insertion outside a fault fails with.
    pub(super) fn errno(self) -> Errno {
        match self {
            Self::NotOurs => Errno::EFAULT,
            Self::OutOfMemory => Errno::ENOMEM,
            Self::Gone => Errno::ESRCH,
            Self::Busy => Errno::EAGAIN,
            Self::Refused(_) => Errno::EINVAL,
        }
    }
}

/// Slots whose entries lie together in memory, and of which the kernel is to be told.
struct Run {
    slots: Range<usize>,
    pfn: u64,
    /// One of them at least.
    poisoned: bool,
    protected: bool,
}

struct Installing<'a> {
    table: &'a Table,
    protected: bool,
}

impl Installing<'_> {
    fn mark(&self, range: &Range<usize>) {
        let now = watch::now();
        for slot in self.table.part(&self.table.slots_of(range)) {
            let entry = slot.entry.load(Ordering::Relaxed);
            if entry & PRESENT != 0 {
                slot.entry.store(entry & !POISONED | INSTALLED, Ordering::Release);
            }
            slot.served.set(now);
        }
    }
}

impl Progress for Installing<'_> {
    fn done(&mut self, range: Range<usize>) {
        self.mark(&range);
    }

    fn present(&mut self, page: Range<usize>) {
        self.mark(&page);
        if self.protected {
            let _ = self.table.faults().write_protect(&page, true, false);
        }
        self.table.wake(&page);
    }
}

struct Poisoning<'a>(&'a Table);

impl Progress for Poisoning<'_> {
    fn done(&mut self, range: Range<usize>) {
        for slot in self.0.slots_of(&range) {
            self.0.set(slot, self.0.bits(slot) | POISONED);
        }
        self.0.note_served(&range);
    }

    fn present(&mut self, page: Range<usize>) {
        self.0.wake(&page);
    }
}
