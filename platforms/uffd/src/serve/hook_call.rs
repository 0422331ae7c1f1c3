//! A page fault on its way through a driver's hooks: calling them, and what is wrong with an answer.

use std::{
    any::Any,
    cell::{Cell, RefCell},
    mem,
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use vmctx::{
    UserAddr,
    platform::{FaultCode, FaultFlags},
};
use vmctx_hosted::{Hook, hook, operations::FaultCall};

use crate::{
    error::{KernelError, SessionError},
    kernel::{fill::FillError, sys::page_of},
    memory::Page,
    mm::{address_space::LockedVma, insert::Area},
    statistics::Counters,
};

use super::{
    batch::Batch,
    shared::Shared,
    vmf::{Fault, Vmf, as_current},
    waiters::Waiters,
};

/// What became of one try to serve a fault.
pub(crate) enum Outcome {
    /// Whoever waits was woken, or is woken when the kernel is told of the deferred answer.
    Served,
    /// Nothing was changed, and nobody was woken: the access is repeated.
    Repeat,
    /// The hook has given up the lock: it is called once more, and told that this is not the first try.
    Retry,
    /// The access gets a SIGBUS.
    Fail,
    /// The session was stopped, which poisons the page.
    Stopped,
    /// There was no memory.
    OutOfMemory,
}

/// A fault on its way through the hooks.
pub(crate) struct PageFault<'a, 't> {
    pub(crate) shared: &'a Arc<Shared>,
    pub(crate) counters: &'t Counters,
    pub(crate) address: usize,
    pub(crate) write: bool,
    /// The thread that has the fault, or 0.
    pub(crate) thread: u32,
    pub(crate) batch: &'t Batch<'t>,
}

impl PageFault<'_, '_> {
    pub(crate) fn waiters(&self) -> Waiters<'_> {
        Waiters { shared: self.shared, address: self.address }
    }

    pub(crate) fn user_address(&self) -> UserAddr {
        UserAddr::new(self.address)
    }

    pub(crate) fn page(&self) -> usize {
        self.page_range().start
    }

    pub(crate) fn page_range(&self) -> Range<usize> {
        page_of(self.address)
    }

    /// What a hook is called with.
    #[inline(always)]
    pub(crate) fn vmf<'b, 't>(
        &'b self,
        locked: &'b LockedVma<'t>,
        area: &'b Area<'b>,
        flags: FaultFlags,
        page: Option<Page>,
    ) -> Vmf<'b, 't> {
        Vmf {
            shared: self.shared,
            batch: self.batch,
            address: self.address,
            thread: self.thread,
            flags,
            locked,
            area,
            page,
            delivered: Cell::new(None),
            locked_pages: RefCell::new(Vec::new()),
            locked_twice: Cell::new(false),
            pending: Cell::new(None),
        }
    }

    /// Calls one of the VMA's hooks, if it is there, and checks what can be wrong with the answer of any hook.
    #[inline(always)]
    pub(crate) fn call(&self, vmf: &Vmf<'_, '_>, ask: FaultCall) -> Result<FaultCode, Outcome> {
        let (area, which) = (vmf.area, ask.hook());
        let is_fault = matches!(ask, FaultCall::Fault);
        let Some(hook) = vmf.locked.vma().and_then(|vma| vma.hook(ask)) else { return Err(Outcome::Fail) };
        self.counters.count(|of| match which {
            Hook::PageMkwrite | Hook::PfnMkwrite => &of.mkwrite_calls,
            Hook::MapPages => &of.map_pages_calls,
            _ => &of.handler_calls,
        });
        // SAFETY: the hook was taken from this VMA under the lock that the fault holds now, and the call drops the
        // fault.
        let code = catch_unwind(AssertUnwindSafe(|| unsafe { as_current(vmf, || hook.run(Fault::new(vmf))) }));
        if let (true, Ok(code)) = (is_fault, &code) {
            self.counters.count(|of| of.answers.of(*code));
        }
        // The kernel is told only now that the hook has returned, because that lets whoever waits go on.
        let later = is_fault && code.as_ref().is_ok_and(|code| self.defers(*code) || self.asks_of_store(area, *code));
        let installed = if later { Ok(()) } else { vmf.install_pending() };
        let code = code.map_err(|panic| self.panicked(which, panic))?;
        if vmf.locked_twice.get() {
            return Err(self.wrong("the same page was locked twice"));
        }
        let retries = is_fault && code.contains(FaultCode::RETRY);
        if vmf.locked.is_released() && !retries {
            return Err(self.wrong("the lock was given up, and the answer is not RETRY"));
        }
        if code.contains(FaultCode::OOM) {
            return Err(Outcome::OutOfMemory);
        }
        if code.intersects(FaultCode::ERROR) {
            return Err(Outcome::Fail);
        }
        self.accepted(area, installed).map(|()| code)
    }

    /// Whether the kernel is told together with others of what a fault hook that has answered so has inserted.
    #[inline]
    pub(crate) fn defers(&self, code: FaultCode) -> bool {
        code == FaultCode::NOPAGE && self.batch.defers()
    }

    /// Whether the hook that is told of first stores is asked, before the kernel is told, of what a fault hook that has
    /// answered so has inserted.
    #[inline]
    pub(crate) fn asks_of_store(&self, area: &Area<'_>, code: FaultCode) -> bool {
        self.write && area.notes_stores() && code.contains(FaultCode::NOPAGE)
    }

    /// What the kernel has said when it was told, as far as the fault's own page goes.
    #[inline]
    pub(crate) fn accepted(&self, area: &Area<'_>, installed: Result<(), FillError>) -> Result<(), Outcome> {
        match installed {
            Err(error) if area.table.pte(self.address).is_none() => Err(self.refused(error)),
            // Either nothing was refused, or only a page beside this one.
            _ => Ok(()),
        }
    }

    /// The hook has panicked.
    #[cold]
    fn panicked(&self, which: Hook, panic: Box<dyn Any + Send>) -> Outcome {
        let (address, message) = (self.user_address(), message(&*panic));
        self.shared.report(SessionError::Panicked { hook: which, address, message });
        // The panic's payload is a value of the driver's, whose drop is still a part of the hook: the mmap lock is
        // held. It may panic as well.
        if let Err(again) = catch_unwind(AssertUnwindSafe(|| hook::enter(which, || drop(panic)))) {
            mem::forget(again);
        }
        Outcome::Fail
    }

    /// The kernel has refused to be told of the fault's page.
    #[cold]
    pub(crate) fn refused(&self, error: FillError) -> Outcome {
        match error {
            // The user has unmapped it, past the session: the access is repeated, and the kernel decides. Where somebody has
            // mapped something else there, whose own SIGBUS this is, that would go on for ever.
            FillError::NotRegistered => Outcome::Repeat,
            FillError::OutOfMemory => Outcome::OutOfMemory,
            FillError::OutOfMappings(limit) => {
                self.shared.report(SessionError::OutOfMappings { address: self.user_address(), limit });
                Outcome::Fail
            }
            FillError::Busy => Outcome::Repeat,
            FillError::ProcessGone => Outcome::Fail,
            FillError::Refused(errno) => {
                let (address, error) = (self.user_address(), KernelError::of(errno));
                self.shared.report(SessionError::Kernel { address, error });
                Outcome::Fail
            }
        }
    }

    /// The hook's answer does not fit what it has done.
    #[cold]
    pub(crate) fn wrong(&self, reason: &'static str) -> Outcome {
        self.shared.report(SessionError::WrongAnswer { address: self.user_address(), reason });
        Outcome::Fail
    }

    /// `FAULT_FLAG_DEFAULT`, and what the access was.
    pub(crate) fn flags(&self, tried: bool) -> FaultFlags {
        let mut flags = FaultFlags::ALLOW_RETRY | FaultFlags::KILLABLE | FaultFlags::INTERRUPTIBLE | FaultFlags::USER;
        if self.write {
            flags = flags | FaultFlags::WRITE;
        }
        if tried { flags | FaultFlags::TRIED } else { flags }
    }
}

/// The message of a panic.
fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("(no message)").to_owned()
}
