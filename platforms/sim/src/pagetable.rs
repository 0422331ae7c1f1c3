//! Page tables: 48-bit addresses, one lock an entry.
//!
//! A walk takes no lock and writes nothing, so threads that fault on different pages do not meet in it: levels and
//! tables are made once, and their memory stays until the address space goes. What a process of few pages needs of the
//! levels lies in the page tables themselves, a table is made in parts, and the part that is needed first is made with the
//! page tables, so that a few pages are as cheap as each of many.
//!
//! An entry is one word, which whoever only looks reads as it is. What changes it, and what loads and stores through it,
//! has its lock, a bit of that word: what a user reads or writes is copied meanwhile. So an entry that was taken away is
//! out of use when that returns: the lock is the TLB shootdown.
//!
//! In the place of a lowest table there can be a large entry, of as many frames as the table has entries. The place's
//! own lock is the large entry's, and is held for write to put the table there, or to take it away.
//!
//! Entries are made only with the mmap lock held, in any mode, and tables are freed only with it held for write, when
//! no entry is left in them. So whoever reaches a table without it, an access or `unmap_mapping_range`, may have one
//! that is just being freed: it finds nothing there, and nobody puts anything into it. A table that is freed is no longer
//! counted, and is the one that is used when that place needs one again.
//!
//! No crate carries this. `pagetable` is a radix tree that only grows, where tables here are freed and run out; crates
//! for hardware page tables bring formats and no locks.

use std::{
    hint,
    iter::successors,
    ops::Range,
    sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering},
    thread,
};

use once_cell::race::OnceBox;
use parking_lot::{Mutex, RwLock, RwLockWriteGuard};

use vmctx::{Errno, platform::Cache};
use vmctx_hosted::{CopiedEntry, Entry, PageTable, Pte};

use crate::{
    array::array,
    machine::Machine,
    memory::{PAGE_SHIFT, PAGE_SIZE},
};

/// How many bits an address has.
const ADDRESS_BITS: u32 = 48;

/// The base-2 logarithms of how many entries the nodes of each level have: of tables, of what tables hang on, and
/// above.
const LEAF_SHIFT: u32 = PAGE_SHIFT - 3;
const BOTTOM_SHIFT: u32 = ADDRESS_BITS - PAGE_SHIFT - LEAF_SHIFT - 3 * UPPER_SHIFT;
const UPPER_SHIFT: u32 = if PAGE_SHIFT > 14 { 6 } else { 7 };
const ENTRIES: usize = 1 << LEAF_SHIFT;
/// How many parts a table is made in, and how many entries each has.
const PARTS: usize = 8;
const PART: usize = ENTRIES / PARTS;
const PART_SPAN: usize = PAGE_SIZE * PART;
const BOTTOM: usize = 1 << BOTTOM_SHIFT;
const UPPER: usize = 1 << UPPER_SHIFT;

/// How many bytes the entries of each level span, the lowest first. The first is also what a large entry maps.
const LEAF_SPAN: usize = PAGE_SIZE << LEAF_SHIFT;
const BOTTOM_SPAN: usize = LEAF_SPAN << BOTTOM_SHIFT;
const LOWER_SPAN: usize = BOTTOM_SPAN << UPPER_SHIFT;
const MIDDLE_SPAN: usize = LOWER_SPAN << UPPER_SHIFT;
/// The first address that the levels do not reach.
const ADDRESS_END: usize = MIDDLE_SPAN << UPPER_SHIFT;
const _: () = assert!(ADDRESS_END == 1 << ADDRESS_BITS);

/// What one entry of the level above that of large entries maps.
const PUD_SPAN: usize = LEAF_SPAN << LEAF_SHIFT;

/// A node of a level, once it is needed.
type Node<T, const N: usize> = OnceBox<[T; N]>;

/// The entry of a node for an address, where one entry spans `span` bytes.
#[inline]
fn entry<T, const N: usize>(node: &[T; N], address: usize, span: usize) -> Option<&T> {
    node.get(address / span % N)
}

/// The one of several that is needed first, which has its place where the others are looked for. Once it is known which
/// it is, it stays.
struct First<T> {
    /// Its number, or [`NONE`](Self::NONE).
    number: AtomicUsize,
    value: T,
}

impl<T: Default> Default for First<T> {
    fn default() -> Self {
        Self { number: AtomicUsize::new(Self::NONE), value: T::default() }
    }
}

impl<T> First<T> {
    /// No address has such a number: what is numbered has many bytes.
    const NONE: usize = usize::MAX;

