//! Page faults: from the access that missed to the entry that serves it (`handle_mm_fault`).

use std::{
    cell::{Cell, RefCell},
    ops::Range,
};

use vmctx::{
    Errno, HugeSize, PageOffset, PageRange, Platform, UserAddr,
    platform::{FaultCode, FaultFlags, VmFlags},
};

use crate::{
    answers::Event,
    error::{AccessError, Signal},
    insert::Bounds,
    machine::{Machine, Page},
    mm::Mm,
    mmap_lock::ReadGuard,
    operations::FaultCall,
    paged::{MachineOf, Paged},
    paging::{Entry, PageTable, Pte, drop_huge, fill, forget},
    serving::{Fault, Serving},
    trace,
    vma::Vma,
};

/// What to do after a fault that was served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Repeat the access.
    Access,
    /// The lock was given up: repeat the fault, as one that was tried.
    Retry,
}

/// Whose access has faulted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// The process itself.
    User,
    /// A debugger, with `FOLL_FORCE`: what the VMA's rights refuse has been looked at (`check_vma_flags`).
    Debugger,
}

/// Serves one fault of an access.
pub(crate) fn serve<P: Paged + Platform<Fault = Fault<P>>>(
    mm: &Mm<P>,
    address: usize,
    write: bool,
    tried: bool,
    by: By,
) -> Result<Next, AccessError> {
    mm.machine().count(Event::Fault);
    let lock = mm.read_lock();
    if lock.is_stopped() {
        return Err(AccessError::Exited);
    }
    let Some(vma) = lock.vmas().find(address).filter(|vma| by == By::Debugger || vma.allows(write)) else {
        return Err(segv(mm.machine(), address));
    };
    if !vma.is_live() {
        return Err(sigbus(mm.machine(), address));
    }
    let fault = Faulting { mm, address, write, tried, by };
    let lock = if vma.registered().huge_fault || mm.table().huge(address).is_some() {
        match fault.huge(lock)? {
            Huge::Served(next) => return Ok(next),
            Huge::Fallback(lock) => lock,
        }
    } else {
        lock
    };
    match mm.table().pte(address) {
        // Somebody else has mapped it meanwhile; or the store needs more.
        Some(pte) if write && !pte.writable => fault.write_protected(lock, pte),
        Some(_) => Ok(Next::Access),
        None => fault.missing(lock),
    }
}

/// A fault on its way through the hooks. The mmap lock goes from one to the next.
struct Faulting<'a, P: Paged> {
    mm: &'a Mm<P>,
    address: usize,
    write: bool,
    tried: bool,
    by: By,
}

/// What has come of asking for a large entry: the fault is served, or goes on with the lock, page by page.
enum Huge<'a, P: Paged> {
    Served(Next),
    Fallback(ReadGuard<'a, P>),
}

/// A hook that has answered.
struct Answered<'a, P: Paged> {
    serving: Serving<'a, P>,
    code: FaultCode,
}

impl<'a, P: Paged + Platform<Fault = Fault<P>>> Faulting<'a, P> {
    fn machine(&self) -> &MachineOf<P> {
        self.mm.machine()
    }

