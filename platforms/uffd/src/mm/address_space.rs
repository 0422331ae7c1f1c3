//! A session's address space: its VMAs under the mmap lock, and the addresses that it has reserved.

use std::{
    cell::{Cell, OnceCell},
    ops::{Deref, DerefMut, Range},
    ptr::NonNull,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::{Condvar, Mutex};

use vmctx_hosted::{hook, panics::ClosedFiles};

use crate::{
    error::SyscallError,
    kernel::undisturbed::Undisturbed,
    process::{addresses::Addresses, owner::Owner},
    table::page_table::Table,
};

use super::{
    file::File,
    vma::{MmapLock, ReadGuard, Space, Vma, WriteLock},
};

/// The mmap lock, held for read, and the VMA of a fault, which stays as it is until the lock is
/// [released](Self::release). Its table stays for as long as this.
///
/// # Invariants
/// The VMA is one of those that the lock protects, and the table is the VMA's. Once the lock is released, `kept` has the
/// table.
pub(crate) struct LockedVma<'a> {
    lock: Cell<Option<ReadGuard<'a>>>,
    vma: NonNull<Vma>,
    table: NonNull<Table>,
    kept: OnceCell<Arc<Table>>,
    is_stopped: bool,
}

impl LockedVma<'_> {
    /// The VMA, unless the lock was released.
    #[inline]
    pub(crate) fn vma(&self) -> Option<&Vma> {
        // SAFETY: the invariant: while the lock is held, the VMA is not changed, moved or dropped. Whoever releases the
        // lock promises that nobody has this reference any more.
        if self.is_released() { None } else { Some(unsafe { self.vma.as_ref() }) }
    }

    #[inline]
    pub(crate) fn table(&self) -> &Table {
        // SAFETY: the invariant: the VMA holds it, or `kept` does.
        unsafe { self.table.as_ref() }
    }

    /// Whether the session was stopped before the lock was taken.
    pub(crate) fn is_stopped(&self) -> bool {
        self.is_stopped
    }

    #[inline]
    pub(crate) fn is_released(&self) -> bool {
        self.kept.get().is_some()
    }

    /// If a page was not where the mapping had been laid out for it, has the next mapping of the file laid out so that
    /// the page at this address fits.
    #[inline]
    pub(crate) fn learn_layout(&self, address: usize) {
        if self.table().take_misplaced() {
            if let (Some(vma), Some(pte)) = (self.vma(), self.table().pte(address)) {
                if pte.pfn != self.table().memory().zero_page() {
                    vma.file().learn(vma.pgoff_at(address), pte.pfn);
                }
            }
        }
    }

    /// Releases the lock.
    ///
    /// # Safety
    /// Nobody has a reference from [`vma`](Self::vma) any more.
    pub(crate) unsafe fn release(&self) {
        if let Some(vma) = self.vma() {
            let _ = self.kept.set(Arc::clone(vma.table()));
        }
        drop(self.lock.take());
    }
}

/// The mmap lock, held for write by a call. No signal interrupts it: a handler might touch what is served under this lock.
pub(crate) struct CallLock {
    // Fields are dropped in this order, so the lock is given up before signals come again.
    lock: WriteLock,
    _undisturbed: Undisturbed,
}

impl Deref for CallLock {
    type Target = Space;

    fn deref(&self) -> &Space {
        &self.lock
    }
}

impl DerefMut for CallLock {
    fn deref_mut(&mut self) -> &mut Space {
        &mut self.lock
    }
}

/// Where faults wait while the session is paused.
#[derive(Default)]
struct Gate {
    /// Changed with the mmap lock held for write, when it closes: whoever has that lock for read, and finds it open, serves
    /// until he gives the lock up.
    is_closed: AtomicBool,
    waits: Mutex<()>,
    opened: Condvar,
}

impl Gate {
    #[cold]
    fn wait(&self) {
        let mut waits = self.waits.lock();
        while self.is_closed.load(Ordering::Acquire) {
            self.opened.wait(&mut waits);
        }
    }
}

/// The VMAs of a session, and its addresses.
pub(crate) struct AddressSpace {
    /// The lock, and the VMAs that it protects.
    pub(crate) mmap_lock: Arc<MmapLock>,
    pub(crate) addresses: Addresses,
    gate: Gate,
    /// What the kernel has refused to take away from users. Only faults that nobody serves keep them from it.
    open: Mutex<Vec<(Arc<Table>, Range<usize>)>>,
}

impl AddressSpace {
    pub(crate) fn new(owner: Owner) -> Self {
        Self {
            mmap_lock: Arc::default(),
            addresses: Addresses::new(owner),
            gate: Gate::default(),
            open: Mutex::default(),
        }
    }

    pub(crate) fn owner(&self) -> &Owner {
        self.addresses.owner()
    }

