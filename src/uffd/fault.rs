//! Page faults: from the kernel's event to the entry that serves it (`handle_mm_fault`), and the answer to the kernel.

use std::{
    any::Any,
    cell::{Cell, RefCell},
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
};

use crate::{
    Errno, PageOffset, UserAddr,
    platform::{FaultCode, FaultFlags, VmFlags},
};

use super::{
    Hook, KernelError, Page, SessionError,
    answers::Stop,
    insert::Area,
    memory::ZERO_PFN,
    platform::{Fault, Serving},
    readers::Turn,
    session::{Held, Inner},
    stats::Counters,
    sys::{PAGE_SHIFT, page_of},
    table::Table,
    userfault::{Event, Userfault},
    vma::{Ask, Vma},
};

/// How often a fault is tried for which there was no memory.
const MEMORY_TRIES: usize = 16;

/// What became of one try to serve a fault.
enum Outcome {
    /// Whoever waits was woken, by what was done.
    Served,
    /// Nothing was done that wakes, nor changed: the access is repeated.
    Repeat,
    /// The lock was given up: serve it again, as one that was tried.
    Retry,
    /// The access gets a SIGBUS.
    Fail,
    /// There was no memory.
    OutOfMemory,
}

/// How a fault ends.
enum End {
    /// Whoever waits was woken.
    Served,
    /// The access is to be repeated.
    Repeat,
    /// The access gets a SIGBUS.
    Fail,
}

/// Serves one event. Whoever waits goes on, one way or the other.
pub(super) fn serve(inner: &Arc<Inner>, faults: &Userfault, counters: &Counters, event: &Event, turn: &Turn<'_>) {
    let fault = Faulting { inner, counters, address: event.address, write: event.write, turn };
    let Some(held) = inner.hold(event.address) else {
        // Unmapped meanwhile: the kernel decides. It fails for a range that is none, only.
        let _ = faults.wake(&fault.page_range());
        return;
    };
    let table = Arc::clone(held.vma().table());
    if !table.begin_fault(event.address, event.since, turn.alone.get()) {
        return;
    }
    match fault.resolve(held, &table, event.protected, Some(event.since)) {
        End::Served => {}
        End::Repeat => table.wake(&fault.page_range()),
        End::Fail => fault.fail(),
    }
    if !turn.alone.get() {
        table.end_fault(event.address);
    }
}

/// Serves the fault that this thread has, if it is one of this session's: whether the access is to be repeated. Else it
/// gets the SIGBUS that it has anyway.
pub(super) fn serve_own(inner: &Arc<Inner>, counters: &Counters, address: usize, write: bool) -> Option<bool> {
    let turn = Turn::own();
    let fault = Faulting { inner, counters, address, write, turn: &turn };
    let held = inner.hold(address)?;
    if held.is_stopped() {
        return Some(false);
    }
    counters.count(|of| &of.events);
    let table = Arc::clone(held.vma().table());
    // The kernel does not say which of the two it is. If it has forgotten the page, that shows the next time.
    let protected = write && table.is_protected(address);
    Some(!matches!(fault.resolve(held, &table, protected, None), End::Fail))
}

/// A fault on its way through the hooks.
struct Faulting<'a> {
    inner: &'a Arc<Inner>,
    counters: &'a Counters,
    address: usize,
    write: bool,
    turn: &'a Turn<'a>,
}

/// A hook that has answered.
struct Answered<'a, 't> {
    serving: Serving<'a, 't>,
    code: FaultCode,
}

impl<'a> Faulting<'a> {
    fn user_address(&self) -> UserAddr {
        UserAddr::new(self.address)
    }

    fn page(&self) -> usize {
        self.page_range().start
    }

    fn page_range(&self) -> Range<usize> {
        page_of(self.address)
    }

