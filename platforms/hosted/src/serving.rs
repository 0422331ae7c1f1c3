//! A fault while it is served, as the driver's tokens and the fault path see it.

use std::{
    cell::{Cell, RefCell},
    ops::Range,
    ptr::NonNull,
};

use vmctx::{
    Errno, FrameRange, PageOffset, PageProt,
    platform::{FaultCode, FaultFlags, VmFlags},
};

use crate::{
    atomic::{inserts, might_sleep},
    hook,
    insert::{Area, Bounds},
    machine::{Machine, Page},
    mm::Mm,
    mmap_lock::ReadGuard,
    object::Object,
    paged::{MachineOf, Paged},
    queue::WaitQueue,
    report::MightSleep,
};

/// A fault that is being served: the platform's [`Fault`](vmctx::Platform::Fault). Made by this crate alone; to have
/// one is the proof that the hook runs, and that the mmap lock is held until [`release`](Self::release).
///
/// Its methods are the raw operations of [`Platform`](vmctx::Platform) that they name, under the conditions that stand
/// there.
///
/// # Invariants
/// What it points to outlives it: it is made for one call of a hook by a caller that has the `Serving` on its stack, and
/// the call drops it.
pub struct Fault<P: Paged> {
    serving: NonNull<Serving<'static, P>>,
}

impl<P: Paged> Fault<P> {
    /// # Safety
    /// It is dropped before `serving` is.
    #[expect(unsafe_code, reason = "how long it is used cannot be checked here")]
    pub(crate) unsafe fn new(serving: &Serving<'_, P>) -> Self {
        Self { serving: NonNull::from(serving).cast() }
    }

    #[inline]
    fn serving(&self) -> &Serving<'_, P> {
        // SAFETY: the invariant. What it borrows in turn lives longer than it does.
        #[expect(unsafe_code, reason = "it is there: see above")]
        unsafe {
            self.serving.cast::<Serving<'_, P>>().as_ref()
        }
    }

    /// `fault_address`
    #[must_use]
    pub fn address(&self) -> usize {
        self.serving().address
    }

    /// `fault_pgoff`
    #[must_use]
    pub fn pgoff(&self) -> PageOffset {
        PageOffset::new(self.serving().pgoff)
    }

    /// `fault_flags`
    #[must_use]
    pub fn flags(&self) -> FaultFlags {
        self.serving().flags
    }

    /// `fault_vma_range`
    #[must_use]
    pub fn vma_range(&self) -> Range<usize> {
        self.serving().bounds.range.clone()
    }

    /// `fault_vma_pgoff`
    #[must_use]
    pub fn vma_pgoff(&self) -> PageOffset {
        PageOffset::new(self.serving().vma_pgoff)
    }

    /// `fault_vma_flags`
    #[must_use]
    pub fn vma_flags(&self) -> VmFlags {
        self.serving().bounds.flags
    }

    /// `fault_page_prot`
    #[must_use]
    pub fn page_prot(&self) -> PageProt {
        self.serving().bounds.prot
    }

    /// `vmf_insert_page`
    #[must_use]
    #[track_caller]
    pub fn insert_page(&self, address: usize, page: &P::Page) -> FaultCode {
        self.serving().insert(|area| area.insert_page(address, page))
    }

    /// `vmf_insert_zero_page`
    #[must_use]
    #[track_caller]
    pub fn insert_zero_page(&self, address: usize) -> FaultCode {
        self.serving().insert(|area| area.insert_zero_page(address))
    }

    /// `vmf_insert_pfn`
    #[must_use]
    #[track_caller]
    pub fn insert_pfn(&self, address: usize, pfn: u64, prot: Option<PageProt>) -> FaultCode {
        self.serving().insert(|area| area.insert_pfn(address, pfn, prot.unwrap_or(area.prot)))
    }

    /// `vmf_insert_mixed`
    #[must_use]
    #[track_caller]
    pub fn insert_mixed(&self, address: usize, pfn: u64, mkwrite: bool) -> FaultCode {
        self.serving().insert(|area| area.insert_mixed(address, pfn, mkwrite))
    }

    /// `vmf_mixed_mkwrite`
    #[must_use]
    #[track_caller]
    pub fn mixed_mkwrite(&self, pfn: u64) -> FaultCode {
        might_sleep(MightSleep::Insertion);
        let serving = self.serving();
        // Nobody stores to the zero page, which is everybody's.
        if serving.is_released() || pfn == serving.mm.machine().zero_page() {
            return FaultCode::SIGBUS;
        }
        serving.area().make_mixed_writable(serving.address & !(P::PAGE_SIZE - 1), pfn);
        FaultCode::NOPAGE
    }

    /// `vmf_insert_pfn_huge`
    #[must_use]
    #[track_caller]
    pub fn insert_huge(&self, address: usize, frames: FrameRange<'_, P>) -> FaultCode {
        let write = self.serving().flags.contains(FaultFlags::WRITE);
        self.serving().insert(|area| area.insert_huge(address, frames, write))
    }

    /// `vmf_map_page`
    #[must_use]
    #[track_caller]
    pub fn map_page(&self, address: usize, page: &P::Page) -> FaultCode {
        self.serving().map(|area| area.insert_page(address, page))
    }

    /// `vmf_map_mixed`
    #[must_use]
    #[track_caller]
    pub fn map_mixed(&self, address: usize, pfn: u64) -> FaultCode {
        self.serving().map(|area| area.insert_mixed(address, pfn, false))
    }

    /// `deliver`
    #[track_caller]
    pub fn deliver(&self, page: P::Page) {
        inserts();
        *self.serving().delivered.borrow_mut() = Some(page);
    }

    /// `lock_page`. A page that this fault has locked already is not waited for, which would be for ever: the access
    /// that faulted ends with [`AccessError::PageLockedTwice`](crate::AccessError::PageLockedTwice).
    #[track_caller]
    pub fn lock_page(&self, page: &P::Page) {
        might_sleep(MightSleep::PageLock);
        let serving = self.serving();
        if serving.locked.borrow().iter().any(|(machine, pfn)| page.is(machine, *pfn)) {
            serving.locked_twice.set(true);
            return;
        }
        page.lock();
        serving.locked.borrow_mut().push((page.machine().clone(), page.pfn()));
    }

    /// `unlock_page`
    pub fn unlock_page(&self, page: &P::Page) {
        if self.serving().take_locked(page) {
            // SAFETY: `lock_page` has locked what is on the list, and whoever unlocks a page takes it off.
            #[expect(unsafe_code, reason = "the lock is held: see above")]
            unsafe {
                page.unlock();
            }
        }
    }

    /// `release`
    pub fn release(&self) {
        let lock = self.serving().lock.borrow_mut().take();
        drop(lock);
        hook::release();
    }

    /// `wait`
    ///
    /// # Errors
    /// EINTR if the process is killed.
    #[track_caller]
    pub fn wait(&self, queue: &WaitQueue, wakes: u64) -> Result<(), Errno> {
        self.serving().mm.wait(queue, wakes)
    }

    /// `fault_page`
    #[must_use]
    pub fn page(&self) -> P::Page {
        let machine = self.serving().mm.machine();
        // SAFETY: the zero page has no count of references that could go wrong.
        #[expect(unsafe_code, reason = "not counted: see above")]
        let zero_page = || unsafe { Page::adopt(machine.clone(), machine.zero_page()) };
        // The tokens ask only in a `page_mkwrite`, where there is a page.
        self.serving().page.clone().unwrap_or_else(zero_page)
    }

    /// `fault_is_of`
    #[must_use]
    pub fn is_of(&self, mappings: &Object) -> bool {
        self.serving().object == mappings.number()
    }

    /// `fault_serial`
    #[must_use]
    pub fn serial(&self) -> u32 {
        self.serving().serial
    }
}

