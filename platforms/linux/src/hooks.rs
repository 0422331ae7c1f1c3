//! The kernel's hooks: a table for each driver's operations, and what `f_op->mmap` calls.

use core::{
    ffi::{c_int, c_uint, c_void},
    mem::ManuallyDrop,
    ptr,
};

use vmctx::{
    Errno, HugeSize, MmapFile, PageOffset, PageRange, Platform, VmOperations, entry,
    kind::{Kind, KindValue},
    platform::{FaultCode, VmFlags},
};

use crate::{
    accessed::{LinuxAccessedVma, buffer},
    errno::code,
    fault::LinuxFault,
    ffi,
    linux::Linux,
    shared::{AnyState, LinuxRef},
    vma::LinuxVma,
};

/// The `vm_ops` of `V`.
pub(super) struct Table<V>(V);

impl<V: VmOperations<Platform = Linux>> Table<V> {
    pub(super) const OPS: ffi::vm_operations_struct = ffi::vm_operations_struct {
        open: Some(open),
        close: Some(close),
        may_split: match V::HOOKS.registered_may_split() {
            Some(_) => Some(may_split::<V>),
            None => None,
        },
        mremap: match V::HOOKS.registered_open() {
            Some(_) => Some(mremap),
            None => None,
        },
        // `pte_modify` of arm64 takes the mapping's cache attribute for that of each page.
        mprotect: match V::Kind::KIND {
            KindValue::PfnMap if cfg!(target_arch = "aarch64") => Some(ffi::vmctx_mprotect),
            _ => None,
        },
        fault: Some(fault::<V>),
        huge_fault: match V::HOOKS.registered_huge_fault() {
            Some(_) => Some(huge_fault::<V>),
            None => None,
        },
        map_pages: match V::HOOKS.registered_map_pages() {
            Some(_) => Some(map_pages::<V>),
            None => None,
        },
        page_mkwrite: match V::HOOKS.registered_page_mkwrite() {
            Some(_) => Some(page_mkwrite::<V>),
            None => None,
        },
        pfn_mkwrite: match V::HOOKS.registered_pfn_mkwrite() {
            Some(_) => Some(pfn_mkwrite::<V>),
            None => None,
        },
        access: match V::HOOKS.registered_access() {
            Some(_) => Some(access::<V>),
            None => None,
        },
        ..ffi::vm_operations_struct::NOTHING
    };
}

/// The `vm_ops` of a VMA whose [open hook](vmctx::Hooks::open) has failed: it holds its reference, and shows nothing.
static REFUSED: ffi::vm_operations_struct = ffi::vm_operations_struct {
    open: Some(open_refused),
    close: Some(close_refused),
    fault: Some(fault_refused),
    ..ffi::vm_operations_struct::NOTHING
};

/// Whether a VMA with these operations is a mapping that was established, and not refused since. Its `vm_private_data`
/// is then a state.
pub(super) fn are_ours(ops: &ffi::vm_operations_struct) -> bool {
    let ours: unsafe extern "C" fn(*mut ffi::vm_area_struct) = open;
    ops.open.is_some_and(|theirs| ptr::fn_addr_eq(theirs, ours))
}

/// A bitwise copy of the reference that the VMA holds.
///
/// # Safety
/// The VMA was established with a state of `V`, and holds its reference for as long as the copy is used.
unsafe fn state<V: VmOperations<Platform = Linux>>(vma: *mut ffi::vm_area_struct) -> ManuallyDrop<LinuxRef<V>> {
    // SAFETY: by this function's contract.
    ManuallyDrop::new(unsafe { LinuxRef::from_raw((*vma).vm_private_data) })
}

/// The state that the VMA holds, of whatever type.
///
/// # Safety
/// The VMA was established, and holds its reference for as long as the state is used.
unsafe fn any_state(vma: *mut ffi::vm_area_struct) -> AnyState {
    // SAFETY: by this function's contract.
    unsafe { AnyState::of_vma((*vma).vm_private_data) }
}

unsafe extern "C" fn fault<V: VmOperations<Platform = Linux>>(vmf: *mut ffi::vm_fault) -> c_uint {
    // SAFETY: the kernel calls this for a fault in a VMA whose `vm_ops` is V's table, with the fault's lock held.
    let code = unsafe { entry::fault::<V>(&state::<V>((*vmf).vma), LinuxFault(vmf)) };
    if code.intersects(FaultCode::ERROR) {
        // SAFETY: an error is answered with the fault's lock held.
        return unsafe { failed(vmf, code.bits()) };
    }
    if V::HOOKS.registered_pfn_mkwrite().is_some() && code.contains(FaultCode::NOPAGE) {
        // SAFETY: as before; the code says that the lock was kept.
        return unsafe { tell_of_store::<V>(vmf, code) }.bits();
    }
    code.bits()
}

