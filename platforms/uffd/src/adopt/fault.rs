//! A fault of a peer's, while a driver's hook serves it.

use std::{
    cell::{Cell, RefCell},
    ops::Range,
    ptr::NonNull,
    sync::Arc,
};

use vmctx::{
    Errno, PageOffset,
    platform::{FaultCode, FaultFlags, VmFlags},
};
use vmctx_hosted::{Object, WaitQueue};

use crate::{
    kernel::sys::{PAGE_SHIFT, PAGE_SIZE, page_of},
    memory::{LockedPage, Page},
};

use super::{event::Backlog, runs::Runs, shared::Shared, vma::ReadGuard};

/// A fault of a peer's that is being served. Only a [`Peer`](super::peer::Peer) makes one.
///
/// # Invariants
/// What it points to outlives it: it is made for one call of a hook by a caller that has the `Serving` on its stack, and the
/// call drops it.
pub struct AdoptedFault {
    serving: NonNull<Serving<'static>>,
}

impl AdoptedFault {
    /// # Safety
    /// It is dropped before `serving` is.
    pub(crate) unsafe fn new(serving: &Serving<'_>) -> Self {
        Self { serving: NonNull::from(serving).cast() }
    }

    #[inline]
    pub(crate) fn serving(&self) -> &Serving<'_> {
        // SAFETY: the invariant. What it borrows in turn lives longer than it does.
        unsafe { self.serving.cast::<Serving<'_>>().as_ref() }
    }
}

thread_local! {
    /// The fault whose hook this thread is calling, unless the hook is waiting already.
    static CURRENT: Cell<Option<NonNull<Serving<'static>>>> = const { Cell::new(None) };
}

/// Calls a hook of a fault, which [`with_current`] finds meanwhile.
pub(crate) fn as_current<T>(serving: &Serving<'_>, hook: impl FnOnce() -> T) -> T {
    CURRENT.set(Some(NonNull::from(serving).cast()));
    let _none = Restore(None);
    hook()
}

/// Does something about the fault whose hook this thread is calling, if it is in one.
pub(crate) fn with_current<T>(body: impl FnOnce(&Serving<'_>) -> T) -> Option<T> {
    let current = CURRENT.take()?;
    let _current = Restore(Some(current));
    // SAFETY: `as_current` has borrowed it, and has not returned: this is called from inside it, by the same thread.
    Some(body(unsafe { current.cast::<Serving<'_>>().as_ref() }))
}

struct Restore(Option<NonNull<Serving<'static>>>);

impl Drop for Restore {
    fn drop(&mut self) {
        CURRENT.set(self.0);
    }
}

/// What the driver's hook and the code that waits for its answer both know of a fault. Addresses are first addresses.
pub(crate) struct Serving<'a> {
    pub(crate) shared: &'a Arc<Shared>,
    pub(crate) backlog: &'a Backlog,
    pub(crate) address: usize,
    pub(crate) flags: FaultFlags,
    pub(crate) range: Range<usize>,
    pub(crate) vma_pgoff: usize,
    pub(crate) vma_flags: VmFlags,
    /// `None` once it was released.
    pub(crate) lock: RefCell<Option<ReadGuard<'a>>>,
    pub(crate) is_released: Cell<bool>,
    /// `vmf->page`: the page that the hook hands back.
    pub(crate) delivered: Cell<Option<Page>>,
    /// What was inserted. It is copied when the hook has returned.
    pub(crate) runs: &'a RefCell<Runs>,
    pub(crate) locked_pages: RefCell<Vec<LockedPage>>,
    pub(crate) locked_twice: Cell<bool>,
}

impl Serving<'_> {
    pub(crate) fn pgoff(&self) -> PageOffset {
        PageOffset::new(self.vma_pgoff + ((self.address - self.range.start) >> PAGE_SHIFT))
    }

    /// The first address of the fault's page.
    pub(crate) fn page(&self) -> usize {
        page_of(self.address).start
    }

    /// Notes what is to be copied, if the lock is still held. What the peer has given back comes again by a fault of its own
    /// only: whoever brings it along does not know what it is to be by now.
    #[inline]
    pub(crate) fn insert(&self, address: usize, add: impl FnOnce(&mut Runs) -> bool) -> FaultCode {
        let is_inside = self.range.contains(&address) && address % PAGE_SIZE == 0;
        if self.is_released.get() || !is_inside {
            return FaultCode::SIGBUS;
        }
        let is_neighbour = address != self.page();
        if is_neighbour && self.shared.target.is_removed(address) {
            return FaultCode::SIGBUS;
        }
        let mut runs = self.runs.borrow_mut();
        if is_neighbour && runs.has(address) {
            return FaultCode::from_insertion(Err(Errno::EBUSY));
        }
        if add(&mut runs) { FaultCode::NOPAGE } else { FaultCode::SIGBUS }
    }

    pub(crate) fn lock_page(&self, page: &Page) {
        if self.locked_pages.borrow().iter().any(|held| held.pfn == page.pfn()) {
            // This thread would wait for itself for ever. The peer's owner is told of it instead.
            self.locked_twice.set(true);
            return;
        }
        let locked = LockedPage::lock(page);
        self.locked_pages.borrow_mut().push(locked);
    }

    /// Whether the hook has locked the page. From now on somebody else has to unlock it.
    pub(crate) fn take_locked(&self, pfn: u64) -> bool {
        let mut locked = self.locked_pages.borrow_mut();
        let found = locked.iter().position(|held| held.pfn == pfn);
        found.map(|index| locked.swap_remove(index)).is_some()
    }

    pub(crate) fn release(&self) {
        self.is_released.set(true);
        drop(self.lock.take());
    }

    /// Whether the mapping is one of this object, if the lock is still held.
    pub(crate) fn is_of(&self, object: &Object) -> bool {
        let lock = self.lock.borrow();
        lock.as_ref().and_then(|lock| lock.vmas().find(self.address)).is_some_and(|vma| vma.file().is(object))
    }

    pub(crate) fn wait(&self, queue: &WaitQueue, wakes: u64) -> Result<(), Errno> {
        self.shared.sleepers.wait(queue, wakes, || self.shared.is_over())
    }
}

impl Drop for Serving<'_> {
    fn drop(&mut self) {
        // Some are left only if the hook has forgotten to unlock one, or panicked while it handed a locked page back.
        self.locked_pages.take().into_iter().for_each(LockedPage::unlock);
    }
}
