//! A real kernel: hooks of a Linux module, without `CONFIG_RUST`.
//!
//! A module is a C shim, which the kernel's own build system compiles, and a Rust static library that links this crate
//! with the feature `linux`. The shim exports the few functions that are inline in C (`linux/vmctx.h` names them,
//! `linux/vmctx.c` is them); everything else is called directly. The page `linux` of the guide has the smallest module
//! whole.
//!
//! [`mmap`] is what the module's `f_op->mmap` calls. Faults, fork, split and close come by themselves: the platform
//! installs a `vm_operations_struct` for each driver.
//!
//! The layout of the three structures that are read, and every constant, is compared with the kernel's headers when the
//! shim is compiled. 6.12 on x86-64 is the tested version; a kernel that differs is a compile error, not a surprise.

#![expect(unsafe_code, reason = "the kernel is foreign")]

mod ffi;
mod hooks;
mod memory;
mod queue;
mod runtime;

use core::ops::Range;

use crate::{
    Errno, FrameRange, PageOffset, PageProt, Platform, VmOperations,
    platform::{Cache, FaultCode, FaultFlags, VmFlags},
};

pub use hooks::{code, mmap, result};
pub use memory::{LinuxIomem, LinuxPage, LinuxRef};
pub use queue::LinuxWaitQueue;
pub use runtime::{KernelAllocator, panic};

/// The platform.
pub enum Linux {}

/// A VMA in a call of `f_op->mmap`.
///
/// # Invariants
/// The pointer is the kernel's, the mmap lock is held for write, and the VMA is not yet visible to anybody else.
pub struct LinuxVma {
    raw: *mut ffi::vm_area_struct,
    // What drops the state, once one is established.
    close: Option<unsafe extern "C" fn(*mut ffi::vm_area_struct)>,
}

impl LinuxVma {
    fn get(&self) -> &ffi::vm_area_struct {
        // SAFETY: by the invariant.
        unsafe { &*self.raw }
    }
}

/// A fault in a call of `vm_ops->fault`.
///
/// # Invariants
/// The pointer is the kernel's, and a lock of the VMA's is held until [`release`](Platform::release).
pub struct LinuxFault(*mut ffi::vm_fault);

impl LinuxFault {
    fn get(&self) -> &ffi::vm_fault {
        // SAFETY: by the invariant; the `vm_fault` is on the stack of the kernel function that is calling.
        unsafe { &*self.0 }
    }

    fn vma(&self) -> &ffi::vm_area_struct {
        // SAFETY: by the invariant. After `release` the tokens leave nothing that asks.
        unsafe { &*self.get().vma }
    }
}

// SAFETY: `LinuxVma` and `LinuxFault` are made by `hooks` alone, in calls of the kernel's hooks. `LinuxRef` is one
// allocation with a count. The state is dropped by `close`, which the kernel calls after the pages are gone, or by
// `abandon`, after it has zapped. Pages are inserted with references of their own by the kernel's functions, whose
// `BUG_ON`s are excluded by the flags that the kinds set: docs/linux.md goes through them one by one.
unsafe impl Platform for Linux {
    const PAGE_SHIFT: u32 = 12;
    type Page = LinuxPage;
    type Memory = ();
    type Iomem = LinuxIomem;
    type WaitQueue = LinuxWaitQueue;
    type Ref<T: Send + Sync + 'static> = LinuxRef<T>;
    type Vma = LinuxVma;
    type Fault = LinuxFault;

