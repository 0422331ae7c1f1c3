//! Established mappings, reached from outside their hooks: by process and state.

use core::{
    cell::Cell,
    ops::Range,
    ptr::NonNull,
    sync::atomic::{AtomicUsize, Ordering},
};

use vmctx::{Errno, PageOffset, Platform, UnlockedCtx, VmOperations, entry, platform::VmFlags};

use crate::{errno, ffi, hooks, linux::Linux, shared::AnyState};

/// Runs what needs an [`UnlockedCtx`]: an ioctl, the removal of a device. The calling process is the one of the thread.
///
/// # Safety
/// This thread holds no mmap lock, runs no hook of a driver's, and may sleep, until this returns.
pub unsafe fn ioctl<R>(run: impl for<'u> FnOnce(&mut UnlockedCtx<'u, Linux>) -> R) -> R {
    // SAFETY: by this function's contract.
    unsafe { entry::unlocked::<Linux, R>((), run) }
}

/// A mapping to come back to: the process's `mm_struct`, and the number of the mapping's state.
///
/// # Invariants
/// The value owns a reference to the `mm_struct` (`mmgrab`): the structure stays, what was mapped need not.
pub struct LinuxHandle {
    mm: NonNull<ffi::mm_struct>,
    serial: u64,
    made: Origin,
    /// Where a VMA with the state was seen last.
    hint: AtomicUsize,
}

/// Where a mapping is that was asked for, or was when its handle was made: this page of the object at this address.
/// A VMA of the same state is recognised as a part of it if it shows its pages at their addresses.
#[derive(Clone, Copy)]
struct Origin {
    address: usize,
    page: usize,
}

impl Origin {
    fn of(vma: &ffi::vm_area_struct) -> Self {
        Self { address: vma.vm_start, page: vma.vm_pgoff }
    }

    /// Where it shows a page, or would.
    fn address_of(self, page: usize) -> usize {
        self.address.wrapping_add(page.wrapping_sub(self.page) << Linux::PAGE_SHIFT)
    }

    /// Whether a VMA shows its pages there.
    fn has(self, vma: &ffi::vm_area_struct) -> bool {
        self.address_of(vma.vm_pgoff) == vma.vm_start
    }
}

// SAFETY: an `mm_struct`'s counts are atomic, and what else is done with it is done under its lock.
unsafe impl Send for LinuxHandle {}
// SAFETY: as for `Send`.
unsafe impl Sync for LinuxHandle {}

impl LinuxHandle {
    /// # Safety
    /// The VMA is being made, and holds a reference to the state.
    pub(super) unsafe fn new(vma: &ffi::vm_area_struct, state: AnyState) -> Option<Self> {
        let mm = NonNull::new(vma.vm_mm)?;
        // SAFETY: a VMA's `mm_struct` is there.
        unsafe { ffi::vmctx_mm_grab(mm.as_ptr()) };
        Some(Self { mm, serial: state.serial(), made: Origin::of(vma), hint: AtomicUsize::new(vma.vm_start) })
    }

    pub(super) fn lock(&self, wait: bool) -> Result<LinuxEstablishedVma, Errno> {
        let lock = MmapLock::take(self.mm, wait)?;
        let is_it = |vma: &NonNull<ffi::vm_area_struct>| {
            // SAFETY: the lock is held.
            unsafe { state_of(*vma) }.is_some_and(|state| state.has_serial(self.serial))
        };
        let found = lock
            .vma_at(self.hint.load(Ordering::Relaxed))
            .filter(is_it)
            .or_else(|| lock.vmas().find(is_it))
            .ok_or(Errno::EFAULT)?;
        let mapped = LinuxEstablishedVma::new(lock, found, self.made).ok_or(Errno::EFAULT)?;
        self.hint.store(mapped.found().vm_start, Ordering::Relaxed);
        Ok(mapped)
    }
}

impl Drop for LinuxHandle {
    fn drop(&mut self) {
        // SAFETY: the reference that `self` owns is given up with it.
        unsafe { ffi::vmctx_mm_drop(self.mm.as_ptr()) };
    }
}

/// The mmap lock of a process, held for read.
///
/// # Invariants
/// It is, and the value owns a use of the `mm_struct` (`mmget`).
struct MmapLock(NonNull<ffi::mm_struct>);

impl MmapLock {
    fn take(mm: NonNull<ffi::mm_struct>, wait: bool) -> Result<Self, Errno> {
        // SAFETY: the caller has a reference to the structure.
        errno::result(unsafe { ffi::vmctx_mm_lock(mm.as_ptr(), wait) })?;
        Ok(Self(mm))
    }

