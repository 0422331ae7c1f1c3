//! Page faults: from the kernel's event to the entry that serves it (`handle_mm_fault`), and the answer to the kernel.
//!
//! What every fault passes is in one piece (`inline(always)`): after a system call the processor predicts no return to a
//! caller.

use std::{
    any::Any,
    cell::{Cell, RefCell},
    iter, mem,
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    ptr,
    sync::Arc,
    thread,
};

use vmctx::{
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
    table::{Found, Table},
    userfault::{Event, Userfault},
    vma::FaultCall,
};

/// How often a fault is tried for which there was no memory.
const MEMORY_TRIES: usize = 16;

/// What became of one try to serve a fault.
enum Outcome {
    /// Whoever waits was woken, by what was done, or is when that is [told](Server::tell).
    Served,
    /// Nothing was done that wakes, nor changed: the access is repeated.
    Repeat,
    /// The lock was given up: serve it again, as one that was tried.
    Retry,
    /// The access gets a SIGBUS.
    Fail,
    /// It has its SIGBUS already.
    Failed,
    /// There was no memory.
    OutOfMemory,
}

/// How a fault ends.
enum End {
    /// Whoever waits was woken, or is when that is [told](Server::tell).
    Served,
    /// The access is to be repeated.
    Repeat,
    /// The access gets a SIGBUS.
    Fail,
}

/// A thread that serves the events of a userfaultfd.
#[derive(Clone, Copy)]
pub(super) struct Server<'a> {
    pub(super) inner: &'a Arc<Inner>,
    pub(super) faults: &'a Userfault,
    pub(super) counters: &'a Counters,
}

/// A fault that was answered, and of which the kernel is not told yet.
pub(super) struct Answered {
    address: usize,
    write: bool,
    /// Where something was inserted for it.
    addresses: Range<usize>,
}

impl<'a> Server<'a> {
    /// Serves one event. Whoever waits goes on, one way or the other; if the answer is told later, when it
    /// [is](Self::tell), and then the lock is kept until that.
    #[inline(always)]
    pub(super) fn serve(&self, event: &Event, turn: &Turn<'_>, kept: &mut Option<Held<'a>>) {
        let fault = self.faulting(event.address, event.write, turn);
        let is_here = |held: &Held<'_>| held.vma().is_some_and(|vma| vma.range().contains(&event.address));
        if !kept.as_ref().is_some_and(is_here) {
            // Not two at a time.
            give_up(kept, turn);
            *kept = self.inner.hold(event.address);
        }
        let Some(held) = kept else {
            // Unmapped meanwhile: the kernel decides. It fails for a range that is none, only.
            let _ = self.faults.wake(&fault.page_range());
            return;
        };
        if held.table().begin_fault(event.address, event.since, turn.alone.get()) {
            let end = fault.resolve(held, event.protected, Some(event.since));
            fault.end(held, end);
            if !turn.alone.get() {
                held.table().end_fault(event.address);
            }
        }
        if !turn.tells_later() {
            give_up(kept, turn);
        }
    }

    /// Tells the kernel of what was answered since the lock was taken. Whether all of it went in: what did not is
    /// repeated.
    pub(super) fn tell(&self, answered: &mut Vec<Answered>, held: &Held<'_>) -> bool {
        if answered.is_empty() {
            return true;
        }
        // It is told before the lock is released.
        let Some(vma) = held.vma() else { return false };
        // What does not go in is seen below.
        let _ = held.table().install(answered.iter().map(|answered| &answered.addresses), vma.flags(), false);
        let mut all = true;
        for Answered { address, write, .. } in answered.drain(..) {
            held.learn(address);
            if held.table().is_installed(address) {
                self.inner.forget_refaults(address);
            } else {
                // Refused, or taken away meanwhile.
                let turn = Turn::own();
                let fault = self.faulting(address, write, &turn);
                fault.end(held, fault.repeat());
                all = false;
            }
        }
        all
    }

    #[inline]
    fn faulting<'t>(&'t self, address: usize, write: bool, turn: &'t Turn<'t>) -> Faulting<'a, 't> {
        Faulting { inner: self.inner, counters: self.counters, address, write, turn }
    }
}

/// What was answered with the lock is told before.
#[inline]
fn give_up(kept: &mut Option<Held<'_>>, turn: &Turn<'_>) {
    if let Some(held) = kept.take() {
        turn.tell(&held);
    }
}

