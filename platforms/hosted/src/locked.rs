//! Page tables of somebody else's crate, behind one lock.

use std::ops::Range;

use parking_lot::Mutex;
use vmctx::Errno;

use crate::{
    machine::Machine,
    paging::{CopiedEntry, Entry, PageTable, Pte},
};

/// What page tables have for an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// No table of the lowest level, and no large entry in its place.
    Bare,
    /// The place of an entry, with what is there.
    Small(Option<Pte>),
    /// A large entry. Its frame is the first that it maps.
    Huge(Pte),
}

/// Page tables as page-table crates have them, without locks. [`Locked`] makes a [`PageTable`] of them.
///
/// Addresses are in bytes, and below [`ADDRESS_END`](Self::ADDRESS_END). One may lie anywhere in its page, or in what a
/// large entry maps.
pub trait PlainTable: Sized + Send + 'static {
    /// Bytes in a page.
    const PAGE_SIZE: usize;

    /// As [`PageTable::TABLE_SPAN`]. Default: a page of entries of 8 bytes.
    const TABLE_SPAN: usize = Self::PAGE_SIZE / 8 * Self::PAGE_SIZE;

    /// Whether there can be large entries, each of [`TABLE_SPAN`](Self::TABLE_SPAN) bytes.
    const HAS_HUGE: bool = false;

    /// The first address that they cannot map.
    const ADDRESS_END: usize = 1 << 48;

    /// Empty page tables.
    fn empty() -> Self;

    /// What is there for an address. It may write to an entry what the entry is.
    fn find(&mut self, address: usize) -> Place;

    /// Makes the tables that an address has none of: its place was [bare](Place::Bare), and is [small](Place::Small)
    /// then, and empty.
    ///
    /// # Errors
    /// ENOMEM.
    fn make_table(&mut self, address: usize) -> Result<(), Errno>;

    /// Sets, or empties, the entry of an address, whose place is not bare. A large entry that is emptied leaves it bare.
    fn set(&mut self, address: usize, pte: Option<Pte>);

    /// Makes a large entry at an address that is aligned to it, and whose place is bare.
    ///
    /// Default: ENOSYS, for page tables that have none.
    ///
    /// # Errors
    /// ENOMEM.
    fn make_huge(&mut self, address: usize, pte: Pte) -> Result<(), Errno> {
        let _ = (address, pte);
        Err(Errno::ENOSYS)
    }

    /// Frees the tables in which nothing is left, of all or of some: nobody needs them.
    ///
    /// Default: they stay until the address space goes. Then there is no large entry where there was a small one.
    fn free_empty(&mut self) {}

    /// The entries whose pages begin in a range, and the large ones of which anything lies in it, in order of their
    /// addresses: each with the bytes that it maps.
    fn entries(&self, range: &Range<usize>) -> Vec<(Range<usize>, Pte)>;
}

/// A [`PageTable`] of a [`PlainTable`], with one lock for all of its entries.
pub struct Locked<M, T> {
    machine: M,
    tables: Mutex<Tables<T>>,
}

struct Tables<T> {
    plain: T,
    changes: u64,
}

impl<T: PlainTable> Tables<T> {
    /// Looks at an entry whose place is not bare, and writes back what was set.
    fn look<R>(&mut self, address: usize, pte: Option<Pte>, look: impl FnOnce(&mut CopiedEntry) -> R) -> R {
        let mut entry = CopiedEntry::new(pte);
        let seen = look(&mut entry);
        if let Some(pte) = entry.to_write() {
            self.plain.set(address, pte);
            self.changes += 1;
        }
        seen
    }
}

impl<M: Machine, T: PlainTable> Locked<M, T> {
    /// Empty page tables of an address space of this machine.
    #[must_use]
    pub fn new(machine: M) -> Self {
        Self { machine, tables: Mutex::new(Tables { plain: T::empty(), changes: 0 }) }
    }
}

impl<M: Machine, T: PlainTable> PageTable for Locked<M, T> {
    type Machine = M;
    type Entry = CopiedEntry;

    const TABLE_SPAN: usize = T::TABLE_SPAN;
    const HAS_HUGE: bool = T::HAS_HUGE;

    fn machine(&self) -> &M {
        &self.machine
    }

    fn empty(&self) -> Self {
        Self::new(self.machine.clone())
    }

    fn with<R>(&self, address: usize, look: impl FnOnce(&mut CopiedEntry) -> R) -> Option<R> {
        let mut tables = self.tables.lock();
        match tables.plain.find(address) {
            Place::Small(pte) if address < T::ADDRESS_END => Some(tables.look(address, pte, look)),
            _ => None,
        }
    }

    fn with_table<R>(&self, address: usize, change: impl FnOnce(&mut CopiedEntry) -> R) -> Result<R, Errno> {
        if address >= T::ADDRESS_END {
            return Err(Errno::EFAULT);
        }
        let mut tables = self.tables.lock();
        let pte = match tables.plain.find(address) {
            Place::Small(pte) => pte,
            Place::Huge(_) => return Err(Errno::EBUSY),
            Place::Bare => tables.plain.make_table(address).map(|()| None)?,
        };
        Ok(tables.look(address, pte, change))
    }

    fn try_for_each(
        &self,
        range: Range<usize>,
        mut visit: impl FnMut(Range<usize>, Pte, &mut CopiedEntry) -> Result<(), Errno>,
    ) -> Result<(), Errno> {
        if range.is_empty() {
            return Ok(());
        }
        let mut tables = self.tables.lock();
        for (bytes, pte) in tables.plain.entries(&range) {
            tables.look(bytes.start, Some(pte), |entry| visit(bytes, pte, entry))?;
        }
        Ok(())
    }

    fn changes(&self, _: usize) -> u64 {
        self.tables.lock().changes
    }

    /// Tables that are in use and empty are made again when something is put there.
    fn free(&self, _: Range<usize>, _: impl Fn(Range<usize>) -> bool) {
        self.tables.lock().plain.free_empty();
    }

    fn with_huge<R>(&self, address: usize, look: impl FnOnce(&mut CopiedEntry) -> R) -> Option<R> {
        let mut tables = self.tables.lock();
        match tables.plain.find(address) {
            Place::Huge(pte) if address < T::ADDRESS_END => Some(tables.look(address, Some(pte), look)),
            _ => None,
        }
    }

    fn is_bare(&self, address: usize) -> bool {
        self.tables.lock().plain.find(address) == Place::Bare
    }

    fn insert_huge(&self, address: usize, count: usize, first: Pte, mkwrite: bool) -> Result<(), Errno> {
        let wanted = |index: usize| {
            let pfn = first.pfn + (index * (T::TABLE_SPAN / T::PAGE_SIZE)) as u64;
            (address + index * T::TABLE_SPAN, Pte { pfn, ..first })
        };
        let mut tables = self.tables.lock();
        let is_bare = (0..count).map(wanted).all(|(at, _)| tables.plain.find(at) == Place::Bare);
        for (at, pte) in (0..count).map(wanted) {
            if is_bare {
                tables.plain.make_huge(at, pte)?;
                tables.changes += 1;
            } else if let (true, Place::Huge(present)) = (mkwrite, tables.plain.find(at)) {
                if present.pfn == pte.pfn {
                    tables.look(at, Some(present), |entry| entry.set(Some(pte)));
                }
            }
        }
        if is_bare { Ok(()) } else { Err(Errno::EBUSY) }
    }
}