    fn share<T: Send + Sync + 'static>(value: T) -> Result<LinuxRef<T>, Errno> {
        LinuxRef::new(value)
    }

    fn alloc_page((): &()) -> Result<LinuxPage, Errno> {
        LinuxPage::alloc()
    }

    fn vma_range(vma: &LinuxVma) -> Range<usize> {
        vma.get().vm_start..vma.get().vm_end
    }

    fn vma_pgoff(vma: &LinuxVma) -> PageOffset {
        PageOffset::new(vma.get().vm_pgoff)
    }

    fn vma_flags(vma: &LinuxVma) -> VmFlags {
        vma.get().flags()
    }

    fn vma_change_flags(vma: &mut LinuxVma, set: VmFlags, clear: VmFlags) {
        let flags = (vma.get().vm_flags | set.bits() as usize) & !(clear.bits() as usize);
        // SAFETY: by the VMA's invariant. This is `vm_flags_init`, the one for a VMA that is not in the tree: nobody
        // else can have it locked, and `mmap_region` locks it when it enters it.
        unsafe { (*vma.raw).vm_flags = flags };
    }

    fn vma_set_cache(vma: &mut LinuxVma, cache: Cache) {
        // SAFETY: by the VMA's invariant.
        unsafe { ffi::vmctx_set_cache(vma.raw, cache as i32) };
    }

    fn establish<V: VmOperations<Platform = Self>>(vma: &mut LinuxVma, state: LinuxRef<V>) {
        hooks::establish(vma, state);
    }

    fn abandon(vma: &mut LinuxVma) {
        hooks::abandon(vma);
    }

    fn vm_insert_page(vma: &mut LinuxVma, address: usize, page: &LinuxPage) -> Result<(), Errno> {
        // SAFETY: by the VMA's invariant; VM_MIXEDMAP is set, and the page is fit for it.
        result(unsafe { ffi::vm_insert_page(vma.raw, address, page.as_ptr()) })
    }

    fn vm_insert_pages(vma: &mut LinuxVma, address: usize, pages: &[LinuxPage]) -> Result<(), (Errno, usize)> {
        let mut left = pages.len();
        // SAFETY: as for one page; a `LinuxPage` is a `struct page *`, and the kernel does not change the array.
        let code = unsafe { ffi::vm_insert_pages(vma.raw, address, pages.as_ptr().cast(), &mut left) };
        result(code).map_err(|errno| (errno, pages.len().saturating_sub(left)))
    }

    fn vm_insert_zero_page(vma: &mut LinuxVma, address: usize) -> Result<(), Errno> {
        // SAFETY: as for `vm_insert_page`; the kernel knows its zero page.
        result(unsafe { ffi::vmctx_insert_zero_page(vma.raw, address) })
    }

    fn vm_insert_mixed(vma: &mut LinuxVma, address: usize, pfn: u64) -> Result<(), Errno> {
        // SAFETY: by the VMA's invariant; VM_MIXEDMAP is set.
        let code = FaultCode::from_bits(unsafe { ffi::vmctx_insert_mixed(vma.raw, address, frame(pfn)) });
        if code.contains(FaultCode::OOM) {
            Err(Errno::ENOMEM)
        } else if code.intersects(FaultCode::ERROR) {
            Err(Errno::EINVAL)
        } else {
            Ok(())
        }
    }

    fn remap_pfn_range(vma: &mut LinuxVma, address: usize, frames: FrameRange<'_, Self>) -> Result<(), Errno> {
        let bytes = frames.count().get() << Self::PAGE_SHIFT;
        // SAFETY: by the VMA's invariant; the range fits it and is empty, since slots are filled in order.
        result(unsafe { ffi::vmctx_remap(vma.raw, address, frame(frames.first().pfn()), bytes) })
    }

    fn fault_address(fault: &LinuxFault) -> usize {
        fault.get().real_address
    }

    fn fault_pgoff(fault: &LinuxFault) -> PageOffset {
        PageOffset::new(fault.get().pgoff)
    }

    fn fault_flags(fault: &LinuxFault) -> FaultFlags {
        FaultFlags::from_bits(fault.get().flags)
    }

    fn fault_vma_range(fault: &LinuxFault) -> Range<usize> {
        fault.vma().vm_start..fault.vma().vm_end
    }

    fn fault_vma_pgoff(fault: &LinuxFault) -> PageOffset {
        PageOffset::new(fault.vma().vm_pgoff)
    }

    fn fault_vma_flags(fault: &LinuxFault) -> VmFlags {
        fault.vma().flags()
    }

    fn fault_page_prot(fault: &LinuxFault) -> PageProt {
        // SAFETY: by the fault's invariant.
        let cache = match unsafe { ffi::vmctx_cache_of(fault.vma()) } {
            0 => Cache::WriteBack,
            1 => Cache::WriteCombine,
            _ => Cache::Noncached,
        };
        PageProt::of_vma(fault.vma().flags().contains(VmFlags::WRITE), cache)
    }

    fn vmf_insert_page(fault: &LinuxFault, address: usize, page: &LinuxPage) -> FaultCode {
        // What is written out here is `result`, for the errnos that a fault tells apart.
        const EBUSY: i32 = -Errno::EBUSY.to_raw();
        const ENOMEM: i32 = -Errno::ENOMEM.to_raw();
        // SAFETY: by the fault's invariant; VM_MIXEDMAP was set at mmap, and the page is fit for it.
        FaultCode::from_insertion(match unsafe { ffi::vm_insert_page(fault.get().vma, address, page.as_ptr()) } {
            0 => Ok(()),
            EBUSY => Err(Errno::EBUSY),
            ENOMEM => Err(Errno::ENOMEM),
            _ => Err(Errno::EINVAL),
        })
    }

    fn vmf_insert_zero_page(fault: &LinuxFault, address: usize) -> FaultCode {
        // SAFETY: as for `vmf_insert_page`.
        FaultCode::from_insertion(result(unsafe { ffi::vmctx_insert_zero_page(fault.get().vma, address) }))
    }

    fn vmf_insert_pfn(fault: &LinuxFault, address: usize, pfn: u64, prot: Option<PageProt>) -> FaultCode {
        let vma = fault.get().vma;
        // SAFETY: by the fault's invariant; VM_PFNMAP was set at mmap, where a copy-on-write mapping was refused.
        FaultCode::from_bits(unsafe {
            match prot {
                None => ffi::vmf_insert_pfn(vma, address, frame(pfn)),
                Some(prot) => {
                    ffi::vmctx_insert_pfn_prot(vma, address, frame(pfn), prot.is_writable(), prot.cache() as i32)
                }
            }
        })
    }

    // `mkwrite` makes no difference yet. Linux's `vmf_insert_mixed_mkwrite` WARNs if another frame is in place, which a
    // driver's race can bring about; and as long as no hook asks to be told of first stores, an entry of a shared
    // writable mapping is writable when it is inserted, or becomes so by the next store without anybody's help.
    fn vmf_insert_mixed(fault: &LinuxFault, address: usize, pfn: u64, _mkwrite: bool) -> FaultCode {
        // SAFETY: by the fault's invariant; VM_MIXEDMAP was set at mmap.
        FaultCode::from_bits(unsafe { ffi::vmctx_insert_mixed(fault.get().vma, address, frame(pfn)) })
    }

    fn deliver(fault: &LinuxFault, page: LinuxPage) {
        // SAFETY: by the fault's invariant; the reference goes along.
        unsafe { ffi::vmctx_deliver(fault.0, page.into_raw()) };
    }

    fn lock_page(_: &LinuxFault, page: &LinuxPage) {
        // SAFETY: a fault may sleep.
        unsafe { ffi::vmctx_lock_page(page.as_ptr()) };
    }

    fn unlock_page(_: &LinuxFault, page: &LinuxPage) {
        // SAFETY: it was locked by `lock_page`.
        unsafe { ffi::vmctx_unlock_page(page.as_ptr()) };
    }

    fn release(fault: &LinuxFault) {
        // SAFETY: by the fault's invariant the lock is held, and RETRY is now the answer.
        unsafe { ffi::vmctx_release(fault.0) };
    }

    fn wait(_: &LinuxFault, queue: &LinuxWaitQueue, wakes: u64) -> Result<(), Errno> {
        queue.wait(wakes)
    }
}

/// A frame number as the kernel's functions take it.
#[expect(clippy::cast_possible_truncation, reason = "an `unsigned long` is 64 bits wide here")]
const fn frame(pfn: u64) -> usize {
    pfn as usize
}
