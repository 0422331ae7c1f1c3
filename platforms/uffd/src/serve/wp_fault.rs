//! First stores to pages that are write-protected, of which drivers are told (`page_mkwrite`, `pfn_mkwrite`).

use vmctx::platform::{FaultCode, FaultFlags, VmFlags};
use vmctx_hosted::operations::FaultCall;

use crate::{
    memory::Page,
    mm::{address_space::LockedVma, insert::Area},
    table::pte::Pte,
};

use super::hook_call::{Outcome, PageFault};

impl PageFault<'_, '_> {
    /// A store has met an entry that is write-protected (`do_wp_page`).
    pub(crate) fn protected(&self, locked: &LockedVma<'_>, area: &Area<'_>) -> Outcome {
        if !area.flags.contains(VmFlags::MAYSHARE) {
            // The kernel makes private copies by itself. The page was protected only while somebody looked whether it is
            // one.
            area.table.unprotect_copy(&self.page_range());
            return Outcome::Served;
        }
        self.first_store(locked, area).unwrap_or_else(|outcome| {
            if matches!(outcome, Outcome::Fail) {
                // Only an empty slot can be poisoned, so the page is taken away. The next load that is tried after the
                // SIGBUS was forgotten brings it again.
                area.table.zap(&self.page_range());
            }
            outcome
        })
    }

    fn first_store(&self, locked: &LockedVma<'_>, area: &Area<'_>) -> Result<Outcome, Outcome> {
        let Some(pte) = area.table.pte(self.address) else {
            // Taken away meanwhile.
            area.table.wake(&self.page_range());
            return Ok(Outcome::Served);
        };
        // If it is writable, the driver has allowed it before, and the kernel was not told of that yet, or has forgotten it.
        if !pte.writable && !self.tell_of_store(locked, area, pte)? {
            return Ok(Outcome::Repeat);
        }
        match area.table.unprotect(self.page()) {
            Ok(()) => {
                self.shared.refaults.forget(self.address);
                Ok(Outcome::Served)
            }
            Err(_) => Err(Outcome::Fail),
        }
    }

    /// The fault hook of a store has inserted, and the kernel was not told yet. If what is there now is not writable, the
    /// driver is told of the store in the same fault, so that there is no second event: for whoever waits, an event is a
    /// wake-up. In C the access would come back and ask then, and whoever faults once for a user and then looks at the
    /// entry, as KVM does (`hva_to_pfn_remapped`), would find it read-only.
    pub(crate) fn inserted_for_store(&self, locked: &LockedVma<'_>, area: &Area<'_>) -> Result<(), Outcome> {
        let Some(pte) = area.table.pte(self.address).filter(|pte| !pte.writable) else { return Ok(()) };
        match self.tell_of_store(locked, area, pte) {
            // Another fault may have told the kernel of the entry before it became writable.
            Ok(true) if area.table.is_installed(self.address) => {
                area.table.unprotect(self.page()).map_err(|_| Outcome::Fail)
            }
            Ok(_) => Ok(()),
            Err(outcome) => {
                if matches!(outcome, Outcome::Fail) {
                    // Only an empty slot can be poisoned, as in `protected`.
                    area.table.zap(&self.page_range());
                }
                Err(outcome)
            }
        }
    }

    /// Tells the driver of a store to what is there, if it is to be told. If the store may happen, the entry is writable;
    /// otherwise the access is repeated.
    fn tell_of_store(&self, locked: &LockedVma<'_>, area: &Area<'_>, pte: Pte) -> Result<bool, Outcome> {
        let registered = locked.vma().ok_or(Outcome::Fail)?.registered();
        if pte.counted && registered.page_mkwrite {
            let Some(page) = area.table.page(self.address, pte) else { return Ok(false) };
            if !self.page_mkwrite(locked, area, &page)? {
                return Ok(false);
            }
            area.table.make_writable(self.page(), pte.pfn);
            page.unlock();
        } else if !pte.counted && registered.pfn_mkwrite {
            return self.pfn_mkwrite(locked, area, pte);
        } else {
            area.table.make_writable(self.page(), pte.pfn);
        }
        Ok(true)
    }

    /// `wp_pfn_shared`: asks the driver whether the frame may be stored to. If so, its entry is writable; otherwise the
    /// access is repeated.
    fn pfn_mkwrite(&self, locked: &LockedVma<'_>, area: &Area<'_>, pte: Pte) -> Result<bool, Outcome> {
        let vmf = self.vmf(locked, area, self.flags(false) | FaultFlags::MKWRITE, None);
        let code = self.call(&vmf, FaultCall::PfnMkwrite)?;
        if code.contains(FaultCode::NOPAGE) {
            return Ok(false);
        }
        if pte.pfn == area.table.memory().zero_page() {
            // Linux only warns here, and makes everybody's zero page writable.
            return Err(Outcome::Fail);
        }
        area.table.make_writable(self.page(), pte.pfn);
        Ok(true)
    }

    /// `do_page_mkwrite`: asks the driver whether the page may be stored to. If so, the page is locked; otherwise the
    /// access is repeated.
    pub(crate) fn page_mkwrite(&self, locked: &LockedVma<'_>, area: &Area<'_>, page: &Page) -> Result<bool, Outcome> {
        let flags = FaultFlags::WRITE | FaultFlags::MKWRITE;
        let vmf = self.vmf(locked, area, flags, Some(page.clone()));
        let code = self.call(&vmf, FaultCall::PageMkwrite)?;
        if code.contains(FaultCode::NOPAGE) {
            return Ok(false);
        }
        if !code.contains(FaultCode::LOCKED) || !vmf.take_locked(page.pfn()) {
            return Err(self.wrong("the page that is to be written is not locked"));
        }
        Ok(true)
    }
}