    /// Tries until it ends. If it was served since the event was read, nobody waits any more.
    fn resolve(&self, first: Held<'a>, table: &Arc<Table>, protected: bool, since: Option<u64>) -> End {
        let mut tried = false;
        let mut tries = 0;
        let mut held = first;
        loop {
            let area = Area::new(held.vma(), table, self.counters);
            if held.is_stopped() || table.is_failed(self.address) {
                // It has its SIGBUS already.
                return End::Repeat;
            }
            let outcome = match (held.vma().is_live(), protected) {
                (false, _) => Outcome::Fail,
                (true, true) => self.protected(held, &area),
                (true, false) => self.missing(held, &area, tried),
            };
            match outcome {
                Outcome::Served => return End::Served,
                Outcome::Retry => tried = true,
                Outcome::Repeat => match self.inner.note_refault(self.address) {
                    None => return End::Repeat,
                    Some(refaults) => {
                        self.inner.report(SessionError::RefaultsForever { address: self.user_address(), refaults });
                        return End::Fail;
                    }
                },
                Outcome::Fail => return End::Fail,
                Outcome::OutOfMemory if tries < MEMORY_TRIES => {
                    tries += 1;
                    thread::yield_now();
                }
                Outcome::OutOfMemory => {
                    self.inner.report(SessionError::OutOfMemory { address: self.user_address() });
                    return End::Fail;
                }
            }
            if since.is_some_and(|since| table.was_served(self.address, since)) {
                return End::Repeat;
            }
            // Unmapped meanwhile: the kernel decides.
            let again = self.inner.hold(self.address).filter(|held| Arc::ptr_eq(held.vma().table(), table));
            let Some(again) = again else { return End::Repeat };
            held = again;
        }
    }

    /// The access gets a SIGBUS.
    fn fail(&self) {
        // Unmapped meanwhile, and whoever waited was woken by that.
        let Some(held) = self.inner.hold(self.address) else { return };
        let table = held.vma().table();
        match table.fail(self.address) {
            Ok(()) => self.inner.forget_refaults(self.address),
            // Not poisoned: unmapped or gone.
            Err(Stop::NotOurs | Stop::Gone | Stop::Busy) => table.wake(&self.page_range()),
            Err(Stop::OutOfMemory | Stop::Refused(_)) => {
                // Then it is a SIGSEGV: the worst that it must not be is a page.
                self.inner.report(SessionError::OutOfMemory { address: self.user_address() });
                if table.bury(&self.page_range()).is_err() {
                    table.wake(&self.page_range());
                }
            }
        }
    }

