//! A fault while a driver's hook serves it: Linux's `struct vm_fault`.

use std::{
    cell::{Cell, RefCell},
    ptr::NonNull,
    sync::Arc,
};

use vmctx::{
    Errno, FrameRange,
    platform::{FaultCode, FaultFlags},
};

use crate::{
    kernel::{
        fill::FillError,
        sys::{self, HUGE_PAGES, HUGE_SIZE, PAGE_SIZE},
    },
    memory::{LockedPage, Page},
    mm::{address_space::LockedVma, insert::Area},
    uffd::Uffd,
};

use super::{batch::Batch, shared::Shared};

/// A fault that is being served. Only a session makes one.
///
/// # Invariants
/// What it points to outlives it: it is made for one call of a hook by a caller that has the `Vmf` on its stack, and
/// the call drops it.
pub struct Fault {
    vmf: NonNull<Vmf<'static, 'static>>,
}

impl Fault {
    /// # Safety
    /// It is dropped before `vmf` is.
    pub(crate) unsafe fn new(vmf: &Vmf<'_, '_>) -> Self {
        Self { vmf: NonNull::from(vmf).cast() }
    }

    #[inline]
    pub(crate) fn vmf(&self) -> &Vmf<'_, '_> {
        // SAFETY: the invariant. What it borrows in turn lives longer than it does.
        unsafe { self.vmf.cast::<Vmf<'_, '_>>().as_ref() }
    }
}

thread_local! {
    /// The fault whose hook this thread is calling, unless the hook is waiting already.
    static CURRENT: Cell<Option<NonNull<Vmf<'static, 'static>>>> = const { Cell::new(None) };
}

/// Calls a hook of a fault, which [`with_current`] finds meanwhile.
#[inline]
pub(crate) fn as_current<T>(vmf: &Vmf<'_, '_>, hook: impl FnOnce() -> T) -> T {
    CURRENT.set(Some(NonNull::from(vmf).cast()));
    let _none = Restore(None);
    hook()
}

/// Does something about the fault whose hook this thread is calling, if it is in one.
pub(crate) fn with_current<T>(body: impl FnOnce(&Vmf<'_, '_>) -> T) -> Option<T> {
    let current = CURRENT.take()?;
    let _current = Restore(Some(current));
    // SAFETY: `as_current` has borrowed it, and has not returned: this is called from inside it, by the same thread.
    Some(body(unsafe { current.cast::<Vmf<'_, '_>>().as_ref() }))
}

/// In place of a thread's number: the thread that calls the hook has the fault itself.
pub(crate) const OWN_THREAD: u32 = u32::MAX;

/// The thread that has the fault which this thread's hook is serving, by the number that its own process knows it by
/// (`gettid` there), if the kernel tells (`UFFD_FEATURE_THREAD_ID`). For a driver on this platform that counts by thread,
/// or has to know whose memory it brings.
///
/// `None` outside a hook that serves a fault. A fault is served for everybody who waits at its page, and this is one of
/// them.
#[must_use]
pub fn faulting_thread() -> Option<u32> {
    match with_current(|vmf| vmf.thread)? {
        0 => None,
        OWN_THREAD => Some(sys::this_thread()),
        thread => Some(thread),
    }
}

struct Restore(Option<NonNull<Vmf<'static, 'static>>>);

impl Drop for Restore {
    fn drop(&mut self) {
        CURRENT.set(self.0);
    }
}

/// What the driver's hook and the code that waits for its answer both know of a fault.
pub(crate) struct Vmf<'a, 't> {
    pub(crate) shared: &'a Arc<Shared>,
    pub(crate) batch: &'a Batch<'a>,
    pub(crate) address: usize,
    /// The thread that has the fault, or 0.
    pub(crate) thread: u32,
    pub(crate) flags: FaultFlags,
    pub(crate) locked: &'a LockedVma<'t>,
    pub(crate) area: &'a Area<'a>,
    /// The page that a `page_mkwrite` is asked about.
    pub(crate) page: Option<Page>,
    /// `vmf->page`: the page that the hook hands back.
    pub(crate) delivered: Cell<Option<Page>>,
    /// The pages that the hook has locked.
    pub(crate) locked_pages: RefCell<Vec<LockedPage>>,
    pub(crate) locked_twice: Cell<bool>,
    /// The first and last address of slots that were filled, and of which the kernel was not told yet.
    pub(crate) pending: Cell<Option<(usize, usize)>>,
}

