//! Established mappings: how they are found again, and locked.

use std::{
    ops::Range,
    sync::{Arc, Weak},
    time::Duration,
};

use vmctx::{Errno, PageOffset, VmOperations};

use crate::{
    atomic::might_sleep,
    hook::{self, MappedLock},
    mmap_lock::{MmapLock, ReadLock},
    object::Unmapping,
    operations::StateId,
    order::{self, Wanted},
    report::MightSleep,
    shared::AnyState,
    vma::{Hosted, Vma},
};

/// A mapping to come back to: the platform's [`Handle`](vmctx::Platform::Handle).
pub struct Handle<P: Hosted> {
    space: Weak<MmapLock<P>>,
    state: StateId,
    /// As long as this is here, no other state has the same address.
    _allocation: Weak<AnyState>,
    made: Origin,
}

/// Where a mapping is that was asked for, or was when its handle was made: this page of the object at this address.
/// A VMA of the same state is recognised as a part of it if it shows its pages at their addresses.
#[derive(Clone, Copy)]
struct Origin {
    address: usize,
    page: usize,
}

impl Origin {
    fn of<P: Hosted>(vma: &Vma<P>) -> Self {
        Self { address: vma.start(), page: vma.pgoff() }
    }

    /// Where it shows a page, or would.
    fn address_of<P: Hosted>(self, page: usize) -> usize {
        self.address.wrapping_add(page.wrapping_sub(self.page) << P::PAGE_SHIFT)
    }
}

impl<P: Hosted> Handle<P> {
    /// A handle for a mapping of this address space, or `None` if no state was established.
    #[must_use]
    pub fn new(space: &Arc<MmapLock<P>>, vma: &Vma<P>) -> Option<Self> {
        let state = vma.state()?;
        Some(Self {
            space: Arc::downgrade(space),
            state: StateId::of(&*state),
            _allocation: Arc::downgrade(&state),
            made: Origin::of(vma),
        })
    }

    /// `lock_handle`
    ///
    /// # Errors
    /// As [`Platform::lock_handle`](vmctx::Platform::lock_handle).
    #[track_caller]
    pub fn lock(&self, wait: bool) -> Result<EstablishedVma<P>, Errno> {
        if wait {
            might_sleep(MightSleep::MmapLock);
            order::wants(Wanted::MmapLock);
            may_wait()?;
        }
        let space = self.space.upgrade().ok_or(Errno::ESRCH)?;
        let lock =
            if wait { wait_for(&space)? } else { ReadLock::by(&space, MmapLock::try_read).ok_or(Errno::EAGAIN)? };
        if lock.is_stopped() {
            return Err(Errno::ESRCH);
        }
        let hinted = lock.vmas().find(self.made.address).filter(|vma| vma.is_live() && vma.has_state(self.state));
        let any = || lock.vmas().find_with_state(self.state, &(0..usize::MAX), Vma::is_live);
        let at = hinted.or_else(any).ok_or(Errno::EFAULT)?.start();
        Ok(EstablishedVma { state: self.state, at, asked: self.made, lock, _noted: MappedLock::note() })
    }
}

/// The mmap lock may be waited for, as far as is known by now.
fn may_wait() -> Result<(), Errno> {
    if hook::in_the_way().is_some() || order::holds_a_hooks_lock() { Err(Errno::EDEADLK) } else { Ok(()) }
}

/// Takes the mmap lock for read. Whoever waits with a driver's lock held looks from time to time whether a hook, which
/// has the mmap lock, has begun to wait for that one.
fn wait_for<P: Hosted>(space: &Arc<MmapLock<P>>) -> Result<ReadLock<P>, Errno> {
    const LOOK_AGAIN: Duration = Duration::from_millis(5);
    if !order::holds_any() {
        return Ok(ReadLock::wait(space));
    }
    loop {
        if let Some(lock) = ReadLock::by(space, |lock| lock.try_read_for(LOOK_AGAIN)) {
            return Ok(lock);
        }
        may_wait()?;
    }
}

/// Who is in a system call, and of which address space, if of one: the platform's [`Caller`](vmctx::Platform::Caller).
pub struct Caller<P: Hosted> {
    space: Option<Arc<MmapLock<P>>>,
}

impl<P: Hosted> Caller<P> {
    /// Whoever is in a system call of this address space, or of none.
    ///
    /// # Safety
    /// The value is used for this thread alone, and only as long as it is in that system call, runs no hook and holds
    /// no mmap lock.
    #[must_use]
    #[expect(unsafe_code, reason = "where the thread is cannot be checked")]
    pub unsafe fn new(space: Option<&Arc<MmapLock<P>>>) -> Self {
        Self { space: space.cloned() }
    }