/// The answer to a fault for which the fault hook had an error: that, or the access is to be repeated. Whoever copies a
/// page, or changes an entry, clears it for a moment, and a fault that comes then has an entry that the driver knows
/// nothing of. Without a fault hook the kernel looks once more itself (`do_fault`).
///
/// Last in its caller, which jumps here and has nothing to keep until this returns.
///
/// # Safety
/// The kernel has called `vm_ops->fault` for this fault, and its lock is held.
#[cold]
#[inline(never)]
unsafe extern "C" fn failed(vmf: *mut ffi::vm_fault, code: c_uint) -> c_uint {
    // SAFETY: by this function's contract.
    if unsafe { ffi::vmctx_entry_there(vmf) } { FaultCode::NOPAGE.bits() } else { code }
}

/// The fault hook has inserted. A store that finds a frame there of which `pfn_mkwrite` is to be told asks it in the same
/// fault, and then the entry is writable. Without this the access would come back and ask in a second fault, and whoever
/// faults once for a user and then looks at the entry, as KVM does (`hva_to_pfn_remapped`), would find it read-only.
///
/// # Safety
/// The kernel has called `vm_ops->fault` of V's table for this fault, and its lock is held.
unsafe fn tell_of_store<V: VmOperations<Platform = Linux>>(vmf: *mut ffi::vm_fault, inserted: FaultCode) -> FaultCode {
    // SAFETY: by this function's contract.
    if !unsafe { ffi::vmctx_store_begin(vmf) } {
        return inserted;
    }
    // SAFETY: as for `fault`; the fault is a store's now that has met an entry.
    let told = unsafe { entry::pfn_mkwrite::<V>(&state::<V>((*vmf).vma), LinuxFault(vmf)) };
    let allowed = !told.intersects(FaultCode::ERROR | FaultCode::NOPAGE);
    // SAFETY: `vmctx_store_begin` has said yes for this fault, and has not been ended since.
    unsafe { ffi::vmctx_store_end(vmf, allowed) };
    if told.intersects(FaultCode::ERROR) { told } else { inserted | told }
}

unsafe extern "C" fn page_mkwrite<V: VmOperations<Platform = Linux>>(vmf: *mut ffi::vm_fault) -> c_uint {
    // SAFETY: as for `fault`.
    unsafe { entry::page_mkwrite::<V>(&state::<V>((*vmf).vma), LinuxFault(vmf)) }.bits()
}

unsafe extern "C" fn pfn_mkwrite<V: VmOperations<Platform = Linux>>(vmf: *mut ffi::vm_fault) -> c_uint {
    // SAFETY: as for `fault`.
    unsafe { entry::pfn_mkwrite::<V>(&state::<V>((*vmf).vma), LinuxFault(vmf)) }.bits()
}

unsafe extern "C" fn huge_fault<V: VmOperations<Platform = Linux>>(vmf: *mut ffi::vm_fault, order: c_uint) -> c_uint {
    let size = match order {
        ffi::HUGE_FAULT_PMD => HugeSize::Pmd,
        ffi::HUGE_FAULT_PUD => HugeSize::Pud,
        _ => return FaultCode::FALLBACK.bits(),
    };
    // SAFETY: as for `fault`.
    unsafe { entry::huge_fault::<V>(&state::<V>((*vmf).vma), LinuxFault(vmf), size) }.bits()
}

/// `first` and `last` are page offsets of the object's.
unsafe extern "C" fn map_pages<V: VmOperations<Platform = Linux>>(
    vmf: *mut ffi::vm_fault,
    first: usize,
    last: usize,
) -> c_uint {
    let window = PageRange::new(PageOffset::new(first), PageOffset::new(last.saturating_add(1)));
    // SAFETY: as for `fault`; under RCU beside, where the token has nothing that sleeps.
    unsafe { entry::map_pages::<V>(&state::<V>((*vmf).vma), LinuxFault(vmf), window) }.bits()
}

/// How many bytes were copied, or a negative errno. `bytes` is the kernel's own memory.
unsafe extern "C" fn access<V: VmOperations<Platform = Linux>>(
    vma: *mut ffi::vm_area_struct,
    address: usize,
    bytes: *mut c_void,
    len: c_int,
    write: c_int,
) -> c_int {
    // SAFETY: the kernel calls this for a VMA whose `vm_ops` is V's table, with its mmap lock held for read
    // (`__access_remote_vm`), and with as many bytes of its own.
    let copied = unsafe {
        let buffer = buffer(bytes, len, write != 0);
        entry::access::<V>(&state::<V>(vma), &LinuxAccessedVma(vma), address, buffer)
    };
    match copied {
        Ok(copied) => c_int::try_from(copied).unwrap_or(len),
        Err(errno) => code(Err(errno)),
    }
}

/// fork, split or move has copied the VMA, and with it the pointer to the state: it gets a reference of its own, unless
/// the driver's hook refuses.
///
/// This function's address is what mappings of ours are known by, so there has to be one of it.
#[inline(never)]
unsafe extern "C" fn open(vma: *mut ffi::vm_area_struct) {
    // SAFETY: the VMA that was copied from still has its reference. Nobody else sees the new one yet.
    let state = unsafe { any_state(vma) };
    state.acquire();
    if state.open().is_err() {
        // SAFETY: the kernel calls this with the mmap lock held for write, and looks at the operations anew later.
        unsafe { (*vma).vm_ops = &REFUSED };
        // SAFETY: as before; this is a call of `vm_ops->open`.
        unsafe { ffi::vmctx_refuse(vma) };
    }
}

