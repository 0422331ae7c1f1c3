//! Page tables: 48-bit addresses, one lock an entry.
//!
//! A walk takes no lock and writes nothing, so threads that fault on different pages do not meet in it: levels and
//! tables are made once, and their memory stays until the address space goes. An entry is one word, which whoever only
//! looks reads as it is. What changes it, and what loads and stores through it, has its lock: what a user reads or writes
//! is copied meanwhile. So an entry that was taken away is out of use when that returns: the lock is the TLB shootdown.
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
    array,
    iter::{repeat_with, successors},
    ops::Range,
    sync::{
        OnceLock,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
};

use parking_lot::{Mutex, RwLock, RwLockWriteGuard};

use vmctx::{Errno, platform::Cache};
use vmctx_hosted::{CopiedEntry, Entry, PageTable, Pte};

use crate::{
    machine::Machine,
    memory::{PAGE_SHIFT, PAGE_SIZE},
};

/// How many bits an address has.
const ADDRESS_BITS: u32 = 48;

/// The base-2 logarithms of how many entries the nodes of each level have: of tables, of what tables hang on, and
/// above. A process of few pages has few nodes, so those above are small.
const LEAF_SHIFT: u32 = PAGE_SHIFT - 3;
const BOTTOM_SHIFT: u32 = ADDRESS_BITS - PAGE_SHIFT - LEAF_SHIFT - 3 * UPPER_SHIFT;
const UPPER_SHIFT: u32 = if PAGE_SHIFT > 14 { 6 } else { 7 };
const ENTRIES: usize = 1 << LEAF_SHIFT;
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

/// A node of a level. `N` is a power of two.
struct Node<T, const N: usize>(Box<[T; N]>);

impl<T: Default, const N: usize> Default for Node<T, N> {
    fn default() -> Self {
        // Made where it stays: an array in a variable would be copied.
        let entries: Box<[T]> = repeat_with(T::default).take(N).collect();
        Self(entries.try_into().unwrap_or_else(|_| Box::new(array::from_fn(|_| T::default()))))
    }
}

impl<T, const N: usize> Node<T, N> {
    /// The entry for an address, where one entry spans `span` bytes.
    #[inline]
    fn at(&self, address: usize, span: usize) -> Option<&T> {
        self.0.get(address / span % N)
    }
}

type Leaf = Node<Slot, ENTRIES>;
type Bottom = Node<Place, BOTTOM>;
type Lower = Node<OnceLock<Bottom>, UPPER>;
type Middle = Node<OnceLock<Lower>, UPPER>;
type Top = Node<OnceLock<Middle>, UPPER>;

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

    fn is_empty(&self) -> bool {
        self.0.load(Ordering::Acquire) == 0
    }

    #[inline]
    fn get(&self) -> Option<Pte> {
        let word = self.0.load(Ordering::Acquire);
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

    #[inline]
    fn set(&self, pte: Option<Pte>) {
        let bit = |is_set, bit| if is_set { bit } else { 0 };
        let word = pte.map_or(0, |Pte { pfn, accessible, writable, dirty, counted, cache }| {
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
        });
        self.0.store(word, Ordering::Release);
    }

    /// Hands the entry out, to be looked at and set. Whoever calls has its lock.
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

/// The place of an entry.
#[derive(Default)]
struct Slot {
    pte: Word,
    changes: Changes,
    lock: Mutex<()>,
}

impl Slot {
    #[inline]
    fn with<R>(&self, look: impl FnOnce(&mut CopiedEntry) -> R) -> R {
        let _locked = self.lock.lock();
        self.pte.with(&self.changes, look)
    }
}

/// Where a table hangs, or a large entry, or nothing.
#[derive(Default)]
struct Place {
    /// The table, once there was one. It is in use if `has_table`.
    leaf: OnceLock<Leaf>,
    /// The large entry, with the number of its first frame. Where it is, there is no table.
    huge: Word,
    lock: RwLock<()>,
    changes: Changes,
    has_table: AtomicBool,
}

impl Place {
    #[inline]
    fn table(&self) -> Option<&Leaf> {
        if self.has_table.load(Ordering::Acquire) { self.leaf.get() } else { None }
    }

    fn is_bare(&self) -> bool {
        !self.has_table.load(Ordering::Acquire) && self.huge.is_empty()
    }

    /// A table comes or goes. Whoever calls has the lock for write.
    fn set_table(&self, comes: bool) {
        self.has_table.store(comes, Ordering::Release);
        self.changes.count();
    }

    /// The table, which is made if nothing is there.
    #[inline]
    fn make_table(&self, machine: &Machine) -> Result<&Leaf, Errno> {
        if let Some(leaf) = self.table() {
            return Ok(leaf);
        }
        let _locked = self.lock.write();
        if !self.huge.is_empty() {
            return Err(Errno::EBUSY);
        }
        if !self.has_table.load(Ordering::Acquire) {
            machine.charge_page_table()?;
            self.leaf.get_or_init(Leaf::default);
            self.set_table(true);
        }
        self.leaf.get().ok_or(Errno::ENOMEM)
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
    top: Top,
}

impl PageTables {
    pub(crate) fn new(machine: Machine) -> Self {
        Self { machine, top: Top::default() }
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
                at = at - at % span + span;
            }
            None
        };
        successors(next(start), move |(at, _)| next(at + LEAF_SPAN))
    }

    /// Where the lowest table of an address hangs, or how many bytes the node spans that is missing above.
    #[inline]
    fn place(&self, address: usize) -> Result<&Place, usize> {
        let middle = self.top.at(address, MIDDLE_SPAN).and_then(OnceLock::get).ok_or(MIDDLE_SPAN)?;
        let lower = middle.at(address, LOWER_SPAN).and_then(OnceLock::get).ok_or(LOWER_SPAN)?;
        let bottom = lower.at(address, BOTTOM_SPAN).and_then(OnceLock::get).ok_or(BOTTOM_SPAN)?;
        bottom.at(address, LEAF_SPAN).ok_or(LEAF_SPAN)
    }

    #[inline]
    fn make_place(&self, address: usize) -> Result<&Place, Errno> {
        let middle = self.top.at(address, MIDDLE_SPAN).ok_or(Errno::EFAULT)?.get_or_init(Middle::default);
        let lower = middle.at(address, LOWER_SPAN).ok_or(Errno::EFAULT)?.get_or_init(Lower::default);
        let bottom = lower.at(address, BOTTOM_SPAN).ok_or(Errno::EFAULT)?.get_or_init(Bottom::default);
        bottom.at(address, LEAF_SPAN).ok_or(Errno::EFAULT)
    }

    #[inline]
    fn slot(&self, address: usize) -> Option<&Slot> {
        self.place(address).ok()?.table()?.at(address, PAGE_SIZE)
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

    #[inline]
    fn with_table<R>(&self, address: usize, change: impl FnOnce(&mut CopiedEntry) -> R) -> Result<R, Errno> {
        let leaf = self.make_place(address)?.make_table(&self.machine)?;
        Ok(leaf.at(address, PAGE_SIZE).ok_or(Errno::EFAULT)?.with(change))
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
            let Some(leaf) = place.table() else {
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
            for (index, slot) in leaf.0.iter().enumerate().take(end).skip(first) {
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