    /// `lock_at`
    ///
    /// # Errors
    /// As [`Platform::lock_at`](vmctx::Platform::lock_at).
    #[track_caller]
    pub fn lock_at<V: VmOperations<Platform = P>>(&self, address: usize) -> Result<EstablishedVma<P>, Errno> {
        might_sleep(MightSleep::MmapLock);
        order::wants(Wanted::MmapLock);
        let space = self.space.as_ref().ok_or(Errno::ESRCH)?;
        may_wait()?;
        let lock = wait_for(space)?;
        if lock.is_stopped() {
            return Err(Errno::ESRCH);
        }
        let vma = lock.vmas().find(address).ok_or(Errno::EFAULT)?;
        let state = vma.state().filter(|_| vma.is_live()).ok_or(Errno::EINVAL)?;
        let state = StateId::of(&*state);
        if !state.is::<V>() {
            return Err(Errno::EINVAL);
        }
        let (at, asked) = (vma.start(), Origin::of(vma));
        Ok(EstablishedVma { state, at, asked, lock, _noted: MappedLock::note() })
    }
}

/// A mapping whose mmap lock is held for read: the platform's [`EstablishedVma`](vmctx::Platform::EstablishedVma).
pub struct EstablishedVma<P: Hosted> {
    state: StateId,
    /// Where one of the VMAs begins.
    at: usize,
    /// The mapping that was asked for. Others with the same state, in the same process, are reached with it.
    asked: Origin,
    lock: ReadLock<P>,
    _noted: MappedLock,
}

impl<P: Hosted> EstablishedVma<P> {
    /// One of its VMAs.
    #[must_use]
    pub fn vma_at(&self, address: usize) -> Option<&Vma<P>> {
        self.lock.vmas().find(address).filter(|vma| vma.is_live() && vma.has_state(self.state))
    }

    /// `established_state`
    #[must_use]
    pub fn state<V: VmOperations<Platform = P>>(&self) -> Option<&V> {
        self.vma_at(self.at)?.state_as()
    }

    /// `established_pgoff`
    #[must_use]
    pub fn pgoff(&self, address: usize) -> Option<PageOffset> {
        Some(PageOffset::new(self.vma_at(address)?.pgoff_at(address)))
    }

    /// The VMA that shows this page where the mapping that was asked for shows it.
    fn asked_for(&self, page: usize) -> Option<&Vma<P>> {
        let address = self.asked.address_of::<P>(page);
        self.vma_at(address).filter(|vma| vma.pgoff_at(address) == page)
    }

    /// The first of these pages that the mapping that was asked for shows.
    fn first_asked_for(&self, pages: Range<usize>) -> Option<usize> {
        let address = |page| self.asked.address_of::<P>(page);
        // Pages so far before the mapping's first that they would lie below address zero are not shown by it.
        let lowest = self.asked.page.saturating_sub(self.asked.address >> P::PAGE_SHIFT);
        let mut addresses = address(pages.start.max(lowest))..address(pages.end);
        while let Some(vma) = self.lock.vmas().intersecting(&addresses) {
            let page = vma.pgoff().max(pages.start);
            if self.asked_for(page).is_some_and(|asked| asked.start() == vma.start()) {
                return Some(page);
            }
            addresses.start = vma.range().end;
        }
        None
    }

    /// `established_slots`
    #[must_use]
    pub fn slots(&self, from: PageOffset) -> Option<(PageOffset, Range<usize>)> {
        let from = from.index();
        let run = |vma: &Vma<P>, end: Option<usize>| {
            let (start, first) = (vma.start(), vma.pgoff().max(from));
            let address = |page: usize| start + ((page - vma.pgoff()) << P::PAGE_SHIFT);
            (PageOffset::new(first), address(first)..end.map_or(vma.range().end, address))
        };
        if let Some(vma) = self.asked_for(from) {
            return Some(run(vma, None));
        }
        let next = self.lock.vmas().find_with_state(self.state, &(from..usize::MAX), Vma::is_live)?;
        let pages = next.pgoff().max(from)..next.pgoff() + next.pages();
        Some(match self.first_asked_for(pages.clone()) {
            Some(page) if page == pages.start => run(self.asked_for(page)?, None),
            // From there on the slots are of the mapping that was asked for, so this run ends before.
            end => run(next, end),
        })
    }

    /// `established_zap`
    #[track_caller]
    pub fn zap(&self, addresses: &Range<usize>) {
        might_sleep(MightSleep::Unmapping);
        self.everywhere(addresses, |table, addresses| table.zap(addresses, true));
    }

    /// `established_write_protect`
    #[track_caller]
    pub fn write_protect(&self, addresses: &Range<usize>) {
        might_sleep(MightSleep::Unmapping);
        self.everywhere(addresses, P::Table::write_protect);
    }

    /// Does this wherever the mapping shows what it shows at these addresses, which lie in one VMA: in each VMA that
    /// does.
    fn everywhere(&self, addresses: &Range<usize>, act: impl Fn(&P::Table, &Range<usize>)) {
        let Some(vma) = self.vma_at(addresses.start) else { return };
        let first = vma.pgoff_at(addresses.start);
        let pages = first..first + (addresses.len() >> P::PAGE_SHIFT);
        self.lock.vmas().find_with_state(self.state, &pages, |vma| {
            if vma.is_live() {
                act(vma.table(), &vma.place().addresses(&pages));
            }
            false
        });
    }
}
