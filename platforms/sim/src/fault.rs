//! Page faults: from the access that missed to the entry that serves it (`handle_mm_fault`).

use std::{
    cell::{Cell, RefCell},
    ops::Range,
    rc::Rc,
    sync::Arc,
};

use vmctx::{
    Errno, HugeSize, PageOffset, Platform, UserAddr,
    platform::{FaultCode, FaultFlags, VmFlags},
};

use super::vma::SimVma as _;
use super::{
    AccessError, Injection, Machine, Page, Signal, Sim,
    insert::fill,
    pagetable::{LEAF_SPAN, Pte},
    platform::Serving,
    process::{Mm, ReadLock},
    vma::{Ask, Vma},
};

/// What to do after a fault that was served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Repeat the access.
    Access,
    /// The lock was given up: repeat the fault, as one that was tried.
    Retry,
}

/// Serves one fault of a user access.
pub(super) fn serve(mm: &Arc<Mm>, address: usize, write: bool, tried: bool) -> Result<Next, AccessError> {
    mm.machine().counters().faults.count();
    let lock = mm.read_lock();
    if lock.is_stopped() {
        return Err(AccessError::Exited);
    }
    let Some(vma) = lock.vmas().find(address).filter(|vma| vma.allows(write)) else {
        return Err(segv(mm.machine(), address));
    };
    if !vma.is_live() {
        return Err(sigbus(mm.machine(), address));
    }
    let fault = Faulting { mm, address, write, tried };
    let lock = if vma.registered().huge_fault || mm.tables().huge(address).is_some() {
        match fault.huge(lock)? {
            Huge::Served(next) => return Ok(next),
            Huge::Fallback(lock) => lock,
        }
    } else {
        lock
    };
    match mm.tables().pte(address) {
        // Somebody else has mapped it meanwhile; or the store needs more.
        Some(pte) if write && !pte.writable => fault.write_protected(lock, pte),
        Some(_) => Ok(Next::Access),
        None => fault.missing(lock),
    }
}

/// A fault on its way through the hooks. The mmap lock goes from one to the next.
struct Faulting<'a> {
    mm: &'a Arc<Mm>,
    address: usize,
    write: bool,
    tried: bool,
}

/// What has become of the large entry.
enum Huge {
    Served(Next),
    Fallback(ReadLock),
}

/// A hook that has answered.
struct Answered {
    serving: Rc<Serving>,
    code: FaultCode,
}

