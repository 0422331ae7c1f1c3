//! Serving one event of a peer's: from the event to the driver's hook, and from its answer to whoever waits.

use std::{
    any::Any,
    cell::{Cell, RefCell},
    mem,
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
};

use vmctx::{
    UserAddr,
    platform::{FaultCode, FaultFlags},
};
use vmctx_hosted::{Hook, hook, operations::FaultCall};

use crate::{
    error::{KernelError, RawErrno, SessionError},
    kernel::{fill::FillError, ioctl, messages::Why, sys::page_of},
};

use super::{
    event::{Backlog, Event},
    fault::{AdoptedFault, Serving, as_current},
    runs::Runs,
    shared::{PeerEnd, Shared},
    statistics::count,
    target::{NotCopied, Page},
};

/// How often a fault is tried for which there was no memory.
const MEMORY_TRIES: usize = 16;

/// What became of one call of a hook.
enum Outcome {
    /// What it has inserted is to be copied.
    Inserted,
    /// Nothing was changed: the access is repeated.
    Repeat,
    /// The hook has given up the lock: it is called once more.
    Retry,
    OutOfMemory,
    /// The access gets a SIGBUS.
    Fail,
    /// The peer is not served any more.
    Over,
}

/// What became of what a hook has inserted.
enum Copied {
    /// The fault's page is there.
    Served,
    /// Nothing is registered there any more: the kernel decides.
    Unmapped,
    /// The hook has inserted nothing at the fault's page.
    Nothing,
    /// The peer has given something of it back meanwhile: the hook is to be asked again.
    Changed,
    OutOfMemory,
    Fail,
    Over,
}

/// A thread that serves.
pub(crate) struct Server<'a> {
    pub(crate) shared: &'a Arc<Shared>,
    pub(crate) backlog: Backlog,
    /// What a hook has inserted.
    runs: RefCell<Runs>,
}

impl<'a> Server<'a> {
    pub(crate) fn new(shared: &'a Arc<Shared>) -> Self {
        Self { shared, backlog: Backlog::default(), runs: RefCell::default() }
    }

    /// Serves one event: whoever waits goes on, one way or the other.
    #[inline]
    pub(crate) fn serve(&self, event: &Event) {
        let target = &self.shared.target;
        match (event.why, event.first) {
            (Why::Missing, Some(first)) => self.missing(event, first),
            (Why::Missing, None) => self.outside(event),
            // What somebody has protected, or has in a memory object, is not a driver's business.
            (Why::Protected, _) => self.protected(event),
            (Why::Minor, _) => {
                if let Ok(fd) = target.uffd.fd() {
                    let _ = ioctl::map_existing(fd, &page_of(event.now), 0);
                    target.wake(&page_of(event.now));
                }
            }
        }
    }

    /// A store to what the peer has protected: it may go on. As long as the peer changes its mappings that is refused, and
    /// nobody would be woken.
    #[cold]
    fn protected(&self, event: &Event) {
        let (target, page) = (&self.shared.target, page_of(event.now));
        let Ok(fd) = target.uffd.fd() else { return };
        let mut tries = 0;
        loop {
            match ioctl::write_protect(fd, &page, 0) {
                Ok(()) => break,
                Err(RawErrno::AGAIN) if self.shared.let_it_change(&mut tries, &self.backlog).is_continue() => {}
                // Unmapped, or moved: the kernel decides.
                Err(_) => break target.wake(&page),
            }
        }
    }

    /// A fault where no region is, as far as the peer has said. If something is registered there, nobody knows what it is.
    #[cold]
    fn outside(&self, event: &Event) {
        // Before the signal comes, so that whoever has seen that finds the reason.
        self.shared.report(SessionError::OutsideRegions { address: UserAddr::new(event.now) });
        let mut tries = 0;
        let poisoned =
            self.shared.target.poison(&page_of(event.now), || self.shared.let_it_change(&mut tries, &self.backlog));
        match poisoned {
            Ok(()) => count(&self.shared.target.counters.failed),
            // Unmapped meanwhile: the kernel decides.
            Err(_) => self.shared.target.wake(&page_of(event.now)),
        }
    }

