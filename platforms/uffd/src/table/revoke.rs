//! What is taken away from a table: pages, the right to write, the whole mapping; and poison, where there is nothing to
//! give.

use std::{iter, ops::Range, sync::atomic::Ordering, thread};

use vmctx::Errno;
use vmctx_hosted::object::Unmapping;

use crate::{
    error::{RawErrno, errno},
    kernel::{
        fill::{FillError, Progress, fill_range},
        sys::{ProtFlags, View},
    },
};

use super::{
    backing::Backing,
    page_table::Table,
    pte::{COUNTED, INSTALLED, PFN, POISONED, PRESENT, STORED, WRITABLE},
};

impl Unmapping for Table {
    fn zap(&self, addresses: &Range<usize>, even_cows: bool) {
        if self.owner.is_inherited() {
            // A child of fork has no such mapping.
        } else if even_cows {
            self.zap(addresses);
        } else {
            self.zap_but_copies(addresses);
        }
    }

    /// Takes the right to write away, so that the driver is told of the next store. A driver that is told of none has nothing
    /// of it, and what was noted for others stays. A private mapping has no right to write: what can be written there is the
    /// user's own copy, which stays.
    fn write_protect(&self, addresses: &Range<usize>) {
        if !self.shared || self.owner.is_inherited() || self.only_notes_stores() {
            return;
        }
        if !self.protects.load(Ordering::Relaxed) {
            return self.zap(addresses);
        }
        self.write_protect_slots(&self.slots_of(addresses), true);
    }
}

impl Table {
    /// Takes the right to write away, where a driver is told of stores. Where that cannot be done, the slots are emptied.
    /// Whether they were stored to is noted until somebody asks, if `notes`; else it is forgotten.
    ///
    /// Each page is locked meanwhile. So where a driver is just allowing a first store, either that is finished before,
    /// and the page protected again, or the driver is told of the store after this.
    pub(crate) fn write_protect_slots(&self, slots: &Range<usize>, notes: bool) {
        for slot in self.used(slots).flatten() {
            let address = self.address_of(slot);
            let page = self.pte(address).and_then(|pte| self.page(address, pte));
            if let Some(page) = &page {
                page.lock();
            }
            self.write_protect_slot(slot, notes);
            if let Some(page) = &page {
                page.unlock();
            }
        }
    }
}

impl Table {
    /// Empties slots, and has the kernel forget them. When this returns, nobody is in the middle of an access there.
    pub(crate) fn zap(&self, addresses: &Range<usize>) {
        self.empty(&mut self.kernel.lock(), self.slots_of(addresses));
    }

    /// The same, with the lock held.
    pub(crate) fn empty(&self, kernel: &mut Backing, slots: Range<usize>) {
        let slots = self.whole(slots);
        let mut known = None::<Range<usize>>;
        let mut held = Vec::new();
        for slot in self.used(&slots).flatten() {
            let old = self.bits(slot);
            self.set_bits(slot, 0);
            // The kernel may know an entry of which it was not told: it was touched while it was mapped.
            if old & (PRESENT | POISONED) != 0 {
                let start = known.map_or(slot, |known| known.start);
                known = Some(start..slot + 1);
            }
            if old & COUNTED != 0 {
                held.push(old & PFN);
            }
        }
        if let Some(known) = known {
            // Where nobody serves faults, the kernel would map the pages again by itself.
            let closed = self.closed.load(Ordering::Relaxed);
            // SAFETY: addresses of this table's.
            let zapped = !closed && unsafe { self.owner.zap(&self.addresses_of(&known)) }.is_ok();
            if !zapped && self.close_off(kernel, &known).is_err() {
                // Whoever has the pages keeps them, so nobody else may get them: the references are put by nobody.
                return;
            }
        }
        for pfn in held {
            self.memory.put(pfn);
        }
    }

    /// Has the kernel show nothing in these slots: every access is a SIGSEGV from now on. Whoever waits there is not woken.
    ///
    /// # Errors
    /// What the kernel refuses: the pages can still be touched.
    pub(crate) fn close_off(&self, kernel: &mut Backing, slots: &Range<usize>) -> Result<(), RawErrno> {
        let range = self.addresses_of(slots);
        // SAFETY: addresses of this table's.
        let closed = unsafe {
            let replaced = self.owner.make_inaccessible(&range);
            replaced.or_else(|errno| self.owner.protect(&range, ProtFlags::empty()).map_err(|_| errno))
        };
        if closed.is_ok() || self.owner.has_nothing() {
            kernel.set(slots, None);
            return Ok(());
        }
        closed
    }