/// The VMA's pages are gone; so is its reference.
unsafe extern "C" fn close(vma: *mut ffi::vm_area_struct) {
    // SAFETY: the kernel calls this once for a VMA, when nothing is mapped through it any more.
    let state = unsafe { any_state(vma) };
    state.close();
    // SAFETY: the reference is the VMA's, for which no hook is called any more.
    unsafe { state.release() };
}

/// A move has made a new VMA, and its pages are there already: unless it was refused, that is that. Where it was, the
/// kernel takes everything back.
unsafe extern "C" fn mremap(new: *mut ffi::vm_area_struct) -> c_int {
    // SAFETY: the kernel holds the mmap lock for write.
    let refused = ptr::eq(unsafe { (*new).vm_ops }, &raw const REFUSED);
    code(if refused { Err(Errno::ENOMEM) } else { Ok(()) })
}

unsafe extern "C" fn open_refused(vma: *mut ffi::vm_area_struct) {
    // SAFETY: as in `open`.
    unsafe { any_state(vma) }.acquire();
}

unsafe extern "C" fn close_refused(vma: *mut ffi::vm_area_struct) {
    // SAFETY: as in `close`.
    unsafe { any_state(vma).release() };
}

unsafe extern "C" fn fault_refused(_: *mut ffi::vm_fault) -> c_uint {
    FaultCode::SIGBUS.bits()
}

unsafe extern "C" fn may_split<V: VmOperations<Platform = Linux>>(
    vma: *mut ffi::vm_area_struct,
    address: usize,
) -> c_int {
    // SAFETY: the lock is held for write, the VMA keeps its reference.
    let (state, skipped, pgoff) = unsafe { (state::<V>(vma), address - (*vma).vm_start, (*vma).vm_pgoff) };
    let at = PageOffset::new(pgoff + (skipped >> Linux::PAGE_SHIFT));
    code(entry::may_split::<V>(&state, at))
}

/// Serves one mmap of `driver`: what a module's `f_op->mmap` calls, with the `struct file` that it was called for.
/// Zero, or a negative errno: EINVAL also if the VMA keeps another file open than that one, because frames are borrowed
/// from the driver's for as long as the VMA is there.
///
/// Of a driver's own type everything is inlined; a module that serves several may have them as `dyn MmapFile`.
///
/// # Safety
/// `vma` is the kernel's `struct vm_area_struct` in a call of `f_op->mmap` for `file`, a `struct file` that keeps
/// `driver` alive until it is released.
pub unsafe fn mmap<F: MmapFile<Platform = Linux> + ?Sized>(driver: &F, file: *const c_void, vma: *mut c_void) -> c_int {
    let mut vma = LinuxVma { raw: vma.cast(), state: None };
    // Before the driver's hook, so that a loop in that one has nothing to keep for it.
    if !ptr::eq(vma.get().vm_file, file) {
        return code(Err(Errno::EINVAL));
    }
    // SAFETY: by this function's contract.
    match unsafe { entry::mmap(driver, &mut vma) } {
        Ok(()) => 0,
        Err(errno) => abandon(vma, errno),
    }
}

/// Puts V's table and the state into the VMA, if the kernel does not merge it with its neighbours and the open hook
/// agrees. The kernel calls no `open` for the VMA that mmap makes, but calls `close` for it, also if the mmap fails after
/// its hook.
pub(super) fn establish<V: VmOperations<Platform = Linux>>(
    vma: &mut LinuxVma,
    state: LinuxRef<V>,
) -> Result<(), Errno> {
    if !vma.get().flags().intersects(VmFlags::SPECIAL) {
        // SAFETY: no preconditions.
        unsafe { ffi::vmctx_warn_mergeable() };
        return Err(Errno::EINVAL);
    }
    V::HOOKS.registered_open().map_or(Ok(()), |hook| hook(&state))?;
    let state = state.into_state();
    // SAFETY: by the VMA's invariant.
    let raw = unsafe { &mut *vma.raw };
    raw.vm_private_data = state.as_raw();
    raw.vm_ops = &Table::<V>::OPS;
    if V::HOOKS.is_told_of_stores() {
        // SAFETY: as before.
        unsafe { ffi::vmctx_tell_of_stores(vma.raw) };
    }
    vma.state = Some(state);
    Ok(())
}

/// Takes away what was inserted, then closes the VMA and drops the state. After an error the kernel calls no hook of the
/// VMA any more. The answer is that error.
///
/// Last in its caller, which jumps here and has nothing to keep until this returns.
#[cold]
#[inline(never)]
fn abandon(mut vma: LinuxVma, errno: Errno) -> c_int {
    // SAFETY: the value exists only while the VMA is being made, with its lock held for write.
    unsafe { ffi::vmctx_zap(vma.raw) };
    if let Some(state) = vma.state.take() {
        state.close();
        // SAFETY: the state was established, and nothing is mapped any more. This is the only call.
        unsafe { state.release() };
    }
    code(Err(errno))
}