    #[inline]
    fn missing(&self, event: &Event, first: usize) {
        let (mut tried, mut out_of_memory) = (false, 0);
        loop {
            self.runs.borrow_mut().clear();
            let since = self.shared.target.changes();
            let no_memory = match self.call(event, first, tried) {
                Outcome::Inserted => match self.copy(first, since) {
                    Copied::Served => {
                        self.shared.refaults.forget(first);
                        if self.shared.target.has_moved(event.now, first) {
                            // Who waits at the old address was not woken by what was copied to the new one.
                            self.shared.target.wake(&page_of(event.now));
                        }
                        break;
                    }
                    Copied::Unmapped => break self.shared.target.wake(&page_of(event.now)),
                    Copied::Nothing => break self.repeat(event, first),
                    Copied::Changed => false,
                    Copied::OutOfMemory => true,
                    Copied::Fail => break self.fail(event, first),
                    Copied::Over => break,
                },
                Outcome::Repeat => break self.repeat(event, first),
                Outcome::Retry => {
                    tried = true;
                    false
                }
                Outcome::OutOfMemory => true,
                Outcome::Fail => break self.fail(event, first),
                Outcome::Over => break,
            };
            if no_memory {
                out_of_memory += 1;
                if out_of_memory > MEMORY_TRIES {
                    self.shared.report(SessionError::OutOfMemory { address: UserAddr::new(first) });
                    break self.fail(event, first);
                }
                thread::yield_now();
            }
        }
        self.runs.borrow_mut().clear();
    }

    /// Calls the fault hook, and checks its answer.
    #[inline]
    fn call(&self, event: &Event, first: usize, tried: bool) -> Outcome {
        let lock = self.shared.space.read();
        if lock.is_stopped() {
            return Outcome::Over;
        }
        let Some(vma) = lock.vmas().find(first) else { return Outcome::Fail };
        let Some(hook) = vma.hook(FaultCall::Fault) else { return Outcome::Fail };
        let serving = Serving {
            shared: self.shared,
            backlog: &self.backlog,
            address: first,
            flags: flags(event.write, tried),
            range: vma.range(),
            vma_pgoff: vma.pgoff(),
            vma_flags: vma.flags(),
            lock: RefCell::new(Some(lock)),
            is_released: Cell::new(false),
            delivered: Cell::new(None),
            runs: &self.runs,
            locked_pages: RefCell::default(),
            locked_twice: Cell::new(false),
        };
        count(&self.shared.target.counters.handler_calls);
        // SAFETY: the hook was taken from this VMA under the lock that the fault holds now, and the call drops the fault.
        let code = catch_unwind(AssertUnwindSafe(|| unsafe {
            as_current(&serving, || hook.run(AdoptedFault::new(&serving)))
        }));
        match code {
            Ok(code) => self.answered(&serving, code),
            Err(panic) => self.panicked(first, panic),
        }
    }

    #[inline]
    fn answered(&self, serving: &Serving<'_>, code: FaultCode) -> Outcome {
        if serving.locked_twice.get() {
            return self.wrong(serving.address, "the same page was locked twice");
        }
        if serving.is_released.get() != code.contains(FaultCode::RETRY) {
            return self.wrong(serving.address, "RETRY does not say whether the lock was given up");
        }
        if code.contains(FaultCode::RETRY) {
            return Outcome::Retry;
        }
        if code.contains(FaultCode::OOM) {
            return Outcome::OutOfMemory;
        }
        if code.intersects(FaultCode::ERROR) {
            return Outcome::Fail;
        }
        if code.contains(FaultCode::NOPAGE) {
            let is_any = self.runs.borrow().has(serving.page());
            return if is_any { Outcome::Inserted } else { Outcome::Repeat };
        }
        let Some(page) = serving.delivered.take() else {
            return self.wrong(serving.address, "no page was handed back, and nothing was inserted");
        };
        let is_locked = serving.take_locked(page.pfn());
        let is_added = self.runs.borrow_mut().add_page(serving.page(), &page);
        if is_locked {
            // What the driver keeps it locked for it has done: the copy is made under no lock of its.
            page.unlock();
        }
        if is_locked != code.contains(FaultCode::LOCKED) {
            return self.wrong(serving.address, "LOCKED does not say whether the page is locked");
        }
        if is_added { Outcome::Inserted } else { Outcome::Over }
    }

