//! Page tables: 48-bit addresses, four levels of 512 entries, one lock an entry.
//!
//! A walk takes no lock that another page's fault could hold for long: the upper levels are made once and stay until
//! the address space goes; the pointer to a lowest table is behind a lock that is held only to look at it or to put
//! one there; each entry has its own. What a user reads or writes is copied while the entry's lock is held. So an
//! entry that was taken away is out of use when that returns: the lock is the TLB shootdown.
//!
//! In the place of a lowest table there can be a huge entry, of as many frames as the table has entries. Its lock is
//! that of the pointer. An entry of the next level is 512 of these, made together.
//!
//! Entries are made only with the mmap lock held, in any mode, and tables are freed only with it held for write; that
//! is why a table which is reached without it, by an access or by `unmap_mapping_range`, may be a detached one, and why
//! that does no harm.
//!
//! No crate carries this. `pagetable` is a radix tree that only grows, where tables here are freed and run out; crates
//! for hardware page tables bring formats and no locks. For VMAs, interval maps (`range-action-map`, `meminterval`) cut
//! without asking, where a cut here can be refused; a `BTreeMap` by start is all it takes.

use std::{
    iter::repeat_with,
    ops::Range,
    sync::{Arc, OnceLock},
};

use parking_lot::{Mutex, RwLock};

use vmctx::{Errno, Platform, platform::Cache};
use vmctx_hosted::PageTable;

use super::{Machine, Page, Sim, vma::TASK_SIZE};

const PAGE_SIZE: usize = Sim::PAGE_SIZE;
const ENTRIES: usize = 512;

/// How many bytes the entries of each level span, the lowest first. The first is also what a huge entry maps.
pub(super) const LEAF_SPAN: usize = ENTRIES * PAGE_SIZE;
const BOTTOM_SPAN: usize = ENTRIES * LEAF_SPAN;
const MIDDLE_SPAN: usize = ENTRIES * BOTTOM_SPAN;

/// A page table entry that is present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pte {
    pub(super) pfn: u64,
    /// The user may read (and execute): everything but `PROT_NONE`.
    pub(super) accessible: bool,
    pub(super) writable: bool,
    pub(super) dirty: bool,
    /// The entry holds a reference to a page. Without, it is a special one: a frame by number, or the zero page.
    pub(super) counted: bool,
    pub(super) cache: Cache,
}

/// A place for an entry.
#[derive(Default)]
pub(super) struct Slot {
    pte: Option<Pte>,
    changes: u64,
}

impl Slot {
    pub(super) fn pte(&self) -> Option<Pte> {
        self.pte
    }

    /// How often the entry was changed.
    pub(super) fn changes(&self) -> u64 {
        self.changes
    }

    pub(super) fn set(&mut self, pte: Option<Pte>) {
        self.pte = pte;
        self.changes += 1;
    }
}

impl Pte {
    /// The entry as if a huge one were small, at an address that it covers.
    pub(super) fn part_at(self, address: usize) -> Self {
        Self { pfn: self.pfn + (address % LEAF_SPAN / PAGE_SIZE) as u64, ..self }
    }
}

/// 512 of something.
struct Node<T>(Box<[T]>);

impl<T: Default> Default for Node<T> {
    fn default() -> Self {
        Self(repeat_with(T::default).take(ENTRIES).collect())
    }
}

impl<T> Node<T> {
    /// The entry for an address, where one entry spans `span` bytes.
    fn at(&self, address: usize, span: usize) -> Option<&T> {
        self.0.get(address / span % ENTRIES)
    }
}

type Leaf = Node<Mutex<Slot>>;
type LeafPointer = RwLock<Lower>;
type Bottom = Node<LeafPointer>;
type Middle = Node<OnceLock<Bottom>>;
type Top = Node<OnceLock<Middle>>;

/// What hangs on the level above the lowest.
#[derive(Default)]
struct Lower {
    what: What,
    changes: u64,
}

#[derive(Default)]
enum What {
    #[default]
    Nothing,
    Table(Arc<Leaf>),
    /// A huge entry, with the number of its first frame. Never empty but while its lock is held.
    Huge(Slot),
}

