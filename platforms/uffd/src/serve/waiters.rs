//! How a fault ends for whoever waits at its page: the access goes on, is repeated, or gets a SIGBUS.

use std::ops::Range;

use vmctx::UserAddr;

use crate::{
    error::SessionError,
    kernel::{fill::FillError, sys::page_of},
    mm::address_space::LockedVma,
    table::page_table::Table,
};

use super::shared::Shared;

/// How a fault ends.
pub(crate) enum End {
    /// Whoever waits was woken, or is woken when the kernel is told of a deferred answer.
    Served,
    /// The access is to be repeated.
    Repeat,
    /// The access gets a SIGBUS.
    Fail,
}

/// Whoever waits at the page of an address.
pub(crate) struct Waiters<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) address: usize,
}

impl Waiters<'_> {
    pub(crate) fn user_address(&self) -> UserAddr {
        UserAddr::new(self.address)
    }

    pub(crate) fn page_range(&self) -> Range<usize> {
        page_of(self.address)
    }

    /// Nothing was inserted, and the access is to be repeated: unless it was too often.
    pub(crate) fn repeat(&self) -> End {
        match self.shared.note_refault(self.address) {
            None => End::Repeat,
            Some(refaults) => {
                self.shared.report(SessionError::RefaultsForever { address: self.user_address(), refaults });
                End::Fail
            }
        }
    }

    /// Wakes them, unless that is done already or is somebody else's to do.
    pub(crate) fn end(&self, locked: &LockedVma<'_>, end: End) {
        match end {
            End::Served => {}
            End::Repeat => locked.table().wake(&self.page_range()),
            End::Fail => self.fail(locked),
        }
    }

    /// Their accesses get a SIGBUS.
    fn fail(&self, locked: &LockedVma<'_>) {
        if !locked.is_released() {
            return self.fail_at(locked.table());
        }
        // If it was unmapped meanwhile, that has woken them.
        let Some(again) = self.shared.space.lock_vma(self.address) else { return };
        self.fail_at(again.table());
    }

    /// The caller holds the mmap lock.
    fn fail_at(&self, table: &Table) {
        match table.poison(self.address) {
            Ok(()) => self.shared.refaults.forget(self.address),
            // Unmapped, or the process has gone: the kernel decides.
            Err(FillError::NotRegistered | FillError::ProcessGone | FillError::Busy) => table.wake(&self.page_range()),
            Err(FillError::OutOfMemory | FillError::OutOfMappings(_) | FillError::Refused(_)) => {
                // A SIGSEGV then, instead of a SIGBUS. If nothing was done the access would be given a page.
                self.shared.report(SessionError::OutOfMemory { address: self.user_address() });
                if table.make_inaccessible(&self.page_range()).is_err() {
                    table.wake(&self.page_range());
                }
            }
        }
    }
}