impl Vmf<'_, '_> {
    /// Whether the hook has locked the page. From now on somebody else has to unlock it.
    pub(crate) fn take_locked(&self, pfn: u64) -> bool {
        let mut locked = self.locked_pages.borrow_mut();
        let found = locked.iter().position(|held| held.pfn == pfn);
        found.map(|index| locked.swap_remove(index)).is_some()
    }

    /// Unlocks the pages that the hook has left locked. Some are left only if it has forgotten to unlock one, or panicked
    /// while it handed a locked page back.
    #[inline]
    pub(crate) fn unlock_pages(&self) {
        if self.locked_pages.borrow().is_empty() {
            return;
        }
        self.locked_pages.take().into_iter().for_each(LockedPage::unlock);
    }

    /// Tells the kernel what was filled, in as few requests as there are runs.
    #[inline]
    pub(crate) fn install_pending(&self) -> Result<(), FillError> {
        let Some((start, end)) = self.pending.take() else { return Ok(()) };
        if self.locked.is_released() {
            return Ok(());
        }
        let installed = self.area.install(&(start..end));
        self.locked.learn_layout(self.address);
        installed
    }

    /// Inserts, if the lock is still held: once it is released there may be no VMA any more.
    ///
    /// The slot is filled at once. The kernel is told, and whoever waits is woken, when the hook has returned; what was
    /// taken out of the slot by then is gone.
    #[inline]
    pub(crate) fn insert(&self, address: usize, insert: impl FnOnce(&Area<'_>) -> Result<(), Errno>) -> FaultCode {
        if self.locked.is_released() {
            return FaultCode::SIGBUS;
        }
        let inserted = insert(self.area);
        // EBUSY: another hook has filled the slot, and the kernel may not be told before that one returns.
        if matches!(inserted, Ok(()) | Err(Errno::EBUSY)) {
            self.add_pending(address, address + PAGE_SIZE);
        }
        FaultCode::from_insertion(inserted)
    }

    /// `vmf_insert_pfn_pmd`, if the memory has large pages.
    pub(crate) fn insert_huge(&self, address: usize, frames: FrameRange<'_, Uffd>) -> FaultCode {
        if !self.area.table.huge || frames.count().get() != HUGE_PAGES {
            return FaultCode::FALLBACK;
        }
        let code = self.insert(address, |area| area.insert_huge(address, frames));
        if code == FaultCode::NOPAGE {
            self.add_pending(address, address + HUGE_SIZE);
        }
        code
    }

    /// `vmf_mixed_mkwrite`: nothing is inserted where nothing is.
    pub(crate) fn mixed_mkwrite(&self, pfn: u64) -> FaultCode {
        // Nobody stores to the zero page, which is everybody's.
        if self.locked.is_released() || pfn == self.area.table.memory().zero_page() {
            return FaultCode::SIGBUS;
        }
        let address = self.address & !(PAGE_SIZE - 1);
        self.area.make_writable(address, pfn);
        self.add_pending(address, address + PAGE_SIZE);
        FaultCode::NOPAGE
    }

    /// The kernel is to be told of these slots.
    #[inline]
    pub(crate) fn add_pending(&self, from: usize, to: usize) {
        let (start, end) = self.pending.get().unwrap_or((from, to));
        self.pending.set(Some((start.min(from), end.max(to))));
    }
}

impl Drop for Vmf<'_, '_> {
    fn drop(&mut self) {
        self.unlock_pages();
    }
}