/// What a fault and the code that waits for its answer know in common.
pub(crate) struct Serving<'a, P: Paged> {
    pub(crate) mm: &'a Mm<P>,
    pub(crate) address: usize,
    pub(crate) flags: FaultFlags,
    pub(crate) pgoff: usize,
    pub(crate) vma_pgoff: usize,
    pub(crate) bounds: Bounds,
    /// The number of the object that the VMA is a mapping of.
    pub(crate) object: u64,
    /// The page that a `page_mkwrite` is asked about.
    pub(crate) page: Option<P::Page>,
    pub(crate) serial: u32,
    /// `None` once it was released.
    pub(crate) lock: RefCell<Option<ReadGuard<'a, P>>>,
    /// `vmf->page`
    pub(crate) delivered: RefCell<Option<P::Page>>,
    /// The pages that this fault has locked, of any machine, without a reference, which the driver could count.
    pub(crate) locked: RefCell<Vec<(MachineOf<P>, u64)>>,
    pub(crate) locked_twice: Cell<bool>,
}

impl<'a, P: Paged> Serving<'a, P> {
    /// Where the driver may insert.
    pub(crate) fn area(&self) -> Area<'_, P> {
        self.bounds.clone().within::<P>(self.mm.table())
    }

    /// The lock, for the next hook, unless it was given up.
    pub(crate) fn take_lock(&self) -> Option<ReadGuard<'a, P>> {
        self.lock.take()
    }

    pub(crate) fn is_released(&self) -> bool {
        self.lock.borrow().is_none()
    }

    /// Takes a page off the list of those that this fault has locked. `false` if it is not on it.
    pub(crate) fn take_locked(&self, page: &P::Page) -> bool {
        let mut locked = self.locked.borrow_mut();
        let found = locked.iter().position(|(machine, pfn)| page.is(machine, *pfn));
        found.map(|index| locked.swap_remove(index)).is_some()
    }

    /// Inserts, if the lock is still held: once it was released, the VMA may be gone.
    #[track_caller]
    fn insert(&self, insert: impl FnOnce(&Area<'_, P>) -> Result<(), Errno>) -> FaultCode {
        might_sleep(MightSleep::Insertion);
        self.insert_now(insert)
    }

    fn insert_now(&self, insert: impl FnOnce(&Area<'_, P>) -> Result<(), Errno>) -> FaultCode {
        if self.is_released() {
            return FaultCode::SIGBUS;
        }
        FaultCode::from_insertion(insert(&self.area()))
    }

    /// Inserts without making page tables: under RCU.
    #[track_caller]
    fn map(&self, insert: impl FnOnce(&Area<'_, P>) -> Result<(), Errno>) -> FaultCode {
        inserts();
        self.insert_now(|area| insert(&area.without_new_tables().within::<P>(area.table)))
    }
}

impl<P: Paged> Drop for Serving<'_, P> {
    fn drop(&mut self) {
        // Some are left only if the handler has forgotten a lock, or panicked before its answer was looked at.
        for (machine, pfn) in self.locked.borrow_mut().drain(..) {
            // SAFETY: `lock_page` has locked what is on the list, and whoever unlocks a page takes it off.
            #[expect(unsafe_code, reason = "the lock is held: see above")]
            unsafe {
                machine.unlock(pfn);
            }
        }
    }
}
