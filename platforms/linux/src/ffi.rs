//! Everything that is foreign: the kernel's structures as far as they are read, and the functions of kernel and shim.
//!
//! The numbers in [`offset!`] and [`value!`] lines are the one place where Rust repeats a fact of the kernel's headers.
//! Here each is compared with the Rust side; the script `object` turns the same lines into `static_assert`s, which the
//! shim compiles against the headers of the kernel at hand.

use core::{
    ffi::{c_char, c_int, c_uint, c_void},
    ops::Range,
};

/// The base-2 logarithm of the page size.
pub(super) const PAGE_SHIFT: u32 = 12;

/// `struct page`, opaque.
#[repr(C)]
pub(super) struct page {
    opaque: [u8; 0],
}

/// `struct mm_struct`, opaque.
#[repr(C)]
pub(super) struct mm_struct {
    opaque: [u8; 0],
}

/// The beginning of `struct vm_area_struct`.
#[repr(C)]
pub(super) struct vm_area_struct {
    pub(super) vm_start: usize,
    pub(super) vm_end: usize,
    pub(super) vm_mm: *mut mm_struct,
    pub(super) vm_page_prot: u64,
    pub(super) vm_flags: u64,
    detached: bool,
    vm_lock_seq: c_uint,
    vm_lock: *mut c_void,
    shared: [usize; 4],
    anon_vma_chain: [usize; 2],
    anon_vma: *mut c_void,
    pub(super) vm_ops: *const vm_operations_struct,
    pub(super) vm_pgoff: usize,
    pub(super) vm_file: *mut c_void,
    pub(super) vm_private_data: *mut c_void,
}

impl vm_area_struct {
    pub(super) const fn flags(&self) -> VmFlags {
        VmFlags::from_bits(self.vm_flags)
    }

    /// The pages of the object that it shows.
    pub(super) const fn shown(&self) -> Range<usize> {
        self.vm_pgoff..self.vm_pgoff + ((self.vm_end - self.vm_start) >> PAGE_SHIFT)
    }
}

/// The beginning of `struct vm_fault`.
#[repr(C)]
pub(super) struct vm_fault {
    pub(super) vma: *mut vm_area_struct,
    gfp_mask: c_uint,
    pub(super) pgoff: usize,
    pub(super) address: usize,
    pub(super) real_address: usize,
    pub(super) flags: c_uint,
}

/// `struct vm_operations_struct`, whole: the kernel reads ours.
#[repr(C)]
pub(super) struct vm_operations_struct {
    pub(super) open: Option<unsafe extern "C" fn(*mut vm_area_struct)>,
    pub(super) close: Option<unsafe extern "C" fn(*mut vm_area_struct)>,
    pub(super) may_split: Option<unsafe extern "C" fn(*mut vm_area_struct, usize) -> c_int>,
    pub(super) mremap: Option<unsafe extern "C" fn(*mut vm_area_struct) -> c_int>,
    pub(super) mprotect: Option<unsafe extern "C" fn()>,
    pub(super) fault: Option<unsafe extern "C" fn(*mut vm_fault) -> c_uint>,
    pub(super) huge_fault: Option<unsafe extern "C" fn(*mut vm_fault, c_uint) -> c_uint>,
    pub(super) map_pages: Option<unsafe extern "C" fn(*mut vm_fault, usize, usize) -> c_uint>,
    pub(super) pagesize: Option<unsafe extern "C" fn()>,
    pub(super) page_mkwrite: Option<unsafe extern "C" fn(*mut vm_fault) -> c_uint>,
    pub(super) pfn_mkwrite: Option<unsafe extern "C" fn(*mut vm_fault) -> c_uint>,
    pub(super) access: Option<unsafe extern "C" fn(*mut vm_area_struct, usize, *mut c_void, c_int, c_int) -> c_int>,
    pub(super) name: Option<unsafe extern "C" fn()>,
    pub(super) set_policy: Option<unsafe extern "C" fn()>,
    pub(super) get_policy: Option<unsafe extern "C" fn()>,
    pub(super) find_special_page: Option<unsafe extern "C" fn()>,
}

/// The offset of a structure's field, on both sides.
macro_rules! offset {
    ($structure:ident, $field:ident, $bytes:literal) => {
        const _: () = assert!(core::mem::offset_of!($structure, $field) == $bytes);
    };
}

/// The value of a constant, on both sides.
macro_rules! value {
    ($c:ident, $bits:literal, $rust:expr) => {
        const _: () = assert!($rust as u64 == $bits);
    };
}