    /// Calls one of the VMA's hooks, and checks its answer for what would be wrong from any hook.
    fn ask(
        &self,
        lock: ReadGuard<'a, P>,
        call: FaultCall,
        flags: FaultFlags,
        page: Option<P::Page>,
    ) -> Result<Answered<'a, P>, AccessError> {
        let (mm, address, machine) = (self.mm, self.address, self.machine());
        let Some(vma) = lock.vmas().find(address) else { return Err(segv(machine, address)) };
        let is_fault = matches!(call, FaultCall::Fault);
        let called = call.hook();
        let pages = match &call {
            FaultCall::MapPages(window) => window.start.index()..window.end.index(),
            FaultCall::HugeFault(size) => large(vma, address, *size),
            _ => vma.pgoff_at(address)..vma.pgoff_at(address) + 1,
        };
        let Some(hook) = vma.hook(call) else { return Err(sigbus(machine, address)) };
        machine.count(Event::Call(called));
        let serving = Serving {
            mm,
            address,
            flags,
            pgoff: vma.pgoff_at(address),
            vma_pgoff: vma.pgoff(),
            bounds: Bounds::of(vma),
            object: P::mappings(vma.file()).number(),
            page,
            serial: machine.next_fault(),
            lock: RefCell::new(Some(lock)),
            delivered: RefCell::new(None),
            locked: RefCell::new(Vec::new()),
            locked_twice: Cell::new(false),
        };
        // SAFETY: the hook was taken from this VMA under the lock that the fault holds now, and the call drops the fault.
        #[expect(unsafe_code, reason = "the lock is held: see above")]
        let code = trace::call(called, address, pages, || unsafe { hook.run(Fault::new(&serving)) });
        if code.contains(FaultCode::MAJOR) {
            machine.count(Event::MajorFault);
        }
        if is_fault {
            machine.count(Event::Answer(code));
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

    /// `FAULT_FLAG_DEFAULT`, and what the access was. A debugger's fault keeps its lock (`faultin_page` without
    /// `FOLL_UNLOCKABLE`).
    fn flags(&self) -> FaultFlags {
        let mut flags = match self.by {
            By::User => FaultFlags::ALLOW_RETRY | FaultFlags::KILLABLE | FaultFlags::INTERRUPTIBLE | FaultFlags::USER,
            By::Debugger => FaultFlags::REMOTE,
        };
        if self.write {
            flags = flags | FaultFlags::WRITE;
        }
        if self.tried { flags | FaultFlags::TRIED } else { flags }
    }

    /// The same for a fault hook. On a user's first try the machine has a say in them.
    fn flags_for_fault_hook(&self) -> FaultFlags {
        if self.tried || self.by == By::Debugger { self.flags() } else { self.machine().fault_flags(self.flags()) }
    }

    /// The upper levels, in `__handle_mm_fault`: where nothing is, the driver may make a large entry, the largest size
    /// first.
    fn huge(&self, lock: ReadGuard<'a, P>) -> Result<Huge<'a, P>, AccessError> {
        let (table, mut lock) = (&**self.mm.table(), lock);
        let Some(vma) = lock.vmas().find(self.address) else { return Err(segv(self.machine(), self.address)) };
        let (has_hook, shared) = (vma.registered().huge_fault, vma.flags().contains(VmFlags::MAYSHARE));
        if has_hook && table.is_bare_above(self.address) {
            match self.ask_huge(lock, HugeSize::Pud)? {
                Huge::Fallback(kept) => lock = kept,
                served @ Huge::Served(_) => return Ok(served),
            }
        }
        if has_hook && table.is_bare(self.address) {
            return self.ask_huge(lock, HugeSize::Pmd);
        }
        let Some(present) = table.huge(self.address) else { return Ok(Huge::Fallback(lock)) };
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
        drop_huge(table, self.address);
        Ok(Huge::Fallback(lock))
    }

    fn ask_huge(&self, lock: ReadGuard<'a, P>, size: HugeSize) -> Result<Huge<'a, P>, AccessError> {
        let Answered { serving, code } = self.ask(lock, FaultCall::HugeFault(size), self.flags(), None)?;
        if code.contains(FaultCode::NOPAGE) {
            return Ok(Huge::Served(Next::Access));
        }
        match serving.take_lock() {
            Some(lock) if code.contains(FaultCode::FALLBACK) => Ok(Huge::Fallback(lock)),
            _ => self.wrong("neither a large entry nor FALLBACK"),
        }
    }

    /// `do_fault`: nothing is mapped there, and the driver says what should be.
    fn missing(&self, lock: ReadGuard<'a, P>) -> Result<Next, AccessError> {
        let (machine, address) = (self.machine(), self.address);
        let Some(vma) = lock.vmas().find(address) else { return Err(segv(machine, address)) };
        if !vma.has_operations() {
            return Err(sigbus(machine, address));
        }
        let (registered, shared) = (vma.registered(), vma.flags().contains(VmFlags::SHARED));
        if self.write && !shared {
            // From now on there may be copies, also if the driver refuses (`do_cow_fault`).
            vma.set_copied();
        }
        let window = fault_around(vma, address);
        let lock = if registered.map_pages && !self.write {
            match self.map_pages(lock, window)? {
                Some(lock) => lock,
                None => return Ok(Next::Access),
            }
        } else {
            lock
        };
        // A store to a private mapping needs a page for the copy, whatever the driver says; Linux allocates it first,
        // too.
        let copy = if self.write && !shared {
            Some(anonymous_page(machine).ok_or_else(|| killed(machine, address))?)
        } else {
            None
        };
        let Answered { serving, code } = self.ask(lock, FaultCall::Fault, self.flags_for_fault_hook(), None)?;
        if code.contains(FaultCode::RETRY) {
            if !serving.is_released() && !serving.flags.contains(FaultFlags::RETRY_NOWAIT) {
                return self.wrong("RETRY, and the lock was not given up");
            }
            machine.count(Event::Retry);
            return Ok(Next::Retry);
        }
        if code.contains(FaultCode::NOPAGE) {
            return self.inserted(&serving, registered.pfn_mkwrite && shared);
        }
        let Some(page) = serving.delivered.take() else {
            return self.wrong("no page was handed back, and nothing was inserted");
        };
        if serving.take_locked(&page) != code.contains(FaultCode::LOCKED) {
            return self.wrong("LOCKED does not say whether the page is locked");
        }
        if !page.is_of(machine) {
            if code.contains(FaultCode::LOCKED) {
                unlock(&page);
            }
            return Err(sigbus(machine, address));
        }
        // From here on the page is locked, as behind `__do_fault`.
        if !code.contains(FaultCode::LOCKED) {
            page.lock();
        }
        if self.write && shared && registered.page_mkwrite {
            // A store to a shared page is told before anybody sees the page, as in `do_shared_fault`.
            unlock(&page);
            let Some(lock) = serving.take_lock() else { return Ok(Next::Retry) };
            return match self.page_mkwrite(lock, &page)? {
                Some(serving) => finish_fault(&serving, &page, None),
                None => Ok(Next::Access),
            };
        }
        finish_fault(&serving, &page, copy)
    }

    /// The fault hook has inserted. A store that finds a frame there of which `pfn_mkwrite` is to be told asks it in
    /// the same fault. In C the access would come back and ask in a second one, and whoever faults once for a user and
    /// then looks at the entry, as KVM does (`hva_to_pfn_remapped`), would find it read-only.
    fn inserted(&self, serving: &Serving<'_, P>, told: bool) -> Result<Next, AccessError> {
        if !(self.write && told) {
            return Ok(Next::Access);
        }
        match (self.mm.table().pte(self.address), serving.take_lock()) {
            (Some(pte), Some(lock)) if !pte.writable && !pte.counted => self.write_protected(lock, pte),
            _ => Ok(Next::Access),
        }
    }

    /// `do_fault_around`. Gives back the lock if the fault hook is to be called.
    fn map_pages(&self, lock: ReadGuard<'a, P>, window: PageRange) -> Result<Option<ReadGuard<'a, P>>, AccessError> {
        let Answered { serving, code } = self.ask(lock, FaultCall::MapPages(window), self.flags(), None)?;
        if code.contains(FaultCode::NOPAGE) {
            return Ok(None);
        }
        match serving.take_lock() {
            Some(lock) if code == FaultCode::NONE => Ok(Some(lock)),
            _ => self.wrong("neither NOPAGE nor nothing"),
        }
    }

    /// `do_wp_page`: a store meets an entry that is not writable, in a mapping that is.
    fn write_protected(&self, lock: ReadGuard<'a, P>, seen: Pte) -> Result<Next, AccessError> {
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
            let Answered { serving, code } = self.ask(lock, FaultCall::PfnMkwrite, flags, None)?;
            if code.contains(FaultCode::NOPAGE) {
                return Ok(Next::Access);
            }
            if seen.pfn == self.machine().zero_page() {
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
    fn page_shared(&self, lock: ReadGuard<'a, P>, seen: Pte) -> Result<Next, AccessError> {
        let page = self.mm.table().with(self.address, |entry| {
            // SAFETY: the entry has a reference as long as it is there, which its lock sees to.
            #[expect(unsafe_code, reason = "the reference is there: see above")]
            (entry.pte() == Some(seen)).then(|| unsafe {
                self.machine().get(seen.pfn);
                Page::adopt(self.machine().clone(), seen.pfn)
            })
        });
        let Some(page) = page.flatten() else { return Ok(Next::Access) };
        if let Some(_held) = self.page_mkwrite(lock, &page)? {
            self.make_writable(seen);
            unlock(&page);
        }
        Ok(Next::Access)
    }

    /// `do_page_mkwrite`. The page is locked if there is something to go on with, which holds the mmap lock; else the
    /// access is repeated.
    fn page_mkwrite(&self, lock: ReadGuard<'a, P>, page: &P::Page) -> Result<Option<Serving<'a, P>>, AccessError> {
        let flags = FaultFlags::WRITE | FaultFlags::MKWRITE;
        let Answered { serving, code } = self.ask(lock, FaultCall::PageMkwrite, flags, Some(page.clone()))?;
        if code.contains(FaultCode::NOPAGE) {
            return Ok(None);
        }
        if !code.contains(FaultCode::LOCKED) || !serving.take_locked(page) {
            return self.wrong("the page that is to be written is not locked");
        }
        Ok(Some(serving))
    }

    /// `finish_mkwrite_fault`, `wp_page_reuse`: if the entry is still the same.
    fn make_writable(&self, seen: Pte) {
        self.mm.table().with(self.address, |entry| {
            if entry.pte() == Some(seen) {
                entry.set(Some(Pte { writable: true, dirty: true, ..seen }));
            }
        });
    }

    /// `wp_page_copy`, or not, if the page is nobody else's.
    fn copy_on_write(&self, vma: &Vma<P>, seen: Pte) -> Result<Next, AccessError> {
        let (machine, table) = (self.machine(), &**self.mm.table());
        // A debugger's store does not give the user a right (`maybe_mkwrite`).
        let writable = vma.allows(true);
        if is_own_copy(machine, seen) {
            if writable {
                self.make_writable(seen);
            }
            return Ok(Next::Access);
        }
        vma.set_copied();
        let copy = anonymous_page(machine).ok_or_else(|| killed(machine, self.address))?;
        let old = table.with(self.address, |entry| {
            if entry.pte() != Some(seen) {
                return None;
            }
            machine.copy(seen.pfn, copy.pfn());
            let copied = Pte { pfn: copy.pfn(), writable, dirty: true, counted: true, ..seen };
            // SAFETY: `copy` has a reference.
            #[expect(unsafe_code, reason = "the reference is there: see above")]
            unsafe {
                fill(table, entry, copied);
            }
            Some(seen)
        });
        if let Some(old) = old.flatten() {
            // SAFETY: the copy has just taken its place.
            #[expect(unsafe_code, reason = "the entry is the caller's: see above")]
            unsafe {
                forget(table, old);
            }
            machine.count(Event::Copy);
        }
        Ok(Next::Access)
    }
}

/// The pages that a large entry of this size would map, as far as they are the mapping's.
fn large<P: Paged>(vma: &Vma<P>, address: usize, size: HugeSize) -> Range<usize> {
    let bytes = size.page_count(P::PAGE_SHIFT).get() << P::PAGE_SHIFT;
    let start = address - address % bytes;
    let (first, end) = (start.max(vma.start()), start.saturating_add(bytes).min(vma.range().end));
    vma.pgoff_at(first)..vma.pgoff_at(first) + ((end - first) >> P::PAGE_SHIFT)
}

/// What `do_fault_around` asks for: up to 16 pages around the address, of one mapping and one page table.
fn fault_around<P: Paged>(vma: &Vma<P>, address: usize) -> PageRange {
    const PAGES: usize = 16;
    let (pgoff, in_vma) = (vma.pgoff_at(address), vma.pgoff_at(address) - vma.pgoff());
    let in_table = address % P::Table::TABLE_SPAN / P::PAGE_SIZE;
    let before = (in_table % PAGES).min(in_vma);
    let first = in_table - before;
    let behind = PAGES.min(P::Table::TABLE_SPAN / P::PAGE_SIZE - first) - before;
    PageRange::new(PageOffset::new(pgoff - before), PageOffset::new(pgoff + behind.min(vma.pages() - in_vma)))
}

/// `finish_fault` of a page that is locked, and is unlocked then.
fn finish_fault<P: Paged>(
    serving: &Serving<'_, P>,
    page: &P::Page,
    copy: Option<P::Page>,
) -> Result<Next, AccessError> {
    let mapped = map_locked(serving, page, copy);
    unlock(page);
    mapped
}

/// `unlock_page`, for callers that have locked the page themselves, or got it locked from a hook.
fn unlock<M: Machine>(page: &Page<M>) {
    // SAFETY: the page is locked, and the lock this fault's: `missing` takes it if the answer was not LOCKED; where it
    // was, `take_locked` has found the page among those that this fault has locked.
    #[expect(unsafe_code, reason = "the lock is held: see above")]
    unsafe {
        page.unlock();
    }
}

fn map_locked<P: Paged>(serving: &Serving<'_, P>, page: &P::Page, copy: Option<P::Page>) -> Result<Next, AccessError> {
    let (machine, area) = (serving.mm.machine(), serving.area());
    if copy.is_none() {
        area.note(page.pfn());
    }
    let write = serving.flags.contains(FaultFlags::WRITE);
    if let Some(copy) = &copy {
        machine.copy(page.pfn(), copy.pfn());
    }
    let pte = Pte {
        pfn: copy.as_ref().unwrap_or(page).pfn(),
        accessible: area.accessible,
        writable: area.prot.is_writable() || (write && area.flags.contains(VmFlags::WRITE)),
        dirty: write,
        counted: true,
        cache: area.prot.cache(),
    };
    let filled = area.table.with_table(serving.address, |entry| {
        let empty = entry.pte().is_none();
        if empty {
            // SAFETY: the page, or the copy, has a reference.
            #[expect(unsafe_code, reason = "the reference is there: see above")]
            unsafe {
                fill(area.table, entry, pte);
            }
        }
        empty
    });
    match filled {
        Ok(true) => {
            machine.count(Event::Delivery);
            if copy.is_some() {
                machine.count(Event::Copy);
            }
            Ok(Next::Access)
        }
        // Somebody else was faster. EBUSY: with a large entry.
        Ok(false) | Err(Errno::EBUSY) => {
            machine.count(Event::AlreadyPresent);
            Ok(Next::Access)
        }
        Err(_) => Err(killed(machine, serving.address)),
    }
}

/// A private copy that nobody else maps, for example after the child of a fork has gone: it need not be copied again.
/// Others can come to it only by fork, which takes the mmap lock for write.
pub(crate) fn is_own_copy<M: Machine>(machine: &M, pte: Pte) -> bool {
    pte.counted && machine.is_anonymous(pte.pfn) && machine.references(pte.pfn) == 1
}

fn anonymous_page<M: Machine>(machine: &M) -> Option<Page<M>> {
    let pfn = machine.allocate(true).ok()?;
    // SAFETY: the reference that came with the frame.
    #[expect(unsafe_code, reason = "the reference is there: see above")]
    Some(unsafe { Page::adopt(machine.clone(), pfn) })
}

fn failed<M: Machine>(machine: &M, address: usize, code: FaultCode) -> AccessError {
    if code.contains(FaultCode::OOM) {
        killed(machine, address)
    } else if code.contains(FaultCode::SIGSEGV) {
        segv(machine, address)
    } else {
        sigbus(machine, address)
    }
}

/// SIGKILL.
pub(crate) fn killed<M: Machine>(machine: &M, address: usize) -> AccessError {
    signal(machine, Signal::Killed(UserAddr::new(address)))
}

/// SIGSEGV.
pub(crate) fn segv<M: Machine>(machine: &M, address: usize) -> AccessError {
    signal(machine, Signal::Sigsegv(UserAddr::new(address)))
}

fn sigbus<M: Machine>(machine: &M, address: usize) -> AccessError {
    signal(machine, Signal::Sigbus(UserAddr::new(address)))
}

fn signal<M: Machine>(machine: &M, signal: Signal) -> AccessError {
    machine.count(Event::Signal(signal));
    AccessError::Signal(signal)
}