    /// As [`zap`](Self::zap), but what a private mapping has copied stays.
    fn zap_but_copies(&self, addresses: &Range<usize>) {
        let mut kernel = self.kernel.lock();
        let slots = self.slots_of(addresses);
        if self.shared {
            self.empty(&mut kernel, slots);
            return;
        }
        // A store that comes between the look and the zap would make a copy, and that would be lost. So each page is
        // write-protected until it is known whether it is a copy. What the kernel refuses is asked again: a copy is the
        // user's only one. A page of which nothing can be learned is taken away, because the driver was promised that.
        for slot in self.used(&slots).flatten() {
            if self.bits(slot) == 0 {
                continue;
            }
            let page = self.addresses_of(&(slot..slot + 1));
            let protects = self.bits(slot) & INSTALLED != 0 && self.protects.load(Ordering::Relaxed);
            if protects {
                let _ = persist(|| self.uffd().write_protect(&page));
            }
            let copied = persist(|| self.owner.private_copies(&page)).is_ok_and(|pages| pages.contains(&true));
            if !copied {
                self.empty(&mut kernel, slot..slot + 1);
            }
            if protects {
                // If it fails, the next store is a fault, which does it.
                let _ = self.uffd().unprotect(&page, true);
            }
        }
    }

    /// Takes away what is left of the write protection of a page that may be a private copy. Wakes whoever waits there.
    pub(crate) fn unprotect_copy(&self, page: &Range<usize>) {
        // Whoever looks whether it is a copy has looked by then.
        let _kernel = self.kernel.lock();
        if self.uffd().unprotect(page, true).is_err() {
            self.wake(page);
        }
    }

    fn write_protect_slot(&self, slot: usize, notes: bool) {
        let mut kernel = self.kernel.lock();
        let old = self.bits(slot);
        let known = PRESENT | WRITABLE | INSTALLED;
        let stored = if !notes {
            0
        } else if old & known == known {
            STORED
        } else {
            old & STORED
        };
        self.set_bits(slot, old & !(WRITABLE | STORED) | stored);
        let page = self.addresses_of(&(slot..slot + 1));
        if old & known == known && self.uffd().write_protect(&page).is_err() {
            self.empty(&mut kernel, slot..slot + 1);
        }
    }

    /// Changes what the user may do, from `before`. What shows nothing stays as it is: it would show zeros that no driver
    /// has inserted.
    ///
    /// # Errors
    /// What the kernel refuses. The rights are what they were, or there is nothing to have a right to any more.
    pub(crate) fn protect(&self, addresses: &Range<usize>, before: ProtFlags, prot: ProtFlags) -> Result<(), Errno> {
        let mut kernel = self.kernel.lock();
        let showing = kernel.showing(&self.slots_of(addresses));
        // SAFETY: addresses of this table's.
        let change = |slots: &Range<usize>, prot| unsafe { self.owner.protect(&self.addresses_of(slots), prot) };
        let changed = showing.iter().try_for_each(|slots| change(slots, prot));
        changed.map_err(|refused| {
            // The kernel may have changed a part of it.
            for slots in &showing {
                if change(slots, before).is_err() {
                    // If that fails as well, some may have rights that nobody knows of; there is no third way.
                    let _ = self.close_off(&mut kernel, slots);
                }
            }
            errno(refused)
        })
    }

    /// Takes a part of the mapping away: an access is a SIGSEGV from now on, also for whoever waits there.
    pub(crate) fn make_inaccessible(&self, addresses: &Range<usize>) -> Result<(), RawErrno> {
        let mut kernel = self.kernel.lock();
        let slots = self.whole(self.slots_of(addresses));
        self.close_off(&mut kernel, &slots)?;
        let mut held = Vec::new();
        for slot in self.used(&slots).flatten() {
            let old = self.bits(slot);
            self.set_bits(slot, 0);
            if old & COUNTED != 0 {
                held.push(old & PFN);
            }
        }
        drop(kernel);
        // The kernel leaves them asleep when it unmaps.
        self.wake(addresses);
        for pfn in held {
            self.memory.put(pfn);
        }
        Ok(())
    }

    /// Makes every access to the page of an address a SIGBUS, until something is inserted or taken away there, or until
    /// the poison is [forgotten](Self::forget_poison). Wakes whoever waits.
    pub(crate) fn poison(&self, address: usize) -> Result<(), FillError> {
        let kernel = self.kernel.lock();
        let slot = self.slot_of(address);
        if self.bits(slot) & PRESENT != 0 {
            // Somebody else has inserted a page meanwhile. The access is repeated, and if the kernel was not told of the
            // page yet, the next fault tells it.
            drop(kernel);
            self.wake(&self.addresses_of(&(slot..slot + 1)));
            return Ok(());
        }
        self.poison_slots(&self.whole(slot..slot + 1))
    }