offset!(vm_area_struct, vm_start, 0);
offset!(vm_area_struct, vm_end, 8);
offset!(vm_area_struct, vm_mm, 16);
offset!(vm_area_struct, vm_page_prot, 24);
offset!(vm_area_struct, vm_flags, 32);
offset!(vm_area_struct, vm_ops, 112);
offset!(vm_area_struct, vm_pgoff, 120);
offset!(vm_area_struct, vm_private_data, 136);
offset!(vm_fault, vma, 0);
offset!(vm_fault, pgoff, 16);
offset!(vm_fault, address, 24);
offset!(vm_fault, real_address, 32);
offset!(vm_fault, flags, 40);
offset!(vm_operations_struct, open, 0);
offset!(vm_operations_struct, close, 8);
offset!(vm_operations_struct, may_split, 16);
offset!(vm_operations_struct, mremap, 24);
offset!(vm_operations_struct, fault, 40);
offset!(vm_operations_struct, huge_fault, 48);
offset!(vm_operations_struct, map_pages, 56);
offset!(vm_operations_struct, page_mkwrite, 72);
offset!(vm_operations_struct, pfn_mkwrite, 80);
offset!(vm_operations_struct, access, 88);
offset!(vm_operations_struct, find_special_page, 120);

use vmctx::{
    Errno,
    platform::{FaultCode, FaultFlags, VmFlags},
};

/// The orders with which `huge_fault` is called, where there is an entry of that size.
pub(super) const PMD_ORDER: c_uint = 9;
pub(super) const PUD_ORDER: c_uint = 18;

value!(PAGE_SHIFT, 12, PAGE_SHIFT);
value!(PMD_ORDER, 9, PMD_ORDER);
value!(PUD_ORDER, 18, PUD_ORDER);
value!(VM_READ, 0x1, VmFlags::READ.bits());
value!(VM_WRITE, 0x2, VmFlags::WRITE.bits());
value!(VM_EXEC, 0x4, VmFlags::EXEC.bits());
value!(VM_SHARED, 0x8, VmFlags::SHARED.bits());
value!(VM_MAYREAD, 0x10, VmFlags::MAYREAD.bits());
value!(VM_MAYWRITE, 0x20, VmFlags::MAYWRITE.bits());
value!(VM_MAYEXEC, 0x40, VmFlags::MAYEXEC.bits());
value!(VM_MAYSHARE, 0x80, VmFlags::MAYSHARE.bits());
value!(VM_PFNMAP, 0x400, VmFlags::PFNMAP.bits());
value!(VM_IO, 0x4000, VmFlags::IO.bits());
value!(VM_DONTCOPY, 0x20000, VmFlags::DONTCOPY.bits());
value!(VM_DONTEXPAND, 0x40000, VmFlags::DONTEXPAND.bits());
value!(VM_DONTDUMP, 0x4000000, VmFlags::DONTDUMP.bits());
value!(VM_MIXEDMAP, 0x10000000, VmFlags::MIXEDMAP.bits());
value!(VM_ALLOW_ANY_UNCACHED, 0x8000000000, VmFlags::ALLOW_ANY_UNCACHED.bits());
value!(FAULT_FLAG_WRITE, 0x1, FaultFlags::WRITE.bits());
value!(FAULT_FLAG_MKWRITE, 0x2, FaultFlags::MKWRITE.bits());
value!(FAULT_FLAG_ALLOW_RETRY, 0x4, FaultFlags::ALLOW_RETRY.bits());
value!(FAULT_FLAG_RETRY_NOWAIT, 0x8, FaultFlags::RETRY_NOWAIT.bits());
value!(FAULT_FLAG_KILLABLE, 0x10, FaultFlags::KILLABLE.bits());
value!(FAULT_FLAG_TRIED, 0x20, FaultFlags::TRIED.bits());
value!(FAULT_FLAG_USER, 0x40, FaultFlags::USER.bits());
value!(FAULT_FLAG_REMOTE, 0x80, FaultFlags::REMOTE.bits());
value!(FAULT_FLAG_INSTRUCTION, 0x100, FaultFlags::INSTRUCTION.bits());
value!(FAULT_FLAG_INTERRUPTIBLE, 0x200, FaultFlags::INTERRUPTIBLE.bits());
value!(FAULT_FLAG_VMA_LOCK, 0x1000, FaultFlags::VMA_LOCK.bits());
value!(VM_FAULT_OOM, 0x1, FaultCode::OOM.bits());
value!(VM_FAULT_SIGBUS, 0x2, FaultCode::SIGBUS.bits());
value!(VM_FAULT_MAJOR, 0x4, FaultCode::MAJOR.bits());
value!(VM_FAULT_HWPOISON, 0x10, FaultCode::HWPOISON.bits());
value!(VM_FAULT_SIGSEGV, 0x40, FaultCode::SIGSEGV.bits());
value!(VM_FAULT_NOPAGE, 0x100, FaultCode::NOPAGE.bits());
value!(VM_FAULT_LOCKED, 0x200, FaultCode::LOCKED.bits());
value!(VM_FAULT_RETRY, 0x400, FaultCode::RETRY.bits());
value!(VM_FAULT_FALLBACK, 0x800, FaultCode::FALLBACK.bits());
value!(ESRCH, 3, Errno::ESRCH);
value!(EINTR, 4, Errno::EINTR);
value!(ENXIO, 6, Errno::ENXIO);
value!(EAGAIN, 11, Errno::EAGAIN);
value!(ENOMEM, 12, Errno::ENOMEM);
value!(EFAULT, 14, Errno::EFAULT);
value!(EBUSY, 16, Errno::EBUSY);
value!(EINVAL, 22, Errno::EINVAL);
value!(ENOSPC, 28, Errno::ENOSPC);
value!(EDEADLK, 35, Errno::EDEADLK);
value!(EOVERFLOW, 75, Errno::EOVERFLOW);
value!(EHWPOISON, 133, Errno::EHWPOISON);
value!(ERESTARTSYS, 512, Errno::ERESTARTSYS);