    /// Calls one of the VMA's hooks, if it is there, and checks what is wrong with any answer.
    fn ask<'b, 't>(
        &'b self,
        held: Held<'b>,
        area: &'b Area<'t>,
        ask: Ask,
        flags: FaultFlags,
        page: Option<Page>,
    ) -> Result<Answered<'b, 't>, Outcome> {
        let vma = held.vma();
        let is_fault = matches!(ask, Ask::Fault);
        let which = ask.hook();
        let Some(hook) = vma.hook(ask) else { return Err(Outcome::Fail) };
        self.counters.count(|of| match which {
            Hook::PageMkwrite | Hook::PfnMkwrite => &of.mkwrite_calls,
            Hook::MapPages => &of.map_pages_calls,
            _ => &of.handler_calls,
        });
        let serving = Serving {
            inner: self.inner,
            turn: self.turn,
            address: self.address,
            flags,
            pgoff: vma.pgoff_at(self.address),
            vma_pgoff: vma.pgoff(),
            area,
            page,
            held: RefCell::new(Some(held)),
            delivered: RefCell::new(None),
            locked: RefCell::new(Vec::new()),
            locked_twice: Cell::new(false),
            pending: Cell::new(None),
        };
        // SAFETY: the hook was taken from this VMA under the lock that the fault holds now, and drops the fault.
        let code = catch_unwind(AssertUnwindSafe(|| unsafe { hook.run(Fault::new(&serving)) }));
        if let (true, Ok(code)) = (is_fault, &code) {
            self.counters.count(|of| of.answers.of(*code));
        }
        // Whoever waits goes on with this, and the hook is at its end.
        let installed = serving.install_pending();
        let code = code.map_err(|panic| {
            let (address, message) = (self.user_address(), message(&*panic));
            self.inner.report(SessionError::Panicked { hook: which, address, message });
            // The payload's drop is the driver's as well.
            if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
                std::mem::forget(again);
            }
            Outcome::Fail
        })?;
        if serving.locked_twice.get() {
            return Err(self.wrong("the same page was locked twice"));
        }
        if serving.is_released() && !code.contains(FaultCode::RETRY) {
            return Err(self.wrong("the lock was given up, and the answer is not RETRY"));
        }
        if code.contains(FaultCode::OOM) {
            return Err(Outcome::OutOfMemory);
        }
        if code.intersects(FaultCode::ERROR) {
            return Err(Outcome::Fail);
        }
        match installed {
            Err(stop) if area.table.pte(self.address).is_none() => Err(self.refused(stop)),
            // Or it was about another page.
            _ => Ok(Answered { serving, code }),
        }
    }

    /// The kernel has refused to be told something.
    #[cold]
    fn refused(&self, stop: Stop) -> Outcome {
        match stop {
            // Unmapped under it, and woken.
            Stop::NotOurs => Outcome::Served,
            Stop::OutOfMemory => Outcome::OutOfMemory,
            Stop::Busy => Outcome::Repeat,
            Stop::Gone => Outcome::Fail,
            Stop::Refused(errno) => {
                let (address, error) = (self.user_address(), KernelError::from(errno));
                self.inner.report(SessionError::Kernel { address, error });
                Outcome::Fail
            }
        }
    }

    fn wrong(&self, reason: &'static str) -> Outcome {
        self.inner.report(SessionError::WrongAnswer { address: self.user_address(), reason });
        Outcome::Fail
    }

    /// `FAULT_FLAG_DEFAULT`, and what the access was.
    fn flags(&self, tried: bool) -> FaultFlags {
        let mut flags = FaultFlags::ALLOW_RETRY | FaultFlags::KILLABLE | FaultFlags::INTERRUPTIBLE | FaultFlags::USER;
        if self.write {
            flags = flags | FaultFlags::WRITE;
        }
        if tried { flags | FaultFlags::TRIED } else { flags }
    }

    /// What was done, once the driver says that it has served the fault.
    #[inline]
    fn served(&self, area: &Area<'_>) -> Outcome {
        if area.table.is_installed(self.address) {
            self.inner.forget_refaults(self.address);
            Outcome::Served
        } else {
            Outcome::Repeat
        }
    }

    /// Tells the kernel what is in the fault's slot, whether or not it was told before: it may have forgotten.
    fn install_again(&self, area: &Area<'_>) -> Outcome {
        match area.table.install(&self.page_range(), area.kernel_prot, true) {
            // It may have been taken away meanwhile: then nobody was woken.
            Ok(()) => self.served(area),
            Err(stop) => self.refused(stop),
        }
    }

    /// Nothing is mapped there, as far as the kernel knows (`do_fault`).
    #[inline]
    fn missing(&self, held: Held<'_>, area: &Area<'_>, tried: bool) -> Outcome {
        if area.table.pte(self.address).is_some() {
            return self.install_again(area);
        }
        self.ask_for_missing(held, area, tried).unwrap_or_else(|outcome| outcome)
    }

    #[inline]
    fn ask_for_missing(&self, held: Held<'_>, area: &Area<'_>, tried: bool) -> Result<Outcome, Outcome> {
        let vma = held.vma();
        if !vma.has_operations() {
            return Err(Outcome::Fail);
        }
        let (registered, shared) = (vma.registered(), vma.flags().contains(VmFlags::SHARED));
        let held = if registered.map_pages && !self.write {
            let window = fault_around(vma, self.address);
            let Answered { serving, code } = self.ask(held, area, Ask::MapPages(window), self.flags(tried), None)?;
            if code.contains(FaultCode::NOPAGE) {
                return Ok(self.served(area));
            }
            serving.take_lock().ok_or_else(|| self.wrong("the lock was given up in map_pages"))?
        } else {
            held
        };
        let Answered { serving, code } = self.ask(held, area, Ask::Fault, self.flags(tried), None)?;
        if code.contains(FaultCode::RETRY) {
            if !serving.is_released() {
                return Err(self.wrong("RETRY, and the lock was not given up"));
            }
            return Ok(Outcome::Retry);
        }
        if code.contains(FaultCode::NOPAGE) {
            return Ok(self.served(area));
        }
        let Some(page) = serving.delivered.take() else {
            return Err(self.wrong("no page was handed back, and nothing was inserted"));
        };
        let locked = serving.take_locked(page.pfn());
        if locked != code.contains(FaultCode::LOCKED) {
            return Err(self.wrong("LOCKED does not say whether the page is locked"));
        }
        let asks = self.write && shared && registered.page_mkwrite && page.is_of(area.table.memory());
        if asks && locked {
            page.unlock();
        }
        // Without it the addresses may be somebody else's.
        let Some(mut held) = serving.take_lock() else { return Err(self.wrong("the lock was given up")) };
        drop(serving);
        if asks {
            match self.page_mkwrite(held, area, &page)? {
                Some(still) => held = still,
                None => return Ok(Outcome::Repeat),
            }
        } else if !locked {
            page.lock();
        }
        let filled = area.map_delivered(self.page(), &page, self.write);
        page.unlock();
        // Once somebody is woken, nobody but the mapping has it.
        drop(page);
        match filled {
            // Or somebody was faster.
            Ok(()) | Err(Errno::EBUSY) => {
                self.inner.forget_refaults(self.address);
                let outcome = self.install_again(area);
                drop(held);
                Ok(outcome)
            }
            Err(_) => Err(Outcome::Fail),
        }
    }

    /// A store met an entry that is write-protected (`do_wp_page`).
    fn protected(&self, held: Held<'_>, area: &Area<'_>) -> Outcome {
        if !area.flags.contains(VmFlags::MAYSHARE) {
            // Private copies are made by the kernel. It was protected for a moment, to find them.
            area.table.settle();
            area.table.wake(&self.page_range());
            return Outcome::Served;
        }
        self.first_store(held, area).unwrap_or_else(|outcome| {
            if matches!(outcome, Outcome::Fail) {
                // There is a page, and poison has no place beside it: the next load brings it again.
                area.table.zap(&self.page_range());
            }
            outcome
        })
    }

    fn first_store(&self, held: Held<'_>, area: &Area<'_>) -> Result<Outcome, Outcome> {
        let Some(seen) = area.table.pte(self.address) else {
            // Taken away meanwhile.
            area.table.wake(&self.page_range());
            return Ok(Outcome::Served);
        };
        let registered = held.vma().registered();
        let _held = if seen.writable {
            // The kernel may not know it yet, or has forgotten.
            held
        } else if seen.counted && registered.page_mkwrite {
            let Some(page) = area.table.page(self.address, seen) else { return Ok(Outcome::Repeat) };
            let Some(held) = self.page_mkwrite(held, area, &page)? else { return Ok(Outcome::Repeat) };
            area.table.make_writable(self.page(), seen.pfn);
            page.unlock();
            held
        } else if !seen.counted && registered.pfn_mkwrite {
            let flags = self.flags(false) | FaultFlags::MKWRITE;
            let Answered { serving, code } = self.ask(held, area, Ask::PfnMkwrite, flags, None)?;
            if code.contains(FaultCode::NOPAGE) {
                return Ok(Outcome::Repeat);
            }
            if seen.pfn == ZERO_PFN {
                // Linux warns, and gives everybody's zero page away.
                return Err(Outcome::Fail);
            }
            area.table.make_writable(self.page(), seen.pfn);
            serving.take_lock().ok_or_else(|| self.wrong("the lock was given up"))?
        } else {
            area.table.make_writable(self.page(), seen.pfn);
            held
        };
        match area.table.unprotect(self.page()) {
            Ok(()) => {
                self.inner.forget_refaults(self.address);
                Ok(Outcome::Served)
            }
            Err(_) => Err(Outcome::Fail),
        }
    }

    /// `do_page_mkwrite`. The page is locked if there is something to go on with, with the mmap lock; else the
    /// access is repeated.
    fn page_mkwrite<'b>(
        &'b self,
        held: Held<'b>,
        area: &'b Area<'_>,
        page: &Page,
    ) -> Result<Option<Held<'b>>, Outcome> {
        let flags = FaultFlags::WRITE | FaultFlags::MKWRITE | FaultFlags::USER;
        let Answered { serving, code } = self.ask(held, area, Ask::PageMkwrite, flags, Some(page.clone()))?;
        if code.contains(FaultCode::NOPAGE) {
            return Ok(None);
        }
        if !code.contains(FaultCode::LOCKED) || !serving.take_locked(page.pfn()) {
            return Err(self.wrong("the page that is to be written is not locked"));
        }
        match serving.take_lock() {
            Some(held) => Ok(Some(held)),
            None => {
                page.unlock();
                Err(self.wrong("the lock was given up"))
            }
        }
    }
}

/// What `do_fault_around` asks for: up to 16 pages around the address, of one mapping.
fn fault_around(vma: &Vma, address: usize) -> Range<PageOffset> {
    const PAGES: usize = 16;
    let (pgoff, in_vma) = (vma.pgoff_at(address), vma.pgoff_at(address) - vma.pgoff());
    let before = ((address >> PAGE_SHIFT) % PAGES).min(in_vma);
    let behind = (PAGES - (address >> PAGE_SHIFT) % PAGES).min(vma.pages() - in_vma);
    PageOffset::new(pgoff - before)..PageOffset::new(pgoff + behind)
}

/// What a panic says.
fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("(no message)").to_owned()
}