    /// Copies what was inserted.
    #[inline]
    fn copy(&self, first: usize, since: u64) -> Copied {
        let own = page_of(first).start;
        let mut runs = self.runs.borrow_mut();
        let (mut copied, mut tries) = (Copied::Nothing, 0);
        for run in runs.joined() {
            let mut at = run.first.start;
            loop {
                let done = self.shared.target.copy(run, &mut at, Some(since), |pages, page| {
                    if pages.contains(&own) {
                        copied = match page {
                            Page::Filled | Page::Present => Copied::Served,
                            Page::Failed(FillError::NotRegistered) => Copied::Unmapped,
                            Page::Failed(FillError::OutOfMemory) => Copied::OutOfMemory,
                            Page::Failed(FillError::Refused(errno)) => {
                                let (address, error) = (UserAddr::new(first), KernelError::of(errno));
                                self.shared.report(SessionError::Kernel { address, error });
                                Copied::Fail
                            }
                            Page::Failed(_) => Copied::Fail,
                        };
                    }
                    ControlFlow::Continue(())
                });
                match done {
                    Ok(()) => break,
                    Err(NotCopied::Changed) => return Copied::Changed,
                    Err(NotCopied::Gone) => {
                        self.shared.note_end(PeerEnd::Gone);
                        return Copied::Over;
                    }
                    Err(NotCopied::Busy) => {
                        if self.shared.let_it_change(&mut tries, &self.backlog).is_break() {
                            return Copied::Over;
                        }
                    }
                }
            }
        }
        copied
    }

    /// Nothing was inserted, and the access is to be repeated: unless it was too often.
    #[cold]
    fn repeat(&self, event: &Event, first: usize) {
        count(&self.shared.target.counters.refaults);
        match self.shared.refaults.note(first) {
            None => self.shared.target.wake(&page_of(event.now)),
            Some(refaults) => {
                self.shared.report(SessionError::RefaultsForever { address: UserAddr::new(first), refaults });
                self.fail(event, first);
            }
        }
    }

    /// The access gets a SIGBUS.
    #[cold]
    fn fail(&self, event: &Event, first: usize) {
        count(&self.shared.target.counters.failed);
        self.shared.refaults.forget(first);
        let mut tries = 0;
        let page = page_of(event.now);
        let poisoned = self.shared.target.poison(&page, || self.shared.let_it_change(&mut tries, &self.backlog));
        match poisoned {
            Ok(()) => {}
            Err(FillError::ProcessGone) => self.shared.note_end(PeerEnd::Gone),
            // Unmapped, or moved: the kernel decides.
            Err(FillError::NotRegistered) => self.shared.target.wake(&page),
            // Whoever waits waits for ever: if it were woken it would fault for ever.
            Err(FillError::Refused(errno)) => {
                let (address, error) = (UserAddr::new(first), KernelError::of(errno));
                self.shared.report(SessionError::Kernel { address, error });
            }
            Err(FillError::OutOfMemory | FillError::OutOfMappings(_) | FillError::Busy) => {
                self.shared.report(SessionError::OutOfMemory { address: UserAddr::new(first) });
                self.shared.target.wake(&page);
            }
        }
    }

    /// The hook has panicked.
    #[cold]
    fn panicked(&self, first: usize, panic: Box<dyn Any + Send>) -> Outcome {
        let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        let message = text.unwrap_or("(no message)").to_owned();
        self.shared.report(SessionError::Panicked { hook: Hook::Fault, address: UserAddr::new(first), message });
        // What the payload does when it is dropped is still a part of the hook. It may panic as well.
        if let Err(again) = catch_unwind(AssertUnwindSafe(|| hook::enter(Hook::Fault, || drop(panic)))) {
            mem::forget(again);
        }
        Outcome::Fail
    }

    /// The hook's answer does not fit what it has done.
    #[cold]
    fn wrong(&self, first: usize, reason: &'static str) -> Outcome {
        self.shared.report(SessionError::WrongAnswer { address: UserAddr::new(first), reason });
        Outcome::Fail
    }
}

/// `FAULT_FLAG_DEFAULT`, and what the access was: another process's.
fn flags(write: bool, tried: bool) -> FaultFlags {
    let mut flags = FaultFlags::ALLOW_RETRY | FaultFlags::KILLABLE | FaultFlags::INTERRUPTIBLE | FaultFlags::USER;
    if write {
        flags = flags | FaultFlags::WRITE;
    }
    if tried { flags | FaultFlags::TRIED } else { flags }
}