impl Lower {
    fn set(&mut self, what: What) {
        self.what = what;
        self.changes += 1;
    }

    fn table(&self) -> Option<Arc<Leaf>> {
        match &self.what {
            What::Table(leaf) => Some(Arc::clone(leaf)),
            What::Nothing | What::Huge(_) => None,
        }
    }

    fn huge(&self) -> Option<Pte> {
        match &self.what {
            What::Huge(slot) => slot.pte(),
            What::Nothing | What::Table(_) => None,
        }
    }

    /// Looks at the huge entry, which is gone if it is then empty.
    fn with_huge<R>(&mut self, look: impl FnOnce(&mut Slot) -> R) -> Option<R> {
        let What::Huge(slot) = &mut self.what else { return None };
        let before = slot.changes();
        let seen = look(slot);
        self.changes += slot.changes() - before;
        if slot.pte().is_none() {
            self.what = What::Nothing;
        }
        Some(seen)
    }
}

/// The page tables of one address space.
pub struct PageTables {
    machine: Machine,
    top: Top,
}

impl PageTables {
    pub(super) fn new(machine: Machine) -> Self {
        Self { machine, top: Top::default() }
    }

    pub(super) fn machine(&self) -> &Machine {
        &self.machine
    }

    /// Looks at the entry of an address, with its lock held. `None` if there is no table.
    pub(super) fn with<R>(&self, address: usize, look: impl FnOnce(&mut Slot) -> R) -> Option<R> {
        let leaf = self.leaf_pointer(address).ok()?.read().table()?;
        let mut slot = leaf.at(address, PAGE_SIZE)?.lock();
        Some(look(&mut slot))
    }

    /// The same, with a table made if there is none. The mmap lock is held. EBUSY where a huge entry is.
    pub(super) fn with_table<R>(&self, address: usize, change: impl FnOnce(&mut Slot) -> R) -> Result<R, Errno> {
        let leaf = self.make_leaf(address)?;
        let mut slot = leaf.at(address, PAGE_SIZE).ok_or(Errno::EFAULT)?.lock();
        Ok(change(&mut slot))
    }

    /// Looks at the huge entry that covers an address, with its lock held. `None` if there is none.
    pub(super) fn with_huge<R>(&self, address: usize, look: impl FnOnce(&mut Slot) -> R) -> Option<R> {
        self.leaf_pointer(address).ok()?.write().with_huge(look)
    }

    /// Looks at the huge entry that covers an address, while it cannot change; others may look, too.
    pub(super) fn look_at_huge<R>(&self, address: usize, look: impl FnOnce(Pte) -> R) -> Option<R> {
        let lower = self.leaf_pointer(address).ok()?.read();
        lower.huge().map(look)
    }

    /// The huge entry that covers an address.
    pub(super) fn huge(&self, address: usize) -> Option<Pte> {
        self.look_at_huge(address, |pte| pte)
    }

    /// The lowest table's entry of an address.
    pub(super) fn pte(&self, address: usize) -> Option<Pte> {
        self.with(address, |slot| slot.pte()).flatten()
    }

    /// How often what an address leads to was changed.
    pub(super) fn changes(&self, address: usize) -> u64 {
        let above = self.leaf_pointer(address).map_or(0, |pointer| pointer.read().changes);
        above + self.with(address, |slot| slot.changes()).unwrap_or(0)
    }

    /// Whether neither a table nor a huge entry is there for an address (`pmd_none`).
    pub(super) fn is_bare(&self, address: usize) -> bool {
        self.leaf_pointer(address).map_or(true, |pointer| matches!(pointer.read().what, What::Nothing))
    }

    /// The same for all of the level above (`pud_none`).
    pub(super) fn is_bare_above(&self, address: usize) -> bool {
        let start = address - address % BOTTOM_SPAN;
        self.pointers(&(start..start + BOTTOM_SPAN)).is_empty()
    }

