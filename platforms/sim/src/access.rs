//! User threads, and how they load and store.

use std::{cell::Cell, marker::PhantomData, sync::Arc};

use vmctx::{Platform, UserAddr};

use super::{
    AccessError, Machine, Sim,
    fault::{self, Next},
    hook,
    pagetable::{Pte, Slot},
    process::{Mm, Process},
    vma::TASK_SIZE,
};

const PAGE_SIZE: usize = Sim::PAGE_SIZE;

/// A user thread of a process: it loads and stores through the page tables, and takes real faults.
///
/// Give each OS thread one of its own ([`Process::thread`]). It keeps its process alive.
///
/// An access of many pages is one of each page in turn; bytes of the pages before one that fails were copied. Each byte
/// is loaded or stored on its own, and nothing is promised about the order.
pub struct Thread {
    process: Process,
    // A thread is in one place at a time.
    not_shared: PhantomData<Cell<()>>,
}

impl Thread {
    pub(super) fn new(process: Process) -> Self {
        Self { process, not_shared: PhantomData }
    }

    /// The process it belongs to.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Loads bytes.
    ///
    /// # Errors
    /// The signal that the access ends with, or what only a simulator can report.
    pub fn read(&self, address: UserAddr, into: &mut [u8]) -> Result<(), AccessError> {
        let mut at = address.get();
        let mut rest = into;
        while !rest.is_empty() {
            let (part, left) = rest.split_at_mut(rest.len().min(PAGE_SIZE - at % PAGE_SIZE));
            self.touch(at, false, |machine, pte| machine.memory().read(pte.pfn, at % PAGE_SIZE, part))?;
            at = at.wrapping_add(part.len());
            rest = left;
        }
        Ok(())
    }

    /// Stores bytes.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn write(&self, address: UserAddr, from: &[u8]) -> Result<(), AccessError> {
        let mut at = address.get();
        let mut rest = from;
        while !rest.is_empty() {
            let (part, left) = rest.split_at(rest.len().min(PAGE_SIZE - at % PAGE_SIZE));
            self.touch(at, true, |machine, pte| machine.memory().write(pte.pfn, at % PAGE_SIZE, part))?;
            at = at.wrapping_add(part.len());
            rest = left;
        }
        Ok(())
    }

    /// Loads one byte.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_u8(&self, address: UserAddr) -> Result<u8, AccessError> {
        let mut byte = [0];
        self.read(address, &mut byte)?;
        let [byte] = byte;
        Ok(byte)
    }

    /// Stores one byte.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn write_u8(&self, address: UserAddr, byte: u8) -> Result<(), AccessError> {
        self.write(address, &[byte])
    }

    /// Loads four bytes, in the machine's order (little-endian).
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_u32(&self, address: UserAddr) -> Result<u32, AccessError> {
        let mut bytes = [0; 4];
        self.read(address, &mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    /// Stores four bytes, in the machine's order (little-endian).
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn write_u32(&self, address: UserAddr, value: u32) -> Result<(), AccessError> {
        self.write(address, &value.to_le_bytes())
    }

    /// One access to one page: through the page table, with as many faults as it takes.
    fn touch(
        &self,
        address: usize,
        write: bool,
        mut copy: impl FnMut(&Machine, Pte) -> bool,
    ) -> Result<(), AccessError> {
        let mm = self.process.mm();
        if let Some(hook) = hook::in_the_way() {
            return Err(AccessError::InsideHook { hook, address: UserAddr::new(address) });
        }
        if address >= TASK_SIZE {
            return Err(fault::segv(mm.machine(), address));
        }
        let mut patience = Patience::new(mm, address);
        let mut tried = false;
        loop {
            if mm.is_killed() {
                return Err(fault::killed(mm.machine(), address));
            }
            if through_table(mm, address, write, &mut copy) {
                return Ok(());
            }
            tried = fault::serve(mm, address, write, tried)? == Next::Retry;
            patience.repeat(mm, address, tried)?;
        }
    }
}

/// The access as hardware does it, with the entry's lock held: `false` is a page fault.
fn through_table(mm: &Mm, address: usize, write: bool, copy: &mut impl FnMut(&Machine, Pte) -> bool) -> bool {
    let tables = mm.tables();
    let mut through = |pte: Pte| pte.accessible && (pte.writable || !write) && copy(mm.machine(), pte);
    let small = tables.with(address, |slot| {
        let Some(pte) = slot.pte().filter(|pte| through(*pte)) else { return false };
        if write && !pte.dirty {
            slot.set(Some(Pte { dirty: true, ..pte }));
        }
        true
    });
    if let Some(done) = small {
        return done;
    }
    // Through a huge entry many load and store at once.
    let clean = tables.look_at_huge(address, |pte| through(pte.part_at(address)).then_some(write && !pte.dirty));
    if clean.flatten() == Some(true) {
        let make_dirty = |slot: &mut Slot| slot.set(slot.pte().map(|pte| Pte { dirty: true, ..pte }));
        tables.with_huge(address, make_dirty);
    }
    clean.flatten().is_some()
}

/// How long an access is repeated: as long as something changes.
struct Patience {
    changes: u64,
    unchanged: usize,
}

impl Patience {
    fn new(mm: &Arc<Mm>, address: usize) -> Self {
        Self { changes: mm.tables().changes(address), unchanged: 0 }
    }

    fn repeat(&mut self, mm: &Arc<Mm>, address: usize, tried: bool) -> Result<(), AccessError> {
        let changes = mm.tables().changes(address);
        if changes != self.changes {
            self.changes = changes;
            self.unchanged = 0;
            return Ok(());
        }
        if !tried {
            mm.machine().counters().refaults.count();
        }
        self.unchanged += 1;
        if self.unchanged < mm.machine().limits().refaults {
            return Ok(());
        }
        Err(AccessError::RefaultsForever { address: UserAddr::new(address), refaults: self.unchanged })
    }
}