    /// The first VMA that ends behind this address.
    fn vma_from(&self, address: usize) -> Option<NonNull<ffi::vm_area_struct>> {
        // SAFETY: by the invariant.
        NonNull::new(unsafe { ffi::find_vma(self.0.as_ptr(), address) })
    }

    fn vma_at(&self, address: usize) -> Option<NonNull<ffi::vm_area_struct>> {
        // SAFETY: by the invariant the VMA stays as it is.
        self.vma_from(address).filter(|vma| unsafe { vma.as_ref() }.vm_start <= address)
    }

    fn vmas(&self) -> impl Iterator<Item = NonNull<ffi::vm_area_struct>> {
        let mut next = 0;
        core::iter::from_fn(move || {
            let vma = self.vma_from(next)?;
            // SAFETY: by the invariant the VMA stays as it is.
            next = unsafe { vma.as_ref() }.vm_end;
            Some(vma)
        })
    }
}

impl Drop for MmapLock {
    fn drop(&mut self) {
        // SAFETY: by the invariant.
        unsafe { ffi::vmctx_mm_unlock(self.0.as_ptr()) };
    }
}

/// The state of a VMA that runs operations of ours.
///
/// # Safety
/// The VMA's mmap lock is held while the state is used.
unsafe fn state_of(vma: NonNull<ffi::vm_area_struct>) -> Option<AnyState> {
    // SAFETY: by this function's contract.
    let vma = unsafe { vma.as_ref() };
    // SAFETY: a VMA's operations are constants of a module, which cannot go while it is mapped.
    let ops = unsafe { vma.vm_ops.as_ref() }?;
    // SAFETY: these operations are only ever installed beside a state.
    hooks::are_ours(ops).then(|| unsafe { AnyState::of_vma(vma.vm_private_data) })
}

/// An established mapping with its mmap lock held for read.
///
/// # Invariants
/// `found` is a VMA of the process that runs operations of ours with `state`. So it stays as long as the lock is held,
/// and with it the state.
pub struct LinuxEstablishedVma {
    lock: MmapLock,
    state: AnyState,
    /// The mapping that was asked for. Others with the same state, in the same process, are reached with it.
    asked: Origin,
    found: Cell<NonNull<ffi::vm_area_struct>>,
    /// The last answer to [`slots`](Self::slots): these pages of the object are those that `found` shows.
    run: Cell<(usize, usize)>,
}

impl LinuxEstablishedVma {
    fn new(lock: MmapLock, vma: NonNull<ffi::vm_area_struct>, asked: Origin) -> Option<Self> {
        // SAFETY: the lock is held.
        let state = unsafe { state_of(vma) }?;
        Some(Self { lock, state, asked, found: Cell::new(vma), run: Cell::default() })
    }