    #[inline]
    fn get(&self, number: usize) -> Option<&T> {
        // The value was there before, and what is changed in it is ordered by itself.
        (self.number.load(Ordering::Relaxed) == number).then_some(&self.value)
    }

    /// Its number, if one was needed.
    fn number(&self) -> Option<usize> {
        Some(self.number.load(Ordering::Relaxed)).filter(|number| *number != Self::NONE)
    }

    /// The same as [`get`](Self::get), and if none was needed yet, it is this one.
    #[inline]
    fn make(&self, number: usize) -> Option<&T> {
        match self.number.load(Ordering::Relaxed) {
            Self::NONE => self.claim(number),
            // An exchange that fails would take the line of the cache from whoever reads the number, all the same.
            known => (known == number).then_some(&self.value),
        }
    }

    #[cold]
    fn claim(&self, number: usize) -> Option<&T> {
        let claimed = self.number.compare_exchange(Self::NONE, number, Ordering::Relaxed, Ordering::Relaxed);
        let is_it = claimed.map_or_else(|known| known == number, |_| true);
        is_it.then_some(&self.value)
    }
}

/// What tables hang on: the first in here, for processes of few pages have them close together.
#[derive(Default)]
struct Bottom {
    first: First<Place>,
    others: Node<OnceBox<Place>, BOTTOM>,
}

impl Bottom {
    #[inline]
    fn get(&self, address: usize) -> Option<&Place> {
        self.first.get(address / LEAF_SPAN).or_else(|| entry(self.others.get()?, address, LEAF_SPAN)?.get())
    }

    #[inline]
    fn make(&self, address: usize) -> Option<&Place> {
        self.first
            .make(address / LEAF_SPAN)
            .or_else(|| Some(entry(self.others.get_or_init(array), address, LEAF_SPAN)?.get_or_init(Box::default)))
    }
}

type Part = Node<Slot, PART>;
type Lower = Node<OnceBox<Bottom>, UPPER>;
type Middle = Node<Lower, UPPER>;
type Top = Node<Middle, UPPER>;

/// An entry in a word, to be read and written at once. The default is none.
#[derive(Default)]
struct Word(AtomicU64);

impl Word {
    const PFN: u64 = (1 << 52) - 1;
    const PRESENT: u64 = 1 << 52;
    const ACCESSIBLE: u64 = 1 << 53;
    const WRITABLE: u64 = 1 << 54;
    const DIRTY: u64 = 1 << 55;
    const COUNTED: u64 = 1 << 56;
    const WRITE_COMBINE: u64 = 1 << 57;
    const NONCACHED: u64 = 1 << 58;
    /// Somebody has the entry's lock. Only of entries in tables.
    const LOCKED: u64 = 1 << 63;

    fn is_empty(&self) -> bool {
        self.0.load(Ordering::Acquire) & Self::PRESENT == 0
    }

    #[inline]
    fn get(&self) -> Option<Pte> {
        Self::decode(self.0.load(Ordering::Acquire))
    }

    #[inline]
    fn decode(word: u64) -> Option<Pte> {
        let has = |bit| word & bit != 0;
        has(Self::PRESENT).then(|| Pte {
            pfn: word & Self::PFN,
            accessible: has(Self::ACCESSIBLE),
            writable: has(Self::WRITABLE),
            dirty: has(Self::DIRTY),
            counted: has(Self::COUNTED),
            cache: match (has(Self::WRITE_COMBINE), has(Self::NONCACHED)) {
                (true, _) => Cache::WriteCombine,
                (_, true) => Cache::Noncached,
                _ => Cache::WriteBack,
            },
        })
    }

    fn set(&self, pte: Option<Pte>) {
        self.0.store(Self::encode(pte), Ordering::Release);
    }

    #[inline]
    fn encode(pte: Option<Pte>) -> u64 {
        let bit = |is_set, bit| if is_set { bit } else { 0 };
        pte.map_or(0, |Pte { pfn, accessible, writable, dirty, counted, cache }| {
            // A machine's frame numbers are below 2^52.
            pfn & Self::PFN
                | Self::PRESENT
                | bit(accessible, Self::ACCESSIBLE)
                | bit(writable, Self::WRITABLE)
                | bit(dirty, Self::DIRTY)
                | bit(counted, Self::COUNTED)
                | match cache {
                    Cache::WriteBack => 0,
                    Cache::WriteCombine => Self::WRITE_COMBINE,
                    Cache::Noncached => Self::NONCACHED,
                }
        })
    }

