//! Page tables: 48-bit addresses, four levels of 512 entries, one lock an entry.
//!
//! A walk takes no lock that another page's fault could hold for long: the upper levels are made once and stay until
//! the address space goes; the pointer to a lowest table is behind a lock that is held only to look at it or to put
//! one there; each entry has its own. What a user reads or writes is copied while the entry's lock is held. So an
//! entry that was taken away is out of use when that returns: the lock is the TLB shootdown.
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

use crate::{Errno, Platform, platform::Cache};

use super::{Machine, Sim, vma::TASK_SIZE};

const PAGE_SIZE: usize = Sim::PAGE_SIZE;
const ENTRIES: usize = 512;

/// How many bytes the entries of each level span, the lowest first.
const LEAF_SPAN: usize = ENTRIES * PAGE_SIZE;
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
type LeafPointer = RwLock<Option<Arc<Leaf>>>;
type Bottom = Node<LeafPointer>;
type Middle = Node<OnceLock<Bottom>>;
type Top = Node<OnceLock<Middle>>;

/// The page tables of one address space.
pub(super) struct PageTables {
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
        let leaf = self.leaf_pointer(address).ok()?.read().clone()?;
        let mut slot = leaf.at(address, PAGE_SIZE)?.lock();
        Some(look(&mut slot))
    }

    /// The same, with a table made if there is none. The mmap lock is held.
    pub(super) fn with_table<R>(&self, address: usize, change: impl FnOnce(&mut Slot) -> R) -> Result<R, Errno> {
        let leaf = self.make_leaf(address)?;
        let mut slot = leaf.at(address, PAGE_SIZE).ok_or(Errno::EFAULT)?.lock();
        Ok(change(&mut slot))
    }

    pub(super) fn pte(&self, address: usize) -> Option<Pte> {
        self.with(address, |slot| slot.pte()).flatten()
    }

    pub(super) fn changes(&self, address: usize) -> u64 {
        self.with(address, |slot| slot.changes()).unwrap_or(0)
    }

    /// Visits the entries that are present in a range, one after the other, each with its lock held.
    pub(super) fn for_each(&self, range: Range<usize>, mut visit: impl FnMut(usize, Pte, &mut Slot)) {
        // What cannot fail needs no answer.
        let _ = self.try_for_each(range, |address, pte, slot| {
            visit(address, pte, slot);
            Ok(())
        });
    }

    /// The same, until a visit fails.
    pub(super) fn try_for_each(
        &self,
        range: Range<usize>,
        mut visit: impl FnMut(usize, Pte, &mut Slot) -> Result<(), Errno>,
    ) -> Result<(), Errno> {
        for (start, leaf) in self.leaves(&range) {
            for (index, slot) in leaf.0.iter().enumerate() {
                let address = start + index * PAGE_SIZE;
                if !range.contains(&address) {
                    continue;
                }
                let mut slot = slot.lock();
                if let Some(pte) = slot.pte() {
                    visit(address, pte, &mut slot)?;
                }
            }
        }
        Ok(())
    }

    /// Takes the entries of a range away (`zap_page_range`), and puts their references. Private copies stay if
    /// `even_cows` is not set.
    pub(super) fn zap(&self, range: Range<usize>, even_cows: bool) {
        let memory = self.machine.memory();
        self.for_each(range, |_, pte, slot| {
            if even_cows || !(pte.counted && memory.is_anonymous(pte.pfn)) {
                slot.set(None);
                self.forget(pte);
            }
        });
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
        for (start, _) in self.leaves(&range) {
            if is_used(start..start + LEAF_SPAN) {
                continue;
            }
            let detached = self.leaf_pointer(start).ok().and_then(|pointer| pointer.write().take());
            if detached.is_some() {
                self.machine.uncharge_page_table();
            }
        }
    }

    /// The lowest tables that there are in a range, and where they begin.
    fn leaves(&self, range: &Range<usize>) -> Vec<(usize, Arc<Leaf>)> {
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
                    found.extend(pointer.read().clone().map(|leaf| (at, leaf)));
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

    fn make_leaf(&self, address: usize) -> Result<Arc<Leaf>, Errno> {
        let middle = self.top.at(address, MIDDLE_SPAN).ok_or(Errno::EFAULT)?.get_or_init(Middle::default);
        let bottom = middle.at(address, BOTTOM_SPAN).ok_or(Errno::EFAULT)?.get_or_init(Bottom::default);
        let pointer = bottom.at(address, LEAF_SPAN).ok_or(Errno::EFAULT)?;
        if let Some(leaf) = &*pointer.read() {
            return Ok(Arc::clone(leaf));
        }
        let mut pointer = pointer.write();
        if let Some(leaf) = &*pointer {
            return Ok(Arc::clone(leaf));
        }
        self.machine.charge_page_table()?;
        Ok(Arc::clone(pointer.insert(Arc::new(Leaf::default()))))
    }
}
