//! Serving a page fault: what the kernel does in `handle_mm_fault`.
//!
//! What every fault passes is inlined into one function (`inline(always)`), because after a system call the processor
//! does not predict returns to callers.

use std::{iter, ops::Range, ptr, thread};

use vmctx::{
    Errno, HugeSize, PageOffset, PageRange,
    platform::{FaultCode, FaultFlags, VmFlags},
};
use vmctx_hosted::operations::FaultCall;

use crate::{
    error::SessionError,
    kernel::{clock::ReadAt, sys::PAGE_SHIFT},
    mm::{address_space::LockedVma, insert::Area},
    table::pte::SlotState,
};

use super::{
    batch::DeferredAnswer,
    hook_call::{Outcome, PageFault},
    vmf::as_current,
    waiters::End,
};

/// How often a fault is tried for which there was no memory.
const MEMORY_TRIES: usize = 16;

impl<'a> PageFault<'a, '_> {
    /// Tries to serve the fault until it ends. `read_at` is when its event was read, if there was one: if the page is
    /// served after that by somebody else, nobody waits any more.
    #[inline(always)]
    pub(crate) fn resolve(&self, locked: &mut LockedVma<'a>, protected: bool, read_at: Option<ReadAt>) -> End {
        match self.attempt(locked, protected, false) {
            Outcome::Served => End::Served,
            outcome => self.go_on(outcome, locked, protected, read_at),
        }
    }

    #[inline(always)]
    fn attempt(&self, locked: &LockedVma<'a>, protected: bool, tried: bool) -> Outcome {
        let table = locked.table();
        let state = table.slot_state(self.address);
        if locked.is_stopped() {
            return Outcome::Stopped;
        }
        if matches!(state, SlotState::Poisoned) {
            // Either the event is an old one, or the kernel has forgotten the poison: the user has told it to
            // (`MADV_DONTNEED`), or it has given page tables back. If the access were only repeated, that might go on for ever.
            return Outcome::Fail;
        }
        let Some(vma) = locked.vma().filter(|vma| vma.is_live()) else { return Outcome::Fail };
        let area = Area::new(vma, table, self.counters);
        match state {
            _ if protected => self.protected(locked, &area),
            // There is an entry, and the access has faulted because the kernel does not know it.
            SlotState::New if self.batch.defers() => self.defer(self.page_range()),
            SlotState::New | SlotState::Installed => self.install_again(&area),
            SlotState::Empty | SlotState::Poisoned => {
                self.missing(locked, &area, tried).unwrap_or_else(|outcome| outcome)
            }
        }
    }

    #[cold]
    fn go_on(&self, mut outcome: Outcome, locked: &mut LockedVma<'a>, protected: bool, read_at: Option<ReadAt>) -> End {
        let mut tried = false;
        let mut tries = 0;
        loop {
            match outcome {
                Outcome::Served => return End::Served,
                Outcome::Stopped => return End::Repeat,
                Outcome::Retry => tried = true,
                Outcome::Repeat => return self.waiters().repeat(),
                Outcome::Fail => return End::Fail,
                Outcome::OutOfMemory if tries < MEMORY_TRIES => {
                    tries += 1;
                }
                Outcome::OutOfMemory => {
                    self.shared.report(SessionError::OutOfMemory { address: self.user_address() });
                    return End::Fail;
                }
            }
            self.batch.flush(locked);
            // SAFETY: everything that has borrowed the VMA has returned.
            unsafe { locked.release() };
            if tries != 0 {
                thread::yield_now();
            }
            if read_at.is_some_and(|read_at| locked.table().was_served(self.address, read_at)) {
                return End::Repeat;
            }
            // If it was unmapped meanwhile, the access is repeated, and the kernel decides.
            let again = self.shared.space.lock_vma(self.address);
            let again = again.filter(|again| ptr::eq(again.table(), locked.table()));
            let Some(again) = again else { return End::Repeat };
            *locked = again;
            outcome = self.attempt(locked, protected, tried);
        }
    }

    /// The driver says that it has served the fault. If the kernel was told of nothing, the access is repeated.
    #[inline]
    fn served(&self, area: &Area<'_>) -> Outcome {
        if area.table.is_installed(self.address) {
            self.shared.refaults.forget(self.address);
            Outcome::Served
        } else {
            Outcome::Repeat
        }
    }

    /// The kernel is told of these addresses together with answers that come next.
    fn defer(&self, inserted: Range<usize>) -> Outcome {
        self.batch.defer(DeferredAnswer { address: self.address, inserted });
        Outcome::Served
    }

    /// Tells the kernel of the fault's entry, even if it was told before: it may have forgotten the page.
    fn install_again(&self, area: &Area<'_>) -> Outcome {
        let may_be_stored_to = self.write || area.table.uffd().is_wp_async();
        if may_be_stored_to && area.table.only_notes_stores() && area.table.is_installed(self.address) {
            // What the kernel has forgotten may have been stored to before, if it was the only one to know. Where stores are
            // faults they have been noted, and the page may not be forgotten at all: another thread has brought it just now.
            area.table.note_store(self.address);
        }
        match area.table.install(iter::once(&self.page_range()), area.flags, true) {
            // If the entry was taken away meanwhile, nobody was woken, and the access is repeated.
            Ok(()) => self.served(area),
            Err(error) => self.refused(error),
        }
    }

    /// Nothing is mapped there (`do_fault`).
    #[inline]
    fn missing(&self, locked: &LockedVma<'_>, area: &Area<'_>, tried: bool) -> Result<Outcome, Outcome> {
        let vma = locked.vma().filter(|vma| vma.has_operations()).ok_or(Outcome::Fail)?;
        let registered = vma.registered();
        let flags = self.flags(tried);
        if area.table.huge {
            return self.missing_huge(locked, area, flags);
        }
        if registered.map_pages && !self.write {
            let vmf = self.vmf(locked, area, flags, None);
            let code = self.call(&vmf, FaultCall::MapPages(fault_around(area, self.address)))?;
            if code.contains(FaultCode::NOPAGE) {
                return Ok(self.served(area));
            }
        }
        let vmf = self.vmf(locked, area, flags, None);
        let code = self.call(&vmf, FaultCall::Fault)?;
        if code.contains(FaultCode::RETRY) {
            if !locked.is_released() {
                return Err(self.wrong("RETRY, and the lock was not given up"));
            }
            return Ok(Outcome::Retry);
        }
        let shared = area.flags.contains(VmFlags::SHARED);
        if code.contains(FaultCode::NOPAGE) {
            if self.asks_of_store(area, code) {
                // A page that the hook has left locked would be waited for by the next hook, for ever.
                vmf.unlock_pages();
                let told = self.inserted_for_store(locked, area);
                let installed = if self.defers(code) { Ok(()) } else { vmf.install_pending() };
                told.and_then(|()| self.accepted(area, installed))?;
            }
            return Ok(match vmf.pending.take() {
                Some((start, end)) => self.defer(start..end),
                None => self.served(area),
            });
        }
        let Some(page) = vmf.delivered.take() else {
            return Err(self.wrong("no page was handed back, and nothing was inserted"));
        };
        let is_page_locked = vmf.take_locked(page.pfn());
        if is_page_locked != code.contains(FaultCode::LOCKED) {
            return Err(self.wrong("LOCKED does not say whether the page is locked"));
        }
        // From here on the page is locked, as behind `__do_fault`.
        if !is_page_locked {
            as_current(&vmf, || page.lock());
        }
        drop(vmf);
        if self.write && shared && registered.page_mkwrite && area.table.memory().owns(&page) {
            // A store to a shared page is told before anybody sees the page, as in `do_shared_fault`.
            page.unlock();
            if !self.page_mkwrite(locked, area, &page)? {
                return Ok(Outcome::Repeat);
            }
        }
        let filled = area.map_delivered(self.page(), &page, self.write);
        page.unlock();
        // This reference is put before whoever waits is woken, so that then only the mapping has one.
        drop(page);
        match filled {
            // EBUSY: another fault has filled the slot in the meantime.
            Ok(()) | Err(Errno::EBUSY) => {
                self.shared.refaults.forget(self.address);
                Ok(self.install_again(area))
            }
            Err(_) => Err(Outcome::Fail),
        }
    }
}

impl PageFault<'_, '_> {
    /// The same, where the memory has large pages (`create_huge_pmd`).
    fn missing_huge(&self, locked: &LockedVma<'_>, area: &Area<'_>, flags: FaultFlags) -> Result<Outcome, Outcome> {
        let vmf = self.vmf(locked, area, flags, None);
        let code = self.call(&vmf, FaultCall::HugeFault(HugeSize::Pmd))?;
        if code.contains(FaultCode::NOPAGE) {
            return Ok(self.served(area));
        }
        // There is nothing smaller to be asked for.
        Err(Outcome::Fail)
    }
}

/// The pages that `do_fault_around` asks for: up to 16 around the address, of one mapping.
fn fault_around(area: &Area<'_>, address: usize) -> PageRange {
    const PAGES: usize = 16;
    let pgoff = area.pgoff_at(address);
    let in_area = pgoff - area.pgoff;
    let before = ((address >> PAGE_SHIFT) % PAGES).min(in_area);
    let behind = (PAGES - (address >> PAGE_SHIFT) % PAGES).min((area.range.len() >> PAGE_SHIFT) - in_area);
    PageRange::new(PageOffset::new(pgoff - before), PageOffset::new(pgoff + behind))
}
