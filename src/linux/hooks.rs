//! The kernel's hooks: a table for each driver's operations, and what `f_op->mmap` calls.

use core::{
    ffi::{c_int, c_uint, c_void},
    mem::ManuallyDrop,
};

use super::{Linux, LinuxFault, LinuxRef, LinuxVma, ffi};
use crate::{Errno, MmapFile, PageOffset, Platform, VmOperations, entry};

/// The `vm_ops` of `V`.
pub(super) struct Table<V>(V);

impl<V: VmOperations<Platform = Linux>> Table<V> {
    pub(super) const OPS: ffi::vm_operations_struct = ffi::vm_operations_struct {
        open: Some(open::<V>),
        close: Some(close::<V>),
        may_split: match V::HOOKS.registered_may_split() {
            Some(_) => Some(may_split::<V>),
            None => None,
        },
        fault: Some(fault::<V>),
        mremap: None,
        mprotect: None,
        huge_fault: None,
        map_pages: None,
        pagesize: None,
        page_mkwrite: None,
        pfn_mkwrite: None,
        access: None,
        name: None,
        set_policy: None,
        get_policy: None,
        find_special_page: None,
    };
}

/// A bitwise copy of the reference that the VMA holds.
///
/// # Safety
/// The VMA was established with a state of `V`, and holds its reference for as long as the copy is used.
unsafe fn state<V: VmOperations<Platform = Linux>>(vma: *mut ffi::vm_area_struct) -> ManuallyDrop<LinuxRef<V>> {
    // SAFETY: by this function's contract.
    ManuallyDrop::new(unsafe { LinuxRef::from_raw((*vma).vm_private_data) })
}

unsafe extern "C" fn fault<V: VmOperations<Platform = Linux>>(vmf: *mut ffi::vm_fault) -> c_uint {
    // SAFETY: the kernel calls this for a fault in a VMA whose `vm_ops` is V's table, with the fault's lock held.
    unsafe { entry::fault::<V>(state::<V>((*vmf).vma), LinuxFault(vmf)) }.bits()
}

/// fork, split or move has copied the VMA, and with it the pointer to the state: it gets a reference of its own.
unsafe extern "C" fn open<V: VmOperations<Platform = Linux>>(vma: *mut ffi::vm_area_struct) {
    // SAFETY: the VMA that was copied from still has its reference.
    let copied = unsafe { state::<V>(vma) };
    core::mem::forget(LinuxRef::clone(&copied));
}

/// The VMA's pages are gone; so is its reference.
unsafe extern "C" fn close<V: VmOperations<Platform = Linux>>(vma: *mut ffi::vm_area_struct) {
    // SAFETY: the kernel calls this once for a VMA, when nothing is mapped through it any more.
    drop(ManuallyDrop::into_inner(unsafe { state::<V>(vma) }));
}

unsafe extern "C" fn may_split<V: VmOperations<Platform = Linux>>(
    vma: *mut ffi::vm_area_struct,
    address: usize,
) -> c_int {
    // SAFETY: the lock is held for write, the VMA keeps its reference.
    let (state, skipped, pgoff) = unsafe { (state::<V>(vma), address - (*vma).vm_start, (*vma).vm_pgoff) };
    let at = PageOffset::new(pgoff + (skipped >> Linux::PAGE_SHIFT));
    code(V::HOOKS.registered_may_split().map_or(Ok(()), |hook| hook(&state, at)))
}

/// Serves one mmap of `file`: what a module's `f_op->mmap` calls. Zero, or a negative errno.
///
/// Of a driver's own type everything is inlined; a module that serves several may have them as `dyn MmapFile`.
///
/// # Safety
/// `vma` is the kernel's `struct vm_area_struct` in a call of `f_op->mmap`, for a file that is `file`'s.
pub unsafe fn mmap<F: MmapFile<Platform = Linux> + ?Sized>(file: &F, vma: *mut c_void) -> c_int {
    let mut vma = LinuxVma { raw: vma.cast(), close: None };
    // SAFETY: by this function's contract.
    code(unsafe { entry::mmap(file, &mut vma) })
}

/// Puts V's table and the state into the VMA.
pub(super) fn establish<V: VmOperations<Platform = Linux>>(vma: &mut LinuxVma, state: LinuxRef<V>) {
    // SAFETY: the value exists only while the VMA is being made, with its lock held for write.
    let raw = unsafe { &mut *vma.raw };
    raw.vm_private_data = state.into_raw();
    raw.vm_ops = &Table::<V>::OPS;
    vma.close = Some(close::<V>);
}

/// Takes away what was inserted, then drops the state. After an error the kernel calls no hook of the VMA any more.
pub(super) fn abandon(vma: &mut LinuxVma) {
    // SAFETY: the value exists only while the VMA is being made, with its lock held for write.
    unsafe { ffi::vmctx_zap(vma.raw) };
    if let Some(close) = vma.close.take() {
        // SAFETY: the state was established, and nothing is mapped any more. This is the only call.
        unsafe { close(vma.raw) };
    }
}

/// A result as the kernel's functions give it: zero for success, or a negative errno.
#[must_use]
pub const fn code(result: Result<(), Errno>) -> c_int {
    match result {
        Ok(()) => 0,
        Err(errno) => -errno.to_raw(),
    }
}

/// What a kernel function gave that returns zero for success, or a negative errno.
///
/// # Errors
/// The errno; EIO for a number that is none.
pub fn result(code: c_int) -> Result<(), Errno> {
    match code {
        0 => Ok(()),
        negative => Err(Errno::from_raw(negative.wrapping_neg()).unwrap_or(Errno::EIO)),
    }
}