    /// Makes huge entries of consecutive frames, at an address that is aligned to all of them: all, where nothing is, or
    /// none. The mmap lock is held. With `mkwrite`, entries of the same frames that are there become writable.
    ///
    /// # Errors
    /// EBUSY where something is.
    pub(super) fn insert_huge(&self, address: usize, count: usize, first: Pte, mkwrite: bool) -> Result<(), Errno> {
        let mut lowers = Vec::with_capacity(count);
        for index in 0..count {
            // In order of their addresses; nobody else waits for one of these with one of these held.
            lowers.push(self.make_pointer(address + index * LEAF_SPAN)?.write());
        }
        let ptes = || (0..).map(|index: u64| Pte { pfn: first.pfn + index * ENTRIES as u64, ..first });
        if lowers.iter().all(|lower| matches!(lower.what, What::Nothing)) {
            for (lower, pte) in lowers.iter_mut().zip(ptes()) {
                lower.set(What::Huge(Slot { pte: Some(pte), changes: 0 }));
            }
            return Ok(());
        }
        if mkwrite {
            for (lower, pte) in lowers.iter_mut().zip(ptes()) {
                if lower.huge().is_some_and(|present| present.pfn == pte.pfn) {
                    lower.with_huge(|slot| slot.set(Some(pte)));
                }
            }
        }
        Err(Errno::EBUSY)
    }

    /// Takes the huge entry away that covers an address, if there is one.
    pub(super) fn drop_huge(&self, address: usize) {
        let taken = self.with_huge(address, |slot| {
            let pte = slot.pte();
            slot.set(None);
            pte
        });
        if let Some(pte) = taken.flatten() {
            self.forget(pte);
        }
    }

    /// Visits the entries that are present in a range, one after the other, each with its lock held, and what it maps. A
    /// huge entry may reach over the range.
    pub(super) fn for_each(&self, range: Range<usize>, mut visit: impl FnMut(Range<usize>, Pte, &mut Slot)) {
        // What cannot fail needs no answer.
        let _ = self.try_for_each(range, |at, pte, slot| {
            visit(at, pte, slot);
            Ok(())
        });
    }

    /// The same, until a visit fails.
    pub(super) fn try_for_each(
        &self,
        range: Range<usize>,
        mut visit: impl FnMut(Range<usize>, Pte, &mut Slot) -> Result<(), Errno>,
    ) -> Result<(), Errno> {
        for (start, pointer) in self.pointers(&range) {
            let leaf = pointer.read().table();
            let Some(leaf) = leaf else {
                let visited = pointer.write().with_huge(|slot| match slot.pte() {
                    Some(pte) => visit(start..start + LEAF_SPAN, pte, slot),
                    None => Ok(()),
                });
                visited.unwrap_or(Ok(()))?;
                continue;
            };
            for (index, slot) in leaf.0.iter().enumerate() {
                let address = start + index * PAGE_SIZE;
                if !range.contains(&address) {
                    continue;
                }
                let mut slot = slot.lock();
                if let Some(pte) = slot.pte() {
                    visit(address..address + PAGE_SIZE, pte, &mut slot)?;
                }
            }
        }
        Ok(())
    }

    /// Puts what an entry held that is no longer in its slot.
    pub(super) fn forget(&self, pte: Pte) {
        self.machine.counters().unmapped.count();
        if pte.counted {
            self.machine.memory().count_mapping(pte.pfn, false);
            self.machine.memory().put(pte.pfn);
        }
    }

    /// Frees the tables in a range of which nothing is used (`free_pgtables`). The mmap lock is held for write.
    pub(super) fn free(&self, range: Range<usize>, is_used: impl Fn(Range<usize>) -> bool) {
        for (start, pointer) in self.pointers(&range) {
            if is_used(start..start + LEAF_SPAN) {
                continue;
            }
            let mut lower = pointer.write();
            if matches!(lower.what, What::Table(_)) {
                lower.set(What::Nothing);
                self.machine.uncharge_page_table();
            }
        }
    }

