//! Page faults: from the access that missed to the entry that serves it (`handle_mm_fault`).

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::Arc,
};

use crate::{
    UserAddr,
    platform::{FaultCode, FaultFlags, VmFlags},
};

use super::{
    AccessError, Injection, Machine, Page, Signal,
    insert::fill,
    pagetable::Pte,
    platform::{ReadLock, Serving},
    process::Mm,
    vma::Vma,
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
    if lock.exited() {
        return Err(AccessError::Exited);
    }
    let Some(vma) = lock.vmas().find(address).filter(|vma| vma.allows(write)) else {
        return Err(segv(mm.machine(), address));
    };
    match mm.tables().pte(address) {
        // Somebody else has mapped it meanwhile; or the store needs more.
        Some(pte) if write && !pte.writable => write_protected(mm, vma, address, pte),
        Some(_) => Ok(Next::Access),
        None => missing(mm, lock, address, write, tried),
    }
}

/// `do_fault`: nothing is mapped there, and the driver says what should be.
fn missing(mm: &Arc<Mm>, lock: ReadLock, address: usize, write: bool, tried: bool) -> Result<Next, AccessError> {
    let machine = mm.machine();
    let Some(vma) = lock.vmas().find(address) else { return Err(segv(machine, address)) };
    let Some(hook) = vma.fault_hook() else { return Err(sigbus(machine, address)) };
    // A store to a private mapping needs a page for the copy, whatever the driver says; Linux allocates it first, too.
    let copy = if write && !vma.flags().contains(VmFlags::SHARED) {
        Some(anonymous_page(machine).ok_or_else(|| killed(machine, address))?)
    } else {
        None
    };
    let serving = Rc::new(Serving {
        mm: Arc::clone(mm),
        address,
        flags: flags(machine, write, tried),
        pgoff: vma.pgoff_at(address),
        vma_pgoff: vma.pgoff(),
        area: vma.area(mm.tables()),
        serial: machine.next_fault(),
        lock: RefCell::new(Some(lock)),
        delivered: RefCell::new(None),
        locked: RefCell::new(Vec::new()),
        locked_twice: Cell::new(false),
    });
    machine.counters().handler_calls.count();
    // SAFETY: the hook was taken from this VMA under the lock that the fault holds now.
    #[expect(unsafe_code, reason = "the lock is held: see above")]
    let code = unsafe { hook.run(serving.fault()) };
    machine.counters().answered(code);
    conclude(&serving, code, copy)
}

/// `FAULT_FLAG_DEFAULT`, what the access was, and what was injected.
fn flags(machine: &Machine, write: bool, tried: bool) -> FaultFlags {
    let mut flags = FaultFlags::ALLOW_RETRY | FaultFlags::KILLABLE | FaultFlags::INTERRUPTIBLE | FaultFlags::USER;
    if write {
        flags = flags | FaultFlags::WRITE;
    }
    if tried {
        return flags | FaultFlags::TRIED;
    }
    if machine.injections().take(Injection::NoRetry) {
        return flags.without(FaultFlags::ALLOW_RETRY);
    }
    if machine.injections().take(Injection::RetryNoWait) { flags | FaultFlags::RETRY_NOWAIT } else { flags }
}

/// Acts on the answer.
fn conclude(serving: &Serving, code: FaultCode, copy: Option<Page>) -> Result<Next, AccessError> {
    let (machine, address) = (serving.mm.machine(), serving.address);
    let user = UserAddr::new(address);
    let wrong = |reason| Err(AccessError::WrongAnswer { address: user, reason });
    if code.contains(FaultCode::FOREIGN) {
        return Err(AccessError::ForeignAnswer { address: user });
    }
    if serving.locked_twice.get() {
        return Err(AccessError::PageLockedTwice { address: user });
    }
    if serving.is_released() && !code.contains(FaultCode::RETRY) {
        return wrong("the lock was given up, and the answer is not RETRY");
    }
    if code.intersects(FaultCode::ERROR) {
        return Err(failed(machine, address, code));
    }
    if code.contains(FaultCode::RETRY) {
        if !serving.is_released() && !serving.flags.contains(FaultFlags::RETRY_NOWAIT) {
            return wrong("RETRY, and the lock was not given up");
        }
        machine.counters().retries.count();
        return Ok(Next::Retry);
    }
    if code.contains(FaultCode::NOPAGE) {
        return Ok(Next::Access);
    }
    let Some(page) = serving.delivered.take() else {
        return wrong("no page was handed back, and nothing was inserted");
    };
    if serving.take_locked(page.pfn()) != code.contains(FaultCode::LOCKED) {
        return wrong("LOCKED does not say whether the page is locked");
    }
    map_delivered(serving, &page, code, copy)
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
        Ok(false) => {
            counters.already_present.count();
            Ok(Next::Access)
        }
        Err(_) => Err(killed(machine, serving.address)),
    }
}

/// `do_wp_page`: a store meets an entry that is not writable, in a mapping that is.
fn write_protected(mm: &Arc<Mm>, vma: &Vma, address: usize, seen: Pte) -> Result<Next, AccessError> {
    let machine = mm.machine();
    if vma.flags().contains(VmFlags::MAYSHARE) || is_own_copy(machine, seen) {
        mm.tables().with(address, |slot| {
            if slot.pte() == Some(seen) {
                slot.set(Some(Pte { writable: true, dirty: true, ..seen }));
            }
        });
        return Ok(Next::Access);
    }
    let copy = anonymous_page(machine).ok_or_else(|| killed(machine, address))?;
    vma.set_copied();
    let old = mm.tables().with(address, |slot| {
        if slot.pte() != Some(seen) {
            return None;
        }
        machine.memory().copy(seen.pfn, copy.pfn());
        let entry = Pte { pfn: copy.pfn(), writable: true, dirty: true, counted: true, ..seen };
        fill(mm.tables(), slot, entry);
        Some(seen)
    });
    if let Some(old) = old.flatten() {
        mm.tables().forget(old);
        machine.counters().copies.count();
    }
    Ok(Next::Access)
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