impl Faulting<'_> {
    fn machine(&self) -> &Machine {
        self.mm.machine()
    }

    /// Calls one of the VMA's hooks, if it is there, and checks what is wrong with any answer.
    fn ask(&self, lock: ReadLock, ask: Ask, flags: FaultFlags, page: Option<Page>) -> Result<Answered, AccessError> {
        let (mm, address, machine) = (self.mm, self.address, self.machine());
        let Some(vma) = lock.vmas().find(address) else { return Err(segv(machine, address)) };
        let counters = machine.counters();
        let calls = match ask {
            Ask::Fault => &counters.handler_calls,
            Ask::PageMkwrite | Ask::PfnMkwrite => &counters.mkwrite_calls,
            Ask::HugeFault(_) => &counters.huge_fault_calls,
            Ask::MapPages(_) => &counters.map_pages_calls,
        };
        let is_fault = matches!(ask, Ask::Fault);
        let Some(hook) = vma.hook(ask) else { return Err(sigbus(machine, address)) };
        calls.count();
        let serving = Rc::new(Serving {
            mm: Arc::clone(mm),
            address,
            flags,
            pgoff: vma.pgoff_at(address),
            vma_pgoff: vma.pgoff(),
            area: vma.area(),
            mappings: vma.file().mappings().clone(),
            page,
            serial: machine.next_fault(),
            lock: RefCell::new(Some(lock)),
            delivered: RefCell::new(None),
            locked: RefCell::new(Vec::new()),
            locked_twice: Cell::new(false),
        });
        // SAFETY: the hook was taken from this VMA under the lock that the fault holds now.
        #[expect(unsafe_code, reason = "the lock is held: see above")]
        let code = unsafe { hook.run(serving.fault()) };
        if code.contains(FaultCode::MAJOR) {
            counters.major_faults.count();
        }
        if is_fault {
            counters.answers.count(code);
        }
        let user = UserAddr::new(address);
        if code.contains(FaultCode::FOREIGN) {
            return Err(AccessError::ForeignAnswer { address: user });
        }
        if serving.locked_twice.get() {
            return Err(AccessError::PageLockedTwice { address: user });
        }
        if serving.is_released() && !code.contains(FaultCode::RETRY) {
            return self.wrong("the lock was given up, and the answer is not RETRY");
        }
        if code.intersects(FaultCode::ERROR) {
            return Err(failed(machine, address, code));
        }
        Ok(Answered { serving, code })
    }

    fn wrong<T>(&self, reason: &'static str) -> Result<T, AccessError> {
        Err(AccessError::WrongAnswer { address: UserAddr::new(self.address), reason })
    }

    /// `FAULT_FLAG_DEFAULT`, and what the access was.
    fn flags(&self) -> FaultFlags {
        let mut flags = FaultFlags::ALLOW_RETRY | FaultFlags::KILLABLE | FaultFlags::INTERRUPTIBLE | FaultFlags::USER;
        if self.write {
            flags = flags | FaultFlags::WRITE;
        }
        if self.tried { flags | FaultFlags::TRIED } else { flags }
    }

    /// The same for a fault hook, and what was injected.
    fn flags_with_injections(&self) -> FaultFlags {
        let (flags, injections) = (self.flags(), self.machine().injections());
        if self.tried {
            flags
        } else if injections.take(Injection::NoRetry) {
            flags.without(FaultFlags::ALLOW_RETRY)
        } else if injections.take(Injection::RetryNoWait) {
            flags | FaultFlags::RETRY_NOWAIT
        } else {
            flags
        }
    }

    /// The upper levels, in `__handle_mm_fault`: where nothing is, the driver may make a large entry, the largest size
    /// first.
    fn huge(&self, lock: ReadLock) -> Result<Huge, AccessError> {
        let (tables, mut lock) = (self.mm.tables(), lock);
        let Some(vma) = lock.vmas().find(self.address) else { return Err(segv(self.machine(), self.address)) };
        let (has_hook, shared) = (vma.registered().huge_fault, vma.flags().contains(VmFlags::MAYSHARE));
        if has_hook && tables.is_bare_above(self.address) {
            match self.ask_huge(lock, HugeSize::Pud)? {
                Huge::Fallback(kept) => lock = kept,
                served @ Huge::Served(_) => return Ok(served),
            }
        }
        if has_hook && tables.is_bare(self.address) {
            return self.ask_huge(lock, HugeSize::Pmd);
        }
        let Some(present) = tables.huge(self.address) else { return Ok(Huge::Fallback(lock)) };
        if !self.write || present.writable {
            return Ok(Huge::Served(Next::Access));
        }
        // `wp_huge_pmd`
        if has_hook && shared {
            match self.ask_huge(lock, HugeSize::Pmd)? {
                Huge::Fallback(kept) => lock = kept,
                served @ Huge::Served(_) => return Ok(served),
            }
        }
        tables.drop_huge(self.address);
        Ok(Huge::Fallback(lock))
    }

    fn ask_huge(&self, lock: ReadLock, size: HugeSize) -> Result<Huge, AccessError> {
        let Answered { serving, code } = self.ask(lock, Ask::HugeFault(size), self.flags(), None)?;
        if code.contains(FaultCode::NOPAGE) {
            return Ok(Huge::Served(Next::Access));
        }
        match serving.take_lock() {
            Some(lock) if code.contains(FaultCode::FALLBACK) => Ok(Huge::Fallback(lock)),
            _ => self.wrong("neither a large entry nor FALLBACK"),
        }
    }

    /// `do_fault`: nothing is mapped there, and the driver says what should be.
    fn missing(&self, lock: ReadLock) -> Result<Next, AccessError> {
        let (machine, address) = (self.machine(), self.address);
        let Some(vma) = lock.vmas().find(address) else { return Err(segv(machine, address)) };
        if !vma.has_operations() {
            return Err(sigbus(machine, address));
        }
        let (registered, shared) = (vma.registered(), vma.flags().contains(VmFlags::SHARED));
        let window = fault_around(vma, address);
        let lock = if registered.map_pages && !self.write {
            match self.map_pages(lock, window)? {
                Some(lock) => lock,
                None => return Ok(Next::Access),
            }
        } else {
            lock
        };
        // A store to a private mapping needs a page for the copy, whatever the driver says; Linux allocates it first, too.
        let copy = if self.write && !shared {
            Some(anonymous_page(machine).ok_or_else(|| killed(machine, address))?)
        } else {
            None
        };
        let Answered { serving, code } = self.ask(lock, Ask::Fault, self.flags_with_injections(), None)?;
        if code.contains(FaultCode::RETRY) {
            if !serving.is_released() && !serving.flags.contains(FaultFlags::RETRY_NOWAIT) {
                return self.wrong("RETRY, and the lock was not given up");
            }
            machine.counters().retries.count();
            return Ok(Next::Retry);
        }
        if code.contains(FaultCode::NOPAGE) {
            return Ok(Next::Access);
        }
        let Some(page) = serving.delivered.take() else {
            return self.wrong("no page was handed back, and nothing was inserted");
        };
        if serving.take_locked(page.pfn()) != code.contains(FaultCode::LOCKED) {
            return self.wrong("LOCKED does not say whether the page is locked");
        }
        if self.write && shared && registered.page_mkwrite && page.is_of(machine) {
            if code.contains(FaultCode::LOCKED) {
                page.unlock();
            }
            let Some(lock) = serving.take_lock() else { return Ok(Next::Retry) };
            return match self.page_mkwrite(lock, &page)? {
                Some(serving) => map_delivered(&serving, &page, FaultCode::LOCKED, None),
                None => Ok(Next::Access),
            };
        }
        map_delivered(&serving, &page, code, copy)
    }

    /// `do_fault_around`. Gives back the lock if the fault hook is to be called.
    fn map_pages(&self, lock: ReadLock, window: Range<PageOffset>) -> Result<Option<ReadLock>, AccessError> {
        let Answered { serving, code } = self.ask(lock, Ask::MapPages(window), self.flags(), None)?;
        if code.contains(FaultCode::NOPAGE) {
            return Ok(None);
        }
        match serving.take_lock() {
            Some(lock) if code == FaultCode::NONE => Ok(Some(lock)),
            _ => self.wrong("neither NOPAGE nor nothing"),
        }
    }

    /// `do_wp_page`: a store meets an entry that is not writable, in a mapping that is.
    fn write_protected(&self, lock: ReadLock, seen: Pte) -> Result<Next, AccessError> {
        let Some(vma) = lock.vmas().find(self.address) else { return Err(segv(self.machine(), self.address)) };
        if !vma.flags().contains(VmFlags::MAYSHARE) {
            return self.copy_on_write(vma, seen);
        }
        let registered = vma.registered();
        if seen.counted && registered.page_mkwrite {
            return self.page_shared(lock, seen);
        }
        let _held = if !seen.counted && registered.pfn_mkwrite {
            let flags = self.flags() | FaultFlags::MKWRITE;
            let Answered { serving, code } = self.ask(lock, Ask::PfnMkwrite, flags, None)?;
            if code.contains(FaultCode::NOPAGE) {
                return Ok(Next::Access);
            }
            if seen.pfn == self.machine().memory().zero_page() {
                // Linux warns, and gives everybody's zero page away.
                return Err(sigbus(self.machine(), self.address));
            }
            serving.take_lock()
        } else {
            Some(lock)
        };
        self.make_writable(seen);
        Ok(Next::Access)
    }

    /// `wp_page_shared`
    fn page_shared(&self, lock: ReadLock, seen: Pte) -> Result<Next, AccessError> {
        // The reference is taken with the entry's lock held: the entry has one as long as it is there.
        let page = self.mm.tables().with(self.address, |slot| {
            (slot.pte() == Some(seen)).then(|| {
                self.machine().memory().get(seen.pfn);
                Page::adopt(self.machine().clone(), seen.pfn)
            })
        });
        let Some(page) = page.flatten() else { return Ok(Next::Access) };
        if let Some(_held) = self.page_mkwrite(lock, &page)? {
            self.make_writable(seen);
            page.unlock();
        }
        Ok(Next::Access)
    }

    /// `do_page_mkwrite`. The page is locked if there is something to go on with, which holds the mmap lock; else the
    /// access is repeated.
    fn page_mkwrite(&self, lock: ReadLock, page: &Page) -> Result<Option<Rc<Serving>>, AccessError> {
        let flags = FaultFlags::WRITE | FaultFlags::MKWRITE;
        let Answered { serving, code } = self.ask(lock, Ask::PageMkwrite, flags, Some(page.clone()))?;
        if code.contains(FaultCode::NOPAGE) {
            return Ok(None);
        }
        if !code.contains(FaultCode::LOCKED) || !serving.take_locked(page.pfn()) {
            return self.wrong("the page that is to be written is not locked");
        }
        Ok(Some(serving))
    }

    /// `finish_mkwrite_fault`, `wp_page_reuse`: if the entry is still the same.
    fn make_writable(&self, seen: Pte) {
        self.mm.tables().with(self.address, |slot| {
            if slot.pte() == Some(seen) {
                slot.set(Some(Pte { writable: true, dirty: true, ..seen }));
            }
        });
    }

    /// `wp_page_copy`, or not, if the page is nobody else's.
    fn copy_on_write(&self, vma: &Vma, seen: Pte) -> Result<Next, AccessError> {
        let (machine, tables) = (self.machine(), self.mm.tables());
        if is_own_copy(machine, seen) {
            self.make_writable(seen);
            return Ok(Next::Access);
        }
        let copy = anonymous_page(machine).ok_or_else(|| killed(machine, self.address))?;
        vma.set_copied();
        let old = tables.with(self.address, |slot| {
            if slot.pte() != Some(seen) {
                return None;
            }
            machine.memory().copy(seen.pfn, copy.pfn());
            let entry = Pte { pfn: copy.pfn(), writable: true, dirty: true, counted: true, ..seen };
            fill(tables, slot, entry);
            Some(seen)
        });
        if let Some(old) = old.flatten() {
            tables.forget(old);
            machine.counters().copies.count();
        }
        Ok(Next::Access)
    }
}