    /// Where in a range something hangs on the level above the lowest, and the address where that begins.
    fn pointers(&self, range: &Range<usize>) -> Vec<(usize, &LeafPointer)> {
        let mut found = Vec::new();
        if range.is_empty() {
            return found;
        }
        let mut at = range.start - range.start % LEAF_SPAN;
        // Above, addresses would come round: the levels do not look at more than 48 bits.
        let end = range.end.min(TASK_SIZE);
        while at < end {
            let span = match self.leaf_pointer(at) {
                Ok(pointer) => {
                    if !matches!(pointer.read().what, What::Nothing) {
                        found.push((at, pointer));
                    }
                    LEAF_SPAN
                }
                Err(missing) => missing,
            };
            at = at - at % span + span;
        }
        found
    }

    /// Where the lowest table of an address hangs, or how many bytes the table spans that is missing above.
    fn leaf_pointer(&self, address: usize) -> Result<&LeafPointer, usize> {
        let middle = self.top.at(address, MIDDLE_SPAN).and_then(OnceLock::get).ok_or(MIDDLE_SPAN)?;
        let bottom = middle.at(address, BOTTOM_SPAN).and_then(OnceLock::get).ok_or(BOTTOM_SPAN)?;
        bottom.at(address, LEAF_SPAN).ok_or(LEAF_SPAN)
    }

    fn make_pointer(&self, address: usize) -> Result<&LeafPointer, Errno> {
        let middle = self.top.at(address, MIDDLE_SPAN).ok_or(Errno::EFAULT)?.get_or_init(Middle::default);
        let bottom = middle.at(address, BOTTOM_SPAN).ok_or(Errno::EFAULT)?.get_or_init(Bottom::default);
        bottom.at(address, LEAF_SPAN).ok_or(Errno::EFAULT)
    }

    fn make_leaf(&self, address: usize) -> Result<Arc<Leaf>, Errno> {
        let pointer = self.make_pointer(address)?;
        if let Some(leaf) = pointer.read().table() {
            return Ok(leaf);
        }
        let mut lower = pointer.write();
        match &lower.what {
            What::Table(leaf) => Ok(Arc::clone(leaf)),
            What::Huge(_) => Err(Errno::EBUSY),
            What::Nothing => {
                self.machine.charge_page_table()?;
                let leaf = Arc::new(Leaf::default());
                lower.set(What::Table(Arc::clone(&leaf)));
                Ok(leaf)
            }
        }
    }
}

impl PageTable for PageTables {
    /// Takes the entries of a range away (`zap_page_range`), and puts their references. Private copies stay if
    /// `even_cows` is not set. A huge entry goes as a whole.
    fn zap(&self, range: &Range<usize>, even_cows: bool) {
        let memory = self.machine.memory();
        self.for_each(range.clone(), |_, pte, slot| {
            if even_cows || !(pte.counted && memory.is_anonymous(pte.pfn)) {
                slot.set(None);
                self.forget(pte);
            }
        });
    }

    /// Takes the right to write from the entries of a range, so that the next store to each faults (`page_mkclean`). Each
    /// page is locked meanwhile: a `page_mkwrite` that has noted a store with the page locked keeps it so until the entry
    /// is writable, and is not overtaken. Private copies stay as they are: they are their user's own.
    fn write_protect(&self, range: &Range<usize>) {
        let memory = self.machine.memory();
        let protect = |slot: &mut Slot, pte| slot.set(Some(Pte { writable: false, dirty: false, ..pte }));
        let mut pages = Vec::new();
        self.for_each(range.clone(), |at, pte, slot| {
            if !pte.counted {
                protect(slot, pte);
            } else if !memory.is_anonymous(pte.pfn) {
                memory.get(pte.pfn);
                pages.push((at.start, Page::adopt(self.machine.clone(), pte.pfn)));
            }
        });
        // Page locks come before entries.
        for (address, page) in pages {
            page.lock();
            self.with(address, |slot| {
                if let Some(pte) = slot.pte().filter(|pte| pte.counted && pte.pfn == page.pfn()) {
                    protect(slot, pte);
                }
            });
            page.unlock();
        }
    }

    /// Takes away a huge entry that reaches over this address: its mapping is about to be cut there. It is special, so
    /// Linux does not split it either, but lets faults bring it back in parts (`__split_huge_pmd_locked`).
    fn split(&self, address: usize) {
        if address % LEAF_SPAN != 0 {
            self.drop_huge(address);
        }
    }
}