unsafe extern "C" {
    // The kernel's own.
    pub(super) fn vm_insert_page(vma: *mut vm_area_struct, address: usize, page: *mut page) -> c_int;
    pub(super) fn vm_insert_pages(
        vma: *mut vm_area_struct,
        address: usize,
        pages: *const *mut page,
        left: *mut usize,
    ) -> c_int;
    pub(super) fn vmf_insert_pfn(vma: *mut vm_area_struct, address: usize, pfn: usize) -> c_uint;
    pub(super) fn zap_page_range_single(vma: *mut vm_area_struct, address: usize, bytes: usize, details: *mut c_void);
    pub(super) fn find_vma(mm: *mut mm_struct, address: usize) -> *mut vm_area_struct;
    pub(super) fn down_read(lock: *mut c_void);
    pub(super) fn down_read_trylock(lock: *mut c_void) -> c_int;
    pub(super) fn up_read(lock: *mut c_void);
    pub(super) fn down_write(lock: *mut c_void);
    pub(super) fn down_write_trylock(lock: *mut c_void) -> c_int;
    pub(super) fn up_write(lock: *mut c_void);
    pub(super) fn memcpy_fromio(to: *mut u8, from: *const u8, bytes: usize);
    pub(super) fn memcpy_toio(to: *mut u8, from: *const u8, bytes: usize);

    // The shim's: what is inline in C, or takes types that are not repeated here.
    pub(super) fn vmctx_alloc_page() -> *mut page;
    pub(super) fn vmctx_get_page(page: *mut page);
    pub(super) fn vmctx_put_page(page: *mut page);
    pub(super) fn vmctx_page_address(page: *mut page) -> *mut u8;
    pub(super) fn vmctx_pfn(page: *mut page) -> usize;
    pub(super) fn vmctx_deliver(fault: *mut vm_fault, page: *mut page);
    pub(super) fn vmctx_fault_page(fault: *mut vm_fault) -> *mut page;
    pub(super) fn vmctx_lock_page(page: *mut page);
    pub(super) fn vmctx_unlock_page(page: *mut page);
    pub(super) fn vmctx_alloc(size: usize, align: usize) -> *mut c_void;
    pub(super) fn vmctx_free(memory: *mut c_void);
    pub(super) fn vmctx_set_cache(vma: *mut vm_area_struct, cache: c_int);
    pub(super) fn vmctx_set_decrypted(vma: *mut vm_area_struct);
    pub(super) fn vmctx_cache_of(vma: *const vm_area_struct) -> c_int;
    pub(super) fn vmctx_tell_of_stores(vma: *mut vm_area_struct);
    pub(super) fn vmctx_entry_there(fault: *mut vm_fault) -> bool;
    pub(super) fn vmctx_store_begin(fault: *mut vm_fault) -> bool;
    pub(super) fn vmctx_store_end(fault: *mut vm_fault, allowed: bool);
    pub(super) fn vmctx_is_only_reference(page: *mut page) -> bool;
    pub(super) fn vmctx_warn_mergeable();
    pub(super) fn vmctx_zap(vma: *mut vm_area_struct);
    pub(super) fn vmctx_refuse(vma: *mut vm_area_struct);
    pub(super) fn vmctx_insert_zero_page(vma: *mut vm_area_struct, address: usize) -> c_int;
    pub(super) fn vmctx_insert_mixed(vma: *mut vm_area_struct, address: usize, pfn: usize) -> c_uint;
    pub(super) fn vmctx_insert_mixed_mkwrite(vma: *mut vm_area_struct, address: usize, pfn: usize) -> c_uint;
    pub(super) fn vmctx_insert_pfn_prot(
        vma: *mut vm_area_struct,
        address: usize,
        pfn: usize,
        cache: c_int,
        decrypted: bool,
    ) -> c_uint;
    pub(super) fn vmctx_remap(vma: *mut vm_area_struct, address: usize, pfn: usize, bytes: usize) -> c_int;
    pub(super) fn vmctx_mkwrite(fault: *mut vm_fault, pfn: usize) -> c_uint;
    pub(super) fn vmctx_has_table(fault: *const vm_fault, address: usize) -> bool;
    pub(super) fn vmctx_insert_huge(fault: *mut vm_fault, pfn: usize) -> c_uint;
    pub(super) fn vmctx_small_begin(vma: *const vm_area_struct, address: usize) -> bool;
    pub(super) fn vmctx_small_end();
    pub(super) fn vmctx_copy_mapped(
        vma: *mut vm_area_struct,
        address: usize,
        bytes: *mut c_void,
        len: c_int,
        write: c_int,
    ) -> c_int;
    pub(super) fn vmctx_release(fault: *mut vm_fault);
    pub(super) fn vmctx_rwsem_new() -> *mut c_void;
    pub(super) fn vmctx_rwsem_free(lock: *mut c_void);
    pub(super) fn vmctx_mutex_new() -> *mut c_void;
    pub(super) fn vmctx_mutex_free(lock: *mut c_void);
    pub(super) fn vmctx_mutex_lock(lock: *mut c_void);
    pub(super) fn vmctx_mutex_trylock(lock: *mut c_void) -> bool;
    pub(super) fn vmctx_mutex_unlock(lock: *mut c_void);
    pub(super) fn vmctx_spinlock_new() -> *mut c_void;
    pub(super) fn vmctx_spinlock_free(lock: *mut c_void);
    pub(super) fn vmctx_spin_lock(lock: *mut c_void);
    pub(super) fn vmctx_spin_trylock(lock: *mut c_void) -> bool;
    pub(super) fn vmctx_spin_unlock(lock: *mut c_void);
    pub(super) fn vmctx_mappings_new() -> *mut c_void;
    pub(super) fn vmctx_mappings_get(mappings: *mut c_void);
    pub(super) fn vmctx_mappings_put(mappings: *mut c_void);
    pub(super) fn vmctx_mappings_attach(mappings: *mut c_void, file: *mut c_void);
    pub(super) fn vmctx_mappings_have(mappings: *const c_void, vma: *const vm_area_struct) -> bool;
    pub(super) fn vmctx_mappings_unmap(mappings: *mut c_void, first: usize, count: usize);
    pub(super) fn vmctx_current_mm() -> *mut mm_struct;
    pub(super) fn vmctx_mm_grab(mm: *mut mm_struct);
    pub(super) fn vmctx_mm_drop(mm: *mut mm_struct);
    pub(super) fn vmctx_mm_lock(mm: *mut mm_struct, wait: bool) -> c_int;
    pub(super) fn vmctx_mm_unlock(mm: *mut mm_struct);
    pub(super) fn vmctx_queue_new() -> *mut c_void;
    pub(super) fn vmctx_queue_free(queue: *mut c_void);
    pub(super) fn vmctx_queue_wakes(queue: *const c_void) -> u64;
    pub(super) fn vmctx_queue_wake(queue: *mut c_void);
    pub(super) fn vmctx_queue_wait(queue: *mut c_void, since: u64) -> c_int;
    pub(super) fn vmctx_panic(
        message: *const c_char,
        length: usize,
        file: *const c_char,
        file_length: usize,
        line: c_uint,
    ) -> !;
}