/// What `do_fault_around` asks for: up to 16 pages around the address, of one mapping and one page table.
fn fault_around(vma: &Vma, address: usize) -> Range<PageOffset> {
    const PAGES: usize = 16;
    let (pgoff, in_vma) = (vma.pgoff_at(address), vma.pgoff_at(address) - vma.pgoff());
    let in_table = address % LEAF_SPAN / Sim::PAGE_SIZE;
    let before = (in_table % PAGES).min(in_vma);
    let first = in_table - before;
    let behind = PAGES.min(LEAF_SPAN / Sim::PAGE_SIZE - first) - before;
    PageOffset::new(pgoff - before)..PageOffset::new(pgoff + behind.min(vma.pages() - in_vma))
}

/// `finish_fault`, with the page locked while that is done.
fn map_delivered(serving: &Serving, page: &Page, code: FaultCode, copy: Option<Page>) -> Result<Next, AccessError> {
    if !code.contains(FaultCode::LOCKED) {
        page.lock();
    }
    let mapped = if page.is_of(serving.mm.machine()) {
        map_locked(serving, page, copy)
    } else {
        Err(sigbus(serving.mm.machine(), serving.address))
    };
    page.unlock();
    mapped
}

fn map_locked(serving: &Serving, page: &Page, copy: Option<Page>) -> Result<Next, AccessError> {
    let (machine, area) = (serving.mm.machine(), &serving.area);
    let write = serving.flags.contains(FaultFlags::WRITE);
    if let Some(copy) = &copy {
        machine.memory().copy(page.pfn(), copy.pfn());
        serving.mark_copied();
    }
    let pte = Pte {
        pfn: copy.as_ref().unwrap_or(page).pfn(),
        accessible: area.accessible,
        writable: area.prot.is_writable() || (write && area.flags.contains(VmFlags::WRITE)),
        dirty: write,
        counted: true,
        cache: area.prot.cache(),
    };
    let filled = area.tables.with_table(serving.address, |slot| {
        let empty = slot.pte().is_none();
        if empty {
            fill(&area.tables, slot, pte);
        }
        empty
    });
    let counters = machine.counters();
    match filled {
        Ok(true) => {
            counters.delivered.count();
            if copy.is_some() {
                counters.copies.count();
            }
            Ok(Next::Access)
        }
        // Or a huge entry has come.
        Ok(false) | Err(Errno::EBUSY) => {
            counters.already_present.count();
            Ok(Next::Access)
        }
        Err(_) => Err(killed(machine, serving.address)),
    }
}