    /// Takes the entry's lock.
    #[inline]
    fn lock(&self) -> Locked<'_> {
        let before = self.0.load(Ordering::Relaxed) & !Self::LOCKED;
        if self.0.compare_exchange(before, before | Self::LOCKED, Ordering::Acquire, Ordering::Relaxed).is_ok() {
            return Locked { entry: self, word: before };
        }
        self.lock_busy()
    }

    /// It is had for as long as it takes to copy what is in a page, and by nobody who waits, so it is waited for without
    /// sleep; but another thread may have to run until it is given back.
    #[cold]
    fn lock_busy(&self) -> Locked<'_> {
        let mut turns = 0;
        loop {
            let word = self.0.fetch_or(Self::LOCKED, Ordering::Acquire);
            if word & Self::LOCKED == 0 {
                return Locked { entry: self, word };
            }
            while self.0.load(Ordering::Relaxed) & Self::LOCKED != 0 {
                turns += 1;
                if turns % 64 == 0 { thread::yield_now() } else { hint::spin_loop() }
            }
        }
    }

    /// Hands a large entry out, to be looked at and set. Whoever calls has its lock.
    #[inline]
    fn with<R>(&self, changes: &Changes, look: impl FnOnce(&mut CopiedEntry) -> R) -> R {
        let mut entry = CopiedEntry::new(self.get());
        let seen = look(&mut entry);
        if let Some(pte) = entry.to_write() {
            self.set(pte);
            changes.count();
        }
        seen
    }
}

/// How often something was changed, which whoever changes it has locked.
#[derive(Default)]
struct Changes(AtomicU32);

impl Changes {
    #[inline]
    fn count(&self) {
        self.0.store(self.get().wrapping_add(1), Ordering::Release);
    }

    fn get(&self) -> u32 {
        self.0.load(Ordering::Acquire)
    }
}

/// An entry whose lock is held until the value is dropped, which writes the entry.
struct Locked<'a> {
    entry: &'a Word,
    word: u64,
}

impl Drop for Locked<'_> {
    #[inline]
    fn drop(&mut self) {
        self.entry.0.store(self.word, Ordering::Release);
    }
}

/// The place of an entry.
#[derive(Default)]
struct Slot {
    pte: Word,
    changes: Changes,
}

impl Slot {
    #[inline(always)]
    fn with<R>(&self, look: impl FnOnce(&mut CopiedEntry) -> R) -> R {
        let mut locked = self.pte.lock();
        let mut entry = CopiedEntry::new(Word::decode(locked.word));
        let seen = look(&mut entry);
        if let Some(pte) = entry.to_write() {
            locked.word = Word::encode(pte);
            self.changes.count();
        }
        seen
    }
}

/// Where a table hangs, or a large entry, or nothing.
#[derive(Default)]
struct Place {
    /// The table, as far as it was ever needed. It is in use if `has_table`.
    parts: [Part; PARTS],
    /// The large entry, with the number of its first frame. Where it is, there is no table.
    huge: Word,
    lock: RwLock<()>,
    changes: Changes,
    has_table: AtomicBool,
}

impl Place {
    /// The table, in its parts.
    #[inline]
    fn table(&self) -> Option<&[Part; PARTS]> {
        self.has_table.load(Ordering::Acquire).then_some(&self.parts)
    }

    fn is_bare(&self) -> bool {
        !self.has_table.load(Ordering::Acquire) && self.huge.is_empty()
    }

    /// A table comes or goes. Whoever calls has the lock for write.
    fn set_table(&self, comes: bool) {
        self.has_table.store(comes, Ordering::Release);
        self.changes.count();
    }

    #[inline]
    fn slot(&self, address: usize) -> Option<&Slot> {
        entry(entry(self.table()?, address, PART_SPAN)?.get()?, address, PAGE_SIZE)
    }

    /// The same in a table that is made if nothing is there.
    #[inline(always)]
    fn make_slot(&self, address: usize, tables: &PageTables) -> Result<&Slot, Errno> {
        if !self.has_table.load(Ordering::Acquire) {
            self.make_table(&tables.machine)?;
        }
        let part = entry(&self.parts, address, PART_SPAN).ok_or(Errno::EFAULT)?;
        entry(part.get_or_init(|| tables.make_part()), address, PAGE_SIZE).ok_or(Errno::EFAULT)
    }

    #[cold]
    fn make_table(&self, machine: &Machine) -> Result<(), Errno> {
        let _locked = self.lock.write();
        if !self.huge.is_empty() {
            return Err(Errno::EBUSY);
        }
        if !self.has_table.load(Ordering::Acquire) {
            machine.charge_page_table()?;
            self.set_table(true);
        }
        Ok(())
    }

