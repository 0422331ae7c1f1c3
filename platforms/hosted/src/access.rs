//! Loads and stores through the page tables, with as many faults as they take.

use vmctx::{Platform, UserAddr};

use crate::{
    answers::Event,
    error::AccessError,
    fault::{self, By, Next},
    hook,
    machine::Machine,
    mm::Mm,
    order::{self, Wanted},
    paged::{MachineOf, Paged},
    paging::{Entry, PageTable, Pte},
    serving::Fault,
};

/// Loads bytes, page by page; those before one that fails were copied.
#[track_caller]
pub(crate) fn read<P: Paged + Platform<Fault = Fault<P>>>(
    mm: &Mm<P>,
    address: UserAddr,
    into: &mut [u8],
) -> Result<(), AccessError> {
    let mut at = address.get();
    let mut rest = into;
    while !rest.is_empty() {
        let (part, left) = rest.split_at_mut(rest.len().min(P::PAGE_SIZE - at % P::PAGE_SIZE));
        touch(mm, at, false, |machine, pte| machine.read(pte.pfn, at % P::PAGE_SIZE, part))?;
        at = at.wrapping_add(part.len());
        rest = left;
    }
    Ok(())
}

/// Stores bytes, page by page. As [`read`].
#[track_caller]
pub(crate) fn write<P: Paged + Platform<Fault = Fault<P>>>(
    mm: &Mm<P>,
    address: UserAddr,
    from: &[u8],
) -> Result<(), AccessError> {
    let mut at = address.get();
    let mut rest = from;
    while !rest.is_empty() {
        let (part, left) = rest.split_at(rest.len().min(P::PAGE_SIZE - at % P::PAGE_SIZE));
        touch(mm, at, true, |machine, pte| machine.write(pte.pfn, at % P::PAGE_SIZE, part))?;
        at = at.wrapping_add(part.len());
        rest = left;
    }
    Ok(())
}

/// One access to one page: through the page table, with as many faults as it takes.
#[track_caller]
fn touch<P: Paged + Platform<Fault = Fault<P>>>(
    mm: &Mm<P>,
    address: usize,
    write: bool,
    mut copy: impl FnMut(&MachineOf<P>, Pte) -> bool,
) -> Result<(), AccessError> {
    if let Some(hook) = hook::in_the_way() {
        return Err(AccessError::InsideHook { hook, address: UserAddr::new(address) });
    }
    order::wants(Wanted::UserMemory);
    if address >= P::TASK_SIZE {
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
        tried = fault::serve(mm, address, write, tried, By::User)? == Next::Retry;
        patience.repeat(mm, address, tried)?;
    }
}

/// The access as hardware does it, with the entry's lock held: `false` is a page fault.
fn through_table<P: Paged>(
    mm: &Mm<P>,
    address: usize,
    write: bool,
    copy: &mut impl FnMut(&MachineOf<P>, Pte) -> bool,
) -> bool {
    let table = mm.table();
    let mut through = |pte: Pte| pte.accessible && (pte.writable || !write) && copy(mm.machine(), pte);
    let small = table.with(address, |entry| {
        let Some(pte) = entry.pte().filter(|pte| through(*pte)) else { return false };
        if write && !pte.dirty {
            entry.set(Some(Pte { dirty: true, ..pte }));
        }
        true
    });
    if let Some(done) = small {
        return done;
    }
    // Through a large entry many load and store at once.
    let part = (address % P::Table::TABLE_SPAN / P::PAGE_SIZE) as u64;
    let through_huge = |pte: Pte| through(Pte { pfn: pte.pfn + part, ..pte }).then_some(write && !pte.dirty);
    let clean = table.look_at_huge(address, through_huge).flatten();
    if clean == Some(true) {
        let make_dirty = |entry: &mut <P::Table as PageTable>::Entry| {
            let dirty = entry.pte().map(|pte| Pte { dirty: true, ..pte });
            entry.set(dirty);
        };
        table.with_huge(address, make_dirty);
    }
    clean.is_some()
}

/// How long an access is repeated: as long as something changes.
pub(crate) struct Patience {
    changes: u64,
    unchanged: usize,
}

impl Patience {
    pub(crate) fn new<P: Paged>(mm: &Mm<P>, address: usize) -> Self {
        Self { changes: mm.table().changes(address), unchanged: 0 }
    }

    /// The access did not go through, and a fault was served. After RETRY (`tried`) that is not counted as a refault.
    ///
    /// # Errors
    /// When nothing has changed for as many times as the machine puts up with.
    pub(crate) fn repeat<P: Paged>(&mut self, mm: &Mm<P>, address: usize, tried: bool) -> Result<(), AccessError> {
        let changes = mm.table().changes(address);
        if changes != self.changes {
            self.changes = changes;
            self.unchanged = 0;
            return Ok(());
        }
        if !tried {
            mm.machine().count(Event::Refault);
        }
        self.unchanged += 1;
        if self.unchanged < mm.machine().max_refaults() {
            return Ok(());
        }
        Err(AccessError::RefaultsForever { address: UserAddr::new(address), refaults: self.unchanged })
    }
}