/// A private copy that nobody else maps, for example after the child of a fork has gone: it need not be copied again.
/// Others can come to it only by fork, which takes the mmap lock for write.
fn is_own_copy(machine: &Machine, pte: Pte) -> bool {
    pte.counted && machine.memory().is_anonymous(pte.pfn) && machine.memory().references(pte.pfn) == 1
}

fn anonymous_page(machine: &Machine) -> Option<Page> {
    let pfn = machine.allocate_frame(true).ok()?;
    Some(Page::adopt(machine.clone(), pfn))
}

fn failed(machine: &Machine, address: usize, code: FaultCode) -> AccessError {
    if code.contains(FaultCode::OOM) {
        killed(machine, address)
    } else if code.contains(FaultCode::SIGSEGV) {
        segv(machine, address)
    } else {
        sigbus(machine, address)
    }
}

/// SIGKILL.
pub(super) fn killed(machine: &Machine, address: usize) -> AccessError {
    machine.counters().killed.count();
    AccessError::Signal(Signal::Killed(UserAddr::new(address)))
}

/// SIGSEGV.
pub(super) fn segv(machine: &Machine, address: usize) -> AccessError {
    machine.counters().sigsegv.count();
    AccessError::Signal(Signal::Sigsegv(UserAddr::new(address)))
}

fn sigbus(machine: &Machine, address: usize) -> AccessError {
    machine.counters().sigbus.count();
    AccessError::Signal(Signal::Sigbus(UserAddr::new(address)))
}
