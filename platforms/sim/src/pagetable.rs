//! Page tables: 48-bit addresses, four levels of 512 entries, one lock an entry.
//!
//! A walk takes no lock that another page's fault could hold for long: the upper levels are made once and stay until
//! the address space goes; the pointer to a lowest table is behind a lock that is held only to look at it or to put
//! one there; each entry has its own. What a user reads or writes is copied while the entry's lock is held. So an
//! entry that was taken away is out of use when that returns: the lock is the TLB shootdown.
//!
//! In the place of a lowest table there can be a large entry, of as many frames as the table has entries. Its lock is
//! that of the pointer. An entry of the next level is 512 of these, made together.
//!
//! Entries are made only with the mmap lock held, in any mode, and tables are freed only with it held for write, when
//! no entry is left in them. So whoever reaches a table without it, an access or `unmap_mapping_range`, may have one
//! that is just being freed: it finds nothing there, and nobody puts anything into it.
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

use vmctx::Errno;
use vmctx_hosted::{Entry, PageTable, Pte};

use crate::{
    machine::Machine,
    memory::{PAGE_SHIFT, PAGE_SIZE},
};

/// The base-2 logarithm of how many entries a table has.
const ENTRIES_SHIFT: u32 = 9;
const ENTRIES: usize = 1 << ENTRIES_SHIFT;

/// How many bytes the entries of each level span, the lowest first. The first is also what a large entry maps.
const LEAF_SPAN: usize = ENTRIES * PAGE_SIZE;
const BOTTOM_SPAN: usize = ENTRIES * LEAF_SPAN;
const MIDDLE_SPAN: usize = ENTRIES * BOTTOM_SPAN;
/// The first address that the four levels do not reach.
const ADDRESS_END: usize = 1 << (PAGE_SHIFT + 4 * ENTRIES_SHIFT);

/// The place of an entry, and how often that was changed.
#[derive(Default)]
pub struct Slot {
    pte: Option<Pte>,
    changes: u64,
}

impl Entry for Slot {
    fn pte(&self) -> Option<Pte> {
        self.pte
    }

    fn set(&mut self, pte: Option<Pte>) {
        self.pte = pte;
        self.changes += 1;
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
    /// A large entry, with the number of its first frame. Never empty but while its lock is held.
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

    /// Looks at the large entry, which is gone if it is then empty.
    fn with_huge<R>(&mut self, look: impl FnOnce(&mut Slot) -> R) -> Option<R> {
        let What::Huge(slot) = &mut self.what else { return None };
        let before = slot.changes;
        let seen = look(slot);
        self.changes += slot.changes - before;
        if slot.pte().is_none() {
            self.what = What::Nothing;
        }
        Some(seen)
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

    /// Where in a range something hangs on the level above the lowest, and the address where that begins.
    fn pointers(&self, range: &Range<usize>) -> Vec<(usize, &LeafPointer)> {
        let mut found = Vec::new();
        if range.is_empty() {
            return found;
        }
        let mut at = range.start - range.start % LEAF_SPAN;
        // Above, addresses would come round: the levels do not look at more than 48 bits.
        let end = range.end.min(ADDRESS_END);
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
    type Machine = Machine;
    type Entry = Slot;

    const TABLE_SPAN: usize = LEAF_SPAN;
    const HAS_HUGE: bool = true;

    fn machine(&self) -> &Machine {
        &self.machine
    }

    fn empty(&self) -> Self {
        Self::new(self.machine.clone())
    }

    fn with<R>(&self, address: usize, look: impl FnOnce(&mut Slot) -> R) -> Option<R> {
        let leaf = self.leaf_pointer(address).ok()?.read().table()?;
        let mut slot = leaf.at(address, PAGE_SIZE)?.lock();
        Some(look(&mut slot))
    }

    fn with_table<R>(&self, address: usize, change: impl FnOnce(&mut Slot) -> R) -> Result<R, Errno> {
        let leaf = self.make_leaf(address)?;
        let mut slot = leaf.at(address, PAGE_SIZE).ok_or(Errno::EFAULT)?.lock();
        Ok(change(&mut slot))
    }

    fn with_huge<R>(&self, address: usize, look: impl FnOnce(&mut Slot) -> R) -> Option<R> {
        self.leaf_pointer(address).ok()?.write().with_huge(look)
    }

    fn look_at_huge<R>(&self, address: usize, look: impl FnOnce(Pte) -> R) -> Option<R> {
        let lower = self.leaf_pointer(address).ok()?.read();
        lower.huge().map(look)
    }

    fn changes(&self, address: usize) -> u64 {
        let above = self.leaf_pointer(address).map_or(0, |pointer| pointer.read().changes);
        above + self.with(address, |slot| slot.changes).unwrap_or(0)
    }

    fn is_bare(&self, address: usize) -> bool {
        self.leaf_pointer(address).map_or(true, |pointer| matches!(pointer.read().what, What::Nothing))
    }

    fn is_bare_above(&self, address: usize) -> bool {
        let start = address - address % BOTTOM_SPAN;
        self.pointers(&(start..start + BOTTOM_SPAN)).is_empty()
    }

    fn insert_huge(&self, address: usize, count: usize, first: Pte, mkwrite: bool) -> Result<(), Errno> {
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

    fn try_for_each(
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

    fn free(&self, range: Range<usize>, is_used: impl Fn(Range<usize>) -> bool) {
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
}