/// Serves the fault that this thread has, if it is one of this session's: whether the access is to be repeated. Else it
/// gets the SIGBUS that it has anyway.
pub(super) fn serve_own(inner: &Arc<Inner>, counters: &Counters, address: usize, write: bool) -> Option<bool> {
    let turn = Turn::own();
    let fault = Faulting { inner, counters, address, write, turn: &turn };
    let mut held = inner.hold(address)?;
    if held.is_stopped() {
        return Some(false);
    }
    counters.count(|of| &of.events);
    // The kernel does not say which of the two it is. If it has forgotten the page, that shows the next time.
    let protected = write && held.table().is_protected(address);
    Some(!matches!(fault.resolve(&mut held, protected, None), End::Fail))
}

/// A fault on its way through the hooks.
struct Faulting<'a, 't> {
    inner: &'a Arc<Inner>,
    counters: &'t Counters,
    address: usize,
    write: bool,
    turn: &'t Turn<'t>,
}

impl<'a> Faulting<'a, '_> {
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
    #[inline(always)]
    fn resolve(&self, held: &mut Held<'a>, protected: bool, since: Option<u64>) -> End {
        match self.attempt(held, protected, false) {
            Outcome::Served => End::Served,
            outcome => self.go_on(outcome, held, protected, since),
        }
    }

    #[inline(always)]
    fn attempt(&self, held: &Held<'a>, protected: bool, tried: bool) -> Outcome {
        let table = held.table();
        let found = table.found(self.address);
        if held.is_stopped() || matches!(found, Found::Failure) {
            return Outcome::Failed;
        }
        let Some(vma) = held.vma().filter(|vma| vma.is_live()) else { return Outcome::Fail };
        let area = Area::new(vma, table, self.counters);
        match found {
            _ if protected => self.protected(held, &area),
            // Nothing is mapped there, as far as the kernel knows.
            Found::New if self.turn.tells_later() => self.later(self.page_range()),
            Found::New | Found::Told => self.install_again(&area),
            Found::Nothing | Found::Failure => self.missing(held, &area, tried).unwrap_or_else(|outcome| outcome),
        }
    }

    #[cold]
    fn go_on(&self, mut outcome: Outcome, held: &mut Held<'a>, protected: bool, since: Option<u64>) -> End {
        let mut tried = false;
        let mut tries = 0;
        loop {
            match outcome {
                Outcome::Served => return End::Served,
                Outcome::Failed => return End::Repeat,
                Outcome::Retry => tried = true,
                Outcome::Repeat => return self.repeat(),
                Outcome::Fail => return End::Fail,
                Outcome::OutOfMemory if tries < MEMORY_TRIES => {
                    tries += 1;
                }
                Outcome::OutOfMemory => {
                    self.inner.report(SessionError::OutOfMemory { address: self.user_address() });
                    return End::Fail;
                }
            }
            self.turn.tell(held);
            // SAFETY: what has looked at the VMA has returned.
            unsafe { held.release() };
            if tries != 0 {
                thread::yield_now();
            }
            if since.is_some_and(|since| held.table().was_served(self.address, since)) {
                return End::Repeat;
            }
            // Unmapped meanwhile: the kernel decides.
            let again = self.inner.hold(self.address).filter(|again| ptr::eq(again.table(), held.table()));
            let Some(again) = again else { return End::Repeat };
            *held = again;
            outcome = self.attempt(held, protected, tried);
        }
    }

    fn repeat(&self) -> End {
        match self.inner.note_refault(self.address) {
            None => End::Repeat,
            Some(refaults) => {
                self.inner.report(SessionError::RefaultsForever { address: self.user_address(), refaults });
                End::Fail
            }
        }
    }

    /// Wakes whoever waits, if that is not done.
    fn end(&self, held: &Held<'_>, end: End) {
        match end {
            End::Served => {}
            End::Repeat => held.table().wake(&self.page_range()),
            End::Fail => self.fail(held),
        }
    }

    /// The access gets a SIGBUS.
    fn fail(&self, held: &Held<'_>) {
        if !held.is_released() {
            return self.fail_at(held.table());
        }
        // Unmapped meanwhile, and whoever waited was woken by that.
        let Some(again) = self.inner.hold(self.address) else { return };
        self.fail_at(again.table());
    }

    /// With the mmap lock.
    fn fail_at(&self, table: &Table) {
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

    /// What a hook is asked about.
    #[inline(always)]
    fn serving<'b, 't>(
        &'b self,
        held: &'b Held<'t>,
        area: &'b Area<'b>,
        flags: FaultFlags,
        page: Option<Page>,
    ) -> Serving<'b, 't> {
        Serving {
            inner: self.inner,
            turn: self.turn,
            address: self.address,
            flags,
            held,
            area,
            page,
            delivered: Cell::new(None),
            locked: RefCell::new(Vec::new()),
            locked_twice: Cell::new(false),
            pending: Cell::new(None),
        }
    }

    /// Calls one of the VMA's hooks, if it is there, and checks what is wrong with any answer.
    #[inline(always)]
    fn ask(&self, serving: &Serving<'_, '_>, ask: FaultCall) -> Result<FaultCode, Outcome> {
        let (area, which) = (serving.area, ask.hook());
        let is_fault = matches!(ask, FaultCall::Fault);
        let Some(hook) = serving.held.vma().and_then(|vma| vma.hook(ask)) else { return Err(Outcome::Fail) };
        self.counters.count(|of| match which {
            Hook::PageMkwrite | Hook::PfnMkwrite => &of.mkwrite_calls,
            Hook::MapPages => &of.map_pages_calls,
            _ => &of.handler_calls,
        });
        // SAFETY: the hook was taken from this VMA under the lock that the fault holds now, and drops the fault.
        let code = catch_unwind(AssertUnwindSafe(|| unsafe { hook.run(Fault::new(serving)) }));
        if let (true, Ok(code)) = (is_fault, &code) {
            self.counters.count(|of| of.answers.of(*code));
        }
        // Whoever waits goes on with this, and the hook is at its end.
        let later = is_fault && code.as_ref().is_ok_and(|code| *code == FaultCode::NOPAGE) && self.turn.tells_later();
        let installed = if later { Ok(()) } else { serving.install_pending() };
        let code = code.map_err(|panic| self.panicked(which, panic))?;
        if serving.locked_twice.get() {
            return Err(self.wrong("the same page was locked twice"));
        }
        let retries = is_fault && code.contains(FaultCode::RETRY);
        if serving.held.is_released() && !retries {
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
            _ => Ok(code),
        }
    }

    /// A hook has.
    #[cold]
    fn panicked(&self, hook: Hook, panic: Box<dyn Any + Send>) -> Outcome {
        let (address, message) = (self.user_address(), message(&*panic));
        self.inner.report(SessionError::Panicked { hook, address, message });
        // The payload's drop is the driver's as well.
        if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
            mem::forget(again);
        }
        Outcome::Fail
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

    #[cold]
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

    /// The kernel is told of this together with what comes next.
    fn later(&self, addresses: Range<usize>) -> Outcome {
        self.turn.answered(Answered { address: self.address, write: self.write, addresses });
        Outcome::Served
    }

    /// Tells the kernel what is in the fault's slot, whether or not it was told before: it may have forgotten.
    fn install_again(&self, area: &Area<'_>) -> Outcome {
        match area.table.install(iter::once(&self.page_range()), area.flags, true) {
            // It may have been taken away meanwhile: then nobody was woken.
            Ok(()) => self.served(area),
            Err(stop) => self.refused(stop),
        }
    }

    /// Nothing is mapped there (`do_fault`).
    #[inline]
    fn missing(&self, held: &Held<'_>, area: &Area<'_>, tried: bool) -> Result<Outcome, Outcome> {
        let vma = held.vma().filter(|vma| vma.has_operations()).ok_or(Outcome::Fail)?;
        let registered = vma.registered();
        let flags = self.flags(tried);
        if registered.map_pages && !self.write {
            let serving = self.serving(held, area, flags, None);
            let code = self.ask(&serving, FaultCall::MapPages(fault_around(area, self.address)))?;
            if code.contains(FaultCode::NOPAGE) {
                return Ok(self.served(area));
            }
        }
        let serving = self.serving(held, area, flags, None);
        let code = self.ask(&serving, FaultCall::Fault)?;
        if code.contains(FaultCode::RETRY) {
            if !held.is_released() {
                return Err(self.wrong("RETRY, and the lock was not given up"));
            }
            return Ok(Outcome::Retry);
        }
        if code.contains(FaultCode::NOPAGE) {
            return Ok(match serving.pending.take() {
                Some((start, end)) => self.later(start..end),
                None => self.served(area),
            });
        }
        let Some(page) = serving.delivered.take() else {
            return Err(self.wrong("no page was handed back, and nothing was inserted"));
        };
        let locked = serving.take_locked(page.pfn());
        if locked != code.contains(FaultCode::LOCKED) {
            return Err(self.wrong("LOCKED does not say whether the page is locked"));
        }
        let shared = area.flags.contains(VmFlags::SHARED);
        let asks = self.write && shared && registered.page_mkwrite && page.is_of(area.table.memory());
        if asks && locked {
            page.unlock();
        }
        drop(serving);
        if asks {
            if !self.page_mkwrite(held, area, &page)? {
                return Ok(Outcome::Repeat);
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
                Ok(self.install_again(area))
            }
            Err(_) => Err(Outcome::Fail),
        }
    }

    /// A store met an entry that is write-protected (`do_wp_page`).
    fn protected(&self, held: &Held<'_>, area: &Area<'_>) -> Outcome {
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

    fn first_store(&self, held: &Held<'_>, area: &Area<'_>) -> Result<Outcome, Outcome> {
        let Some(seen) = area.table.pte(self.address) else {
            // Taken away meanwhile.
            area.table.wake(&self.page_range());
            return Ok(Outcome::Served);
        };
        let registered = held.vma().ok_or(Outcome::Fail)?.registered();
        if seen.writable {
            // The kernel may not know it yet, or has forgotten.
        } else if seen.counted && registered.page_mkwrite {
            let Some(page) = area.table.page(self.address, seen) else { return Ok(Outcome::Repeat) };
            if !self.page_mkwrite(held, area, &page)? {
                return Ok(Outcome::Repeat);
            }
            area.table.make_writable(self.page(), seen.pfn);
            page.unlock();
        } else if !seen.counted && registered.pfn_mkwrite {
            let serving = self.serving(held, area, self.flags(false) | FaultFlags::MKWRITE, None);
            let code = self.ask(&serving, FaultCall::PfnMkwrite)?;
            if code.contains(FaultCode::NOPAGE) {
                return Ok(Outcome::Repeat);
            }
            if seen.pfn == ZERO_PFN {
                // Linux warns, and gives everybody's zero page away.
                return Err(Outcome::Fail);
            }
            area.table.make_writable(self.page(), seen.pfn);
        } else {
            area.table.make_writable(self.page(), seen.pfn);
        }
        match area.table.unprotect(self.page()) {
            Ok(()) => {
                self.inner.forget_refaults(self.address);
                Ok(Outcome::Served)
            }
            Err(_) => Err(Outcome::Fail),
        }
    }

    /// `do_page_mkwrite`. Whether there is something to go on with: then the page is locked. Else the access is repeated.
    fn page_mkwrite(&self, held: &Held<'_>, area: &Area<'_>, page: &Page) -> Result<bool, Outcome> {
        let flags = FaultFlags::WRITE | FaultFlags::MKWRITE | FaultFlags::USER;
        let serving = self.serving(held, area, flags, Some(page.clone()));
        let code = self.ask(&serving, FaultCall::PageMkwrite)?;
        if code.contains(FaultCode::NOPAGE) {
            return Ok(false);
        }
        if !code.contains(FaultCode::LOCKED) || !serving.take_locked(page.pfn()) {
            return Err(self.wrong("the page that is to be written is not locked"));
        }
        Ok(true)
    }
}

/// What `do_fault_around` asks for: up to 16 pages around the address, of one mapping.
fn fault_around(area: &Area<'_>, address: usize) -> Range<PageOffset> {
    const PAGES: usize = 16;
    let pgoff = area.pgoff_at(address);
    let in_area = pgoff - area.pgoff;
    let before = ((address >> PAGE_SHIFT) % PAGES).min(in_area);
    let behind = (PAGES - (address >> PAGE_SHIFT) % PAGES).min((area.range.len() >> PAGE_SHIFT) - in_area);
    PageOffset::new(pgoff - before)..PageOffset::new(pgoff + behind)
}

/// What a panic says.
fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("(no message)").to_owned()
}