    /// The mapping of the calling process at an address, if its state is a `V`.
    pub(super) fn at<V: 'static>(address: usize) -> Result<Self, Errno> {
        // SAFETY: no preconditions.
        let mm = NonNull::new(unsafe { ffi::vmctx_current_mm() }).ok_or(Errno::ESRCH)?;
        let lock = MmapLock::take(mm, true)?;
        let vma = lock.vma_at(address).ok_or(Errno::EFAULT)?;
        // SAFETY: the lock is held.
        let asked = Origin::of(unsafe { vma.as_ref() });
        Self::new(lock, vma, asked).filter(|mapped| mapped.state.is::<V>()).ok_or(Errno::EINVAL)
    }

    fn found(&self) -> &ffi::vm_area_struct {
        // SAFETY: by the invariant.
        unsafe { self.found.get().as_ref() }
    }

    pub(super) fn state<V: VmOperations<Platform = Linux>>(&self) -> Option<&V> {
        // SAFETY: by the invariant it lives as long as `self`.
        unsafe { self.state.get() }
    }

    /// The VMAs of the mapping.
    fn vmas(&self) -> impl Iterator<Item = NonNull<ffi::vm_area_struct>> {
        // SAFETY: the lock is held.
        self.lock.vmas().filter(|vma| unsafe { state_of(*vma) } == Some(self.state))
    }

    /// The VMA of the mapping at an address.
    fn vma_at(&self, address: usize) -> Option<NonNull<ffi::vm_area_struct>> {
        let found = self.found();
        if address < found.vm_start || address >= found.vm_end {
            // SAFETY: the lock is held.
            let vma = self.lock.vma_at(address).filter(|vma| unsafe { state_of(*vma) } == Some(self.state))?;
            self.found.set(vma);
            self.run.take();
        }
        Some(self.found.get())
    }

    pub(super) fn pgoff_at(&self, address: usize) -> Option<PageOffset> {
        // SAFETY: the lock is held.
        let vma = unsafe { self.vma_at(address)?.as_ref() };
        Some(PageOffset::new(vma.vm_pgoff + ((address - vma.vm_start) >> Linux::PAGE_SHIFT)))
    }

    pub(super) fn slots(&self, from: PageOffset) -> Option<(PageOffset, Range<usize>)> {
        let from = from.index();
        let (mut first, mut end) = self.run.get();
        if !(first..end).contains(&from) {
            let vma;
            (vma, first, end) = self.find_slots(from)?;
            self.found.set(vma);
            self.run.set((first, end));
        }
        let (vma, first) = (self.found(), first.max(from));
        let address = |page: usize| vma.vm_start + ((page - vma.vm_pgoff) << Linux::PAGE_SHIFT);
        Some((PageOffset::new(first), address(first)..address(end)))
    }

    /// The VMA that shows the first slot from this one on, and which pages of it are the answer.
    fn find_slots(&self, from: usize) -> Option<(NonNull<ffi::vm_area_struct>, usize, usize)> {
        let all_of = |vma: NonNull<ffi::vm_area_struct>, shown: Range<usize>| (vma, shown.start, shown.end);
        if let Some((asked, shown)) = self.asked_for(from) {
            return Some(all_of(asked, shown));
        }
        // SAFETY: the lock is held.
        let shown = |vma: NonNull<ffi::vm_area_struct>| unsafe { vma.as_ref() }.shown();
        let behind = self.vmas().filter(|vma| shown(*vma).end > from);
        // Of those that show one page first, the VMA with the lowest address comes first.
        let next = behind.min_by_key(|vma| shown(*vma).start)?;
        let pages = shown(next).start.max(from)..shown(next).end;
        if let Some((asked, shown)) = self.asked_for(pages.start) {
            return Some(all_of(asked, shown));
        }
        // SAFETY: the lock is held.
        let asked = self.vmas().filter(|vma| self.asked.has(unsafe { vma.as_ref() })).map(|vma| shown(vma).start);
        // From there on the slots are of the mapping that was asked for, so this run ends before.
        let end = asked.filter(|page| pages.contains(page)).min().unwrap_or(pages.end);
        Some((next, pages.start, end))
    }

    /// The VMA that shows this page where the mapping that was asked for shows it, and what it shows.
    fn asked_for(&self, page: usize) -> Option<(NonNull<ffi::vm_area_struct>, Range<usize>)> {
        let here = |vma: NonNull<ffi::vm_area_struct>| {
            // SAFETY: the lock is held.
            let found = unsafe { vma.as_ref() };
            (self.asked.has(found) && found.shown().contains(&page)).then(|| (vma, found.shown()))
        };
        here(self.found.get()).or_else(|| {
            // SAFETY: the lock is held.
            let of_it = |vma: &NonNull<ffi::vm_area_struct>| unsafe { state_of(*vma) } == Some(self.state);
            here(self.lock.vma_at(self.asked.address_of(page)).filter(of_it)?)
        })
    }

    /// The VMA for an insertion at an address.
    pub(super) fn vma_for(&self, address: usize) -> Result<*mut ffi::vm_area_struct, Errno> {
        self.vma_at(address).map(NonNull::as_ptr).ok_or(Errno::EFAULT)
    }

    /// Takes away what is mapped of the object where these addresses show it: in each VMA that does, for a user can map
    /// one slot twice (`mremap` with a length of zero).
    pub(super) fn zap(&self, addresses: Range<usize>, which: impl Fn(VmFlags) -> bool) {
        let Some(first) = self.pgoff_at(addresses.start).map(PageOffset::index) else { return };
        let end = first + (addresses.len() >> Linux::PAGE_SHIFT);
        for vma in self.vmas() {
            // SAFETY: the lock is held.
            let (shown, flags, start) = unsafe { (vma.as_ref().shown(), vma.as_ref().flags(), vma.as_ref().vm_start) };
            let pages = first.max(shown.start)..end.min(shown.end);
            if !pages.is_empty() && which(flags) {
                let address = start + ((pages.start - shown.start) << Linux::PAGE_SHIFT);
                let bytes = pages.len() << Linux::PAGE_SHIFT;
                // SAFETY: the lock is held, and the range is in the VMA.
                unsafe { ffi::vmctx_zap_range(vma.as_ptr(), address, bytes) };
            }
        }
    }
}
