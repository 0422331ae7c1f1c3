//! Page tables: one ordered map behind one lock.

use std::{collections::BTreeMap, ops::Range};

use parking_lot::Mutex;
use vmctx::Errno;
use vmctx_hosted::{CopiedEntry, PageTable, Pte};

use crate::{PAGE_SIZE, memory::Memory};

#[derive(Default)]
struct Entries {
    by_address: BTreeMap<usize, Pte>,
    changes: u64,
}

impl Entries {
    /// Looks at an entry, and writes back what was set.
    fn look<R>(&mut self, address: usize, look: impl FnOnce(&mut CopiedEntry) -> R) -> R {
        let mut entry = CopiedEntry::new(self.by_address.get(&address).copied());
        let seen = look(&mut entry);
        if let Some(pte) = entry.to_write() {
            match pte {
                Some(pte) => self.by_address.insert(address, pte),
                None => self.by_address.remove(&address),
            };
            self.changes += 1;
        }
        seen
    }
}

/// The page tables of one address space.
pub(crate) struct Table {
    memory: Memory,
    entries: Mutex<Entries>,
}

impl Table {
    pub(crate) fn new(memory: Memory) -> Self {
        Self { memory, entries: Mutex::default() }
    }
}

fn page(address: usize) -> usize {
    address - address % PAGE_SIZE
}

impl PageTable for Table {
    type Machine = Memory;
    type Entry = CopiedEntry;

    /// Fault-around stays within 2 MiB, as if tables of 512 entries were there.
    const TABLE_SPAN: usize = 512 * PAGE_SIZE;

    fn machine(&self) -> &Memory {
        &self.memory
    }

    fn empty(&self) -> Self {
        Self::new(self.memory.clone())
    }

    fn with<R>(&self, address: usize, look: impl FnOnce(&mut CopiedEntry) -> R) -> Option<R> {
        Some(self.entries.lock().look(page(address), look))
    }

    fn with_table<R>(&self, address: usize, change: impl FnOnce(&mut CopiedEntry) -> R) -> Result<R, Errno> {
        Ok(self.entries.lock().look(page(address), change))
    }

    fn try_for_each(
        &self,
        range: Range<usize>,
        mut visit: impl FnMut(Range<usize>, Pte, &mut CopiedEntry) -> Result<(), Errno>,
    ) -> Result<(), Errno> {
        let mut entries = self.entries.lock();
        let found: Vec<(usize, Pte)> = entries.by_address.range(range).map(|(address, pte)| (*address, *pte)).collect();
        for (address, pte) in found {
            entries.look(address, |entry| visit(address..address + PAGE_SIZE, pte, entry))?;
        }
        Ok(())
    }

    fn changes(&self, _: usize) -> u64 {
        self.entries.lock().changes
    }
}