    /// Makes every access to these addresses a SIGBUS where the kernel has no page mapped.
    pub(crate) fn poison_missing(&self, addresses: &Range<usize>) {
        let kernel = self.kernel.lock();
        for shown in kernel.showing(&self.slots_of(addresses)) {
            // What the kernel refuses cannot be helped: whoever waits there waits on.
            let _ = self.poison_slots(&shown);
        }
    }

    /// The caller holds the lock.
    fn poison_slots(&self, slots: &Range<usize>) -> Result<(), FillError> {
        let range = self.addresses_of(slots);
        if self.protects.load(Ordering::Relaxed) {
            // A write protection may have left a marker in the kernel's empty entry, and poison does not replace it.
            let _ = self.uffd().unprotect(&range, false);
        }
        let mut progress = Poisoning(self);
        fill_range(range, self.step(), |rest| self.uffd().poison(rest), &mut progress).map_err(|(at, error)| {
            self.wake(&(at..self.address_of(slots.end)));
            error
        })
    }

    /// Takes the poison at an address away, if there is any: the next access faults.
    pub(crate) fn forget_poison(&self, address: usize) {
        let _kernel = self.kernel.lock();
        let slot = self.slot_of(address);
        if self.bits(slot) == POISONED {
            let slots = self.whole(slot..slot + 1);
            slots.clone().for_each(|slot| self.set_bits(slot, 0));
            // SAFETY: addresses of this table's.
            let _ = unsafe { self.owner.zap(&self.addresses_of(&slots)) };
        }
    }

    /// Makes every access a SIGBUS where the kernel has nothing mapped. To be called before faults are no longer served.
    ///
    /// # Errors
    /// What the kernel refuses. Whoever touches the memory must wait for ever then: if the userfaultfd were closed, the
    /// kernel would hand out what the memory object has there.
    pub(crate) fn poison_all(&self) -> Result<(), RawErrno> {
        let mut kernel = self.kernel.lock();
        let mut all = Ok(());
        self.closed.store(true, Ordering::Relaxed);
        for shown in kernel.showing(&(0..self.slots.len())) {
            let mut at = shown.start;
            for used in self.used(&shown).chain(iter::once(shown.end..shown.end)) {
                if at < used.start {
                    all = all.and(self.shut_unused(&mut kernel, &(at..used.start)));
                }
                at = used.start;
                while at < used.end {
                    let is_unknown = |slot: &usize| self.bits(*slot) & INSTALLED == 0;
                    let start = (at..used.end).find(is_unknown).unwrap_or(used.end);
                    let end = (start..used.end).find(|slot| !is_unknown(slot)).unwrap_or(used.end);
                    if start < end {
                        all = all.and(self.shut(&mut kernel, &(start..end)));
                    }
                    at = end;
                }
            }
        }
        all
    }
}

impl Table {
    /// Makes every access to these slots a SIGBUS, of which the kernel has no page mapped, and wakes whoever waits there.
    fn shut(&self, kernel: &mut Backing, slots: &Range<usize>) -> Result<(), RawErrno> {
        let shut = self.poison_slots(slots).or_else(|_| self.close_off(kernel, slots));
        self.wake(&self.addresses_of(slots));
        shut
    }

    /// The same, where there was never an entry. Poison takes page tables of the kernel's; where there is much to be
    /// poisoned, it is enough to show what lies behind the end of the memory object.
    fn shut_unused(&self, kernel: &mut Backing, slots: &Range<usize>) -> Result<(), RawErrno> {
        const MUCH: usize = 512;
        let prot = ProtFlags::READ | ProtFlags::WRITE;
        let behind = View { fd: self.memory.fd(), offset: self.memory.size(), shared: true, prot };
        let range = self.addresses_of(slots);
        // SAFETY: addresses of this table's.
        if self.huge || slots.len() < MUCH || unsafe { self.owner.replace(&range, behind) }.is_err() {
            return self.shut(kernel, slots);
        }
        kernel.set(slots, None);
        self.wake(&range);
        Ok(())
    }
}

/// Asks the kernel for something until it does it, but not for ever.
fn persist<T>(mut ask: impl FnMut() -> Result<T, RawErrno>) -> Result<T, RawErrno> {
    const PATIENCE: usize = 1000;
    let mut answer = ask();
    for _ in 0..PATIENCE {
        // A process that has gone does not come back.
        if answer.is_ok() || matches!(answer, Err(RawErrno::SRCH)) {
            break;
        }
        thread::yield_now();
        answer = ask();
    }
    answer
}

/// Notes which slots the kernel has poisoned.
struct Poisoning<'a>(&'a Table);

impl Progress for Poisoning<'_> {
    fn done(&mut self, range: Range<usize>) {
        for slot in self.0.slots_of(&range) {
            self.0.set_bits(slot, self.0.bits(slot) | POISONED);
        }
        self.0.mark_served(&range);
    }

    fn present(&mut self, page: Range<usize>) {
        self.0.wake(&page);
    }
}
