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
    /// Where the mapping was seen last.
    hint: AtomicUsize,
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
        Some(Self { mm, serial: state.serial(), hint: AtomicUsize::new(vma.vm_start) })
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
        let mapped = LinuxEstablishedVma::new(lock, found).ok_or(Errno::EFAULT)?;
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
    found: Cell<NonNull<ffi::vm_area_struct>>,
}

impl LinuxEstablishedVma {
    fn new(lock: MmapLock, vma: NonNull<ffi::vm_area_struct>) -> Option<Self> {
        // SAFETY: the lock is held.
        let state = unsafe { state_of(vma) }?;
        Some(Self { lock, state, found: Cell::new(vma) })
    }

    /// The mapping of the calling process at an address, if its state is a `V`.
    pub(super) fn at<V: 'static>(address: usize) -> Result<Self, Errno> {
        // SAFETY: no preconditions.
        let mm = NonNull::new(unsafe { ffi::vmctx_current_mm() }).ok_or(Errno::ESRCH)?;
        let lock = MmapLock::take(mm, true)?;
        let vma = lock.vma_at(address).ok_or(Errno::EFAULT)?;
        Self::new(lock, vma).filter(|mapped| mapped.state.is::<V>()).ok_or(Errno::EINVAL)
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
        let slots_in = |vma: NonNull<ffi::vm_area_struct>| {
            // SAFETY: the lock is held.
            let vma = unsafe { vma.as_ref() };
            let shown = vma.shown();
            let first = from.max(shown.start);
            (first < shown.end)
                .then(|| (first, vma.vm_start + ((first - shown.start) << Linux::PAGE_SHIFT)..vma.vm_end))
        };
        let (vma, (first, slots)) = match slots_in(self.found.get()) {
            // None is before this one.
            Some(here) if here.0 == from => (self.found.get(), here),
            _ => self.vmas().filter_map(|vma| Some((vma, slots_in(vma)?))).min_by_key(|(_, (first, _))| *first)?,
        };
        self.found.set(vma);
        Some((PageOffset::new(first), slots))
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