    /// No fault is served when this returns, and until the gate is [opened](Self::open_gate). The caller holds the mmap lock
    /// for write.
    pub(crate) fn close_gate(&self) {
        self.gate.is_closed.store(true, Ordering::Release);
    }

    /// Faults are served again, those that have waited, too.
    pub(crate) fn open_gate(&self) {
        let waits = self.gate.waits.lock();
        self.gate.is_closed.store(false, Ordering::Release);
        drop(waits);
        self.gate.opened.notify_all();
    }

    /// Takes the mmap lock for read, and finds what is mapped at an address: for a fault, which waits here while the session
    /// is paused.
    #[inline(always)]
    pub(crate) fn lock_vma(&self, address: usize) -> Option<LockedVma<'_>> {
        let mut lock = self.mmap_lock.read();
        while self.gate.is_closed.load(Ordering::Acquire) {
            drop(lock);
            self.gate.wait();
            lock = self.mmap_lock.read();
        }
        let vma = lock.vmas().find(address)?;
        let (vma, table, is_stopped) = (NonNull::from(vma), NonNull::from(&**vma.table()), lock.is_stopped());
        Some(LockedVma { lock: Cell::new(Some(lock)), vma, table, kept: OnceCell::new(), is_stopped })
    }

    /// Takes the mmap lock for a system call: not inside a hook, which may hold it.
    pub(crate) fn write_lock(&self) -> Result<CallLock, SyscallError> {
        if let Some(hook) = hook::in_the_way() {
            return Err(SyscallError::InsideHook { hook });
        }
        Ok(self.write())
    }

    /// The same, for whoever is known to be in no hook.
    pub(crate) fn write(&self) -> CallLock {
        let undisturbed = Undisturbed::begin();
        CallLock { lock: self.mmap_lock.write(), _undisturbed: undisturbed }
    }

    /// Forgets the poison at an address: the SIGBUS was delivered, and the next access asks the driver again.
    pub(crate) fn forget_poison(&self, address: usize) {
        let _undisturbed = Undisturbed::begin();
        // Goes ahead of a system call that waits for the lock: whoever holds the lock may wait for this thread.
        let space = self.mmap_lock.read_recursive();
        // Once the session is stopped, nobody would serve the next access.
        if let Some(vma) = space.vmas.find(address).filter(|_| !space.stopped) {
            vma.table().forget_poison(address);
        }
    }

    /// Makes every access a SIGBUS where nothing is mapped: nobody can serve faults any more.
    pub(crate) fn poison_all(&self) {
        for vma in self.mmap_lock.read_recursive().vmas.iter() {
            self.poison(vma.table());
        }
    }

    /// Makes every access a SIGBUS where nothing of a table is mapped.
    pub(crate) fn poison(&self, table: &Arc<Table>) {
        if table.poison_all().is_err() {
            self.open.lock().push((Arc::clone(table), table.range()));
        }
    }

    /// Takes a part of a table away from its users.
    pub(crate) fn take_away(&self, table: &Arc<Table>, range: &Range<usize>) {
        if table.make_inaccessible(range).is_err() {
            // There is no memory to cut the kernel's mapping in two. It stays, but its pages go.
            table.zap(range);
            if self.owner().is_gone() {
                // Nobody cuts it later, and nobody serves whoever still has the memory.
                table.poison_missing(range);
            }
            self.open.lock().push((Arc::clone(table), range.clone()));
        }
    }

    /// Nothing of a table is mapped any more: its addresses are given back, if the kernel has agreed to all of that.
    pub(crate) fn retire(&self, table: &Range<usize>) {
        if !self.open.lock().iter().any(|(open, _)| open.range() == *table) {
            self.addresses.retire(table.clone());
        }
    }

    /// Takes away what the kernel has refused to take away before. Whether nothing is left of that: otherwise the
    /// userfaultfds must not be closed, because the kernel would hand out what is not mapped.
    pub(crate) fn take_away_again(&self) -> bool {
        let mut open = self.open.lock();
        open.retain(|(table, range)| table.make_inaccessible(range).is_err());
        open.is_empty()
    }

    /// Takes away the VMAs of a range at whose ends they were split. Puts their files into `files`, which has to be
    /// dropped after the lock.
    pub(crate) fn unmap(&self, space: &mut Space, range: &Range<usize>, files: &mut ClosedFiles<File>) {
        let mut vmas = space.vmas.take(range);
        for vma in &vmas {
            vma.unlink();
            self.take_away(vma.table(), &vma.range());
        }
        files.extend(vmas.iter().map(|vma| vma.file().clone()));
        for table in vmas.iter().map(|vma| vma.table().range()) {
            // The addresses of a table go together, when no VMA is left that has a part of it.
            if space.vmas.intersecting(&table).is_none() {
                self.retire(&table);
            }
        }
        Vma::close_all(&mut vmas);
    }
}