    fn with_huge<R>(&self, look: impl FnOnce(&mut CopiedEntry) -> R) -> Option<R> {
        if self.huge.is_empty() {
            return None;
        }
        let _locked = self.lock.write();
        if self.huge.is_empty() { None } else { Some(self.huge.with(&self.changes, look)) }
    }
}

/// The page tables of one address space, on which `vmctx-hosted` serves its faults.
pub struct PageTables {
    machine: Machine,
    first: First<Bottom>,
    /// The others.
    top: Top,
    /// The part of a table that is needed first.
    first_part: Mutex<Option<Box<[Slot; PART]>>>,
}

impl PageTables {
    pub(crate) fn new(machine: Machine) -> Self {
        Self { machine, first: First::default(), top: Top::default(), first_part: Mutex::new(Some(array())) }
    }

    #[cold]
    fn make_part(&self) -> Box<[Slot; PART]> {
        self.first_part.lock().take().unwrap_or_else(array)
    }

    /// Where in a range something hangs, and the address where that begins.
    fn places(&self, range: &Range<usize>) -> impl Iterator<Item = (usize, &Place)> {
        // Above, addresses would come round: the levels do not look at more than 48 bits.
        let end = if range.is_empty() { 0 } else { range.end.min(ADDRESS_END) };
        let start = range.start - range.start % LEAF_SPAN;
        let next = move |at: usize| {
            let mut at = at;
            while at < end {
                let span = match self.place(at) {
                    Ok(place) if place.is_bare() => LEAF_SPAN,
                    Ok(place) => return Some((at, place)),
                    Err(missing) => missing,
                };
                let behind = at - at % span + span;
                // The first part lies where the nodes of the others may be missing.
                at = self.first_span().filter(|first| (at + 1..behind).contains(first)).unwrap_or(behind);
            }
            None
        };
        successors(next(start), move |(at, _)| next(at + LEAF_SPAN))
    }

    /// Where what the first part spans begins.
    fn first_span(&self) -> Option<usize> {
        Some(self.first.number()? * BOTTOM_SPAN)
    }

    /// Where the lowest table of an address hangs, or how many bytes the node spans that is missing above.
    #[inline]
    fn place(&self, address: usize) -> Result<&Place, usize> {
        self.bottom(address)?.get(address).ok_or(LEAF_SPAN)
    }

    #[inline]
    fn bottom(&self, address: usize) -> Result<&Bottom, usize> {
        match self.first.get(address / BOTTOM_SPAN) {
            Some(first) => Ok(first),
            None => self.other_bottom(address),
        }
    }

    fn other_bottom(&self, address: usize) -> Result<&Bottom, usize> {
        if self.first.number().is_none() {
            return Err(ADDRESS_END);
        }
        let middle = self.top.get().and_then(|top| entry(top, address, MIDDLE_SPAN)?.get()).ok_or(MIDDLE_SPAN)?;
        let lower = entry(middle, address, LOWER_SPAN).and_then(OnceBox::get).ok_or(LOWER_SPAN)?;
        entry(lower, address, BOTTOM_SPAN).and_then(OnceBox::get).ok_or(BOTTOM_SPAN)
    }

    #[inline(always)]
    fn make_place(&self, address: usize) -> Result<&Place, Errno> {
        let bottom = self.first.make(address / BOTTOM_SPAN).or_else(|| self.make_bottom(address));
        bottom.and_then(|bottom| bottom.make(address)).ok_or(Errno::EFAULT)
    }

    #[cold]
    fn make_bottom(&self, address: usize) -> Option<&Bottom> {
        let middle = entry(self.top.get_or_init(array), address, MIDDLE_SPAN)?.get_or_init(array);
        let lower = entry(middle, address, LOWER_SPAN)?.get_or_init(array);
        Some(entry(lower, address, BOTTOM_SPAN)?.get_or_init(Box::default))
    }

    #[inline]
    fn slot(&self, address: usize) -> Option<&Slot> {
        self.place(address).ok()?.slot(address)
    }
}

impl PageTable for PageTables {
    type Machine = Machine;
    type Entry = CopiedEntry;

    const TABLE_SPAN: usize = LEAF_SPAN;
    const HAS_HUGE: bool = true;

    fn machine(&self) -> &Machine {
        &self.machine
    }

    fn empty(&self) -> Self {
        Self::new(self.machine.clone())
    }

    #[inline]
    fn pte(&self, address: usize) -> Option<Pte> {
        self.slot(address)?.pte.get()
    }

    #[inline]
    fn with<R>(&self, address: usize, look: impl FnOnce(&mut CopiedEntry) -> R) -> Option<R> {
        Some(self.slot(address)?.with(look))
    }

    #[inline(always)]
    fn with_table<R>(&self, address: usize, change: impl FnOnce(&mut CopiedEntry) -> R) -> Result<R, Errno> {
        Ok(self.make_place(address)?.make_slot(address, self)?.with(change))
    }

    fn with_huge<R>(&self, address: usize, look: impl FnOnce(&mut CopiedEntry) -> R) -> Option<R> {
        self.place(address).ok()?.with_huge(look)
    }

    fn look_at_huge<R>(&self, address: usize, look: impl FnOnce(Pte) -> R) -> Option<R> {
        let place = self.place(address).ok()?;
        if place.huge.is_empty() {
            return None;
        }
        let _locked = place.lock.read();
        place.huge.get().map(look)
    }

    fn huge(&self, address: usize) -> Option<Pte> {
        self.place(address).ok()?.huge.get()
    }

    fn changes(&self, address: usize) -> u64 {
        let above = self.place(address).map_or(0, |place| place.changes.get());
        u64::from(above) + self.slot(address).map_or(0, |slot| u64::from(slot.changes.get()))
    }

    fn is_bare(&self, address: usize) -> bool {
        self.place(address).map_or(true, Place::is_bare)
    }

    fn is_bare_above(&self, address: usize) -> bool {
        let start = address - address % PUD_SPAN;
        self.places(&(start..start + PUD_SPAN)).next().is_none()
    }

    fn insert_huge(&self, address: usize, count: usize, first: Pte, mkwrite: bool) -> Result<(), Errno> {
        let mut locked: Vec<(&Place, RwLockWriteGuard<'_, ()>)> = Vec::with_capacity(count);
        for index in 0..count {
            // In order of their addresses; nobody else waits for one of these with one of these held.
            let place = self.make_place(address + index * LEAF_SPAN)?;
            locked.push((place, place.lock.write()));
        }
        let ptes = || (0..).map(|index: u64| Pte { pfn: first.pfn + index * ENTRIES as u64, ..first });
        let put = |place: &Place, pte| {
            place.huge.set(Some(pte));
            place.changes.count();
        };
        if locked.iter().all(|(place, _)| place.is_bare()) {
            for ((place, _), pte) in locked.iter().zip(ptes()) {
                put(place, pte);
            }
            return Ok(());
        }
        if mkwrite {
            for ((place, _), pte) in locked.iter().zip(ptes()) {
                if place.huge.get().is_some_and(|present| present.pfn == pte.pfn) {
                    put(place, pte);
                }
            }
        }
        Err(Errno::EBUSY)
    }

    fn try_for_each(
        &self,
        range: Range<usize>,
        mut visit: impl FnMut(Range<usize>, Pte, &mut CopiedEntry) -> Result<(), Errno>,
    ) -> Result<(), Errno> {
        for (start, place) in self.places(&range) {
            let Some(parts) = place.table() else {
                let visited = place.with_huge(|entry| match entry.pte() {
                    Some(pte) => visit(start..start + LEAF_SPAN, pte, entry),
                    None => Ok(()),
                });
                visited.unwrap_or(Ok(()))?;
                continue;
            };
            // The pages that begin in the range.
            let first = range.start.saturating_sub(start).div_ceil(PAGE_SIZE);
            let end = (range.end - start).div_ceil(PAGE_SIZE);
            let parts = parts.iter().map(OnceBox::get).zip((0..).step_by(PART));
            for (part, base) in parts.filter_map(|(part, base)| Some((part?, base))) {
                let (from, to) = (first.saturating_sub(base), end.saturating_sub(base));
                for (slot, index) in part.iter().zip(base..).take(to).skip(from) {
                    if slot.pte.is_empty() {
                        continue;
                    }
                    let address = start + index * PAGE_SIZE;
                    slot.with(|entry| match entry.pte() {
                        Some(pte) => visit(address..address + PAGE_SIZE, pte, entry),
                        None => Ok(()),
                    })?;
                }
            }
        }
        Ok(())
    }

    fn free(&self, range: Range<usize>, is_used: impl Fn(Range<usize>) -> bool) {
        for (start, place) in self.places(&range) {
            if is_used(start..start + LEAF_SPAN) {
                continue;
            }
            let _locked = place.lock.write();
            if place.table().is_some() {
                place.set_table(false);
                self.machine.uncharge_page_table();
            }
        }
    }
}
