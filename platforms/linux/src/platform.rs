//! The raw operations, each on what of the kernel does it.

use core::ops::Range;

use vmctx::{
    Errno, FrameRange, HugeSize, MaySleep, PageCount, PageOffset, PageProt, Platform, UserAddr, VmOperations,
    platform::{Cache, FaultCode, FaultFlags, VmFlags},
};

use crate::{
    errno::result,
    established::{LinuxEstablishedVma, LinuxHandle},
    fault::LinuxFault,
    ffi, hooks,
    linux::Linux,
    lock::{LinuxMutex, LinuxRwLock, LinuxSpinLock},
    memory::{LinuxIomem, LinuxPage},
    object::LinuxObject,
    queue::LinuxWaitQueue,
    shared::LinuxRef,
    vma::LinuxVma,
};

// SAFETY: `LinuxVma` and `LinuxFault` are made by `hooks` alone, in calls of the kernel's hooks, and a
// `LinuxEstablishedVma` by `established`, with the mmap lock. `LinuxRef` is one allocation with a count. The state is
// dropped by `close`, which the kernel calls after the pages are gone, or by `abandon`, after it has zapped. Pages are
// inserted with references of their own by the kernel's functions, whose `BUG_ON`s are excluded by the flags that the
// kinds set, and by what the shim looks at first: docs/linux.md goes through them one by one.
unsafe impl Platform for Linux {
    const PAGE_SHIFT: u32 = ffi::PAGE_SHIFT;
    type Page = LinuxPage;
    type Memory = ();
    type Iomem = LinuxIomem;
    type WaitQueue = LinuxWaitQueue;
    type RwLock<T: Send + Sync + 'static> = LinuxRwLock<T>;
    type Mutex<T: Send + 'static> = LinuxMutex<T>;
    type SpinLock<T: Send + 'static> = LinuxSpinLock<T>;
    type Object = LinuxObject;
    type Handle = LinuxHandle;
    /// The process of the calling thread.
    type Caller = ();
    type EstablishedVma = LinuxEstablishedVma;
    type Ref<T: Send + Sync + 'static> = LinuxRef<T>;
    type Vma = LinuxVma;
    type Fault = LinuxFault;

    fn share<T: Send + Sync + 'static>(value: T, _: MaySleep<'_>) -> Result<LinuxRef<T>, Errno> {
        LinuxRef::new(value)
    }

    fn alloc_page((): &(), _: MaySleep<'_>) -> Result<LinuxPage, Errno> {
        LinuxPage::alloc()
    }

    fn is_only_reference(page: &LinuxPage) -> bool {
        // SAFETY: the value holds a reference, so the page is there.
        unsafe { ffi::vmctx_is_only_reference(page.as_ptr()) }
    }

    fn page_pfn(page: &LinuxPage) -> u64 {
        page.pfn() as u64
    }

    fn new_object(_: MaySleep<'_>) -> Result<LinuxObject, Errno> {
        LinuxObject::new()
    }

    fn unmap_mapping_range(mappings: &LinuxObject, first: PageOffset, count: PageCount, _: MaySleep<'_>) {
        mappings.unmap(first, count);
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
        let flags = (vma.get().vm_flags | (set.bits() & !ffi::FLAGS_ABSENT)) & !clear.bits();
        // SAFETY: by the VMA's invariant. This is `vm_flags_init`, the one for a VMA that is not in the tree: nobody
        // else can have it locked, and `mmap_region` locks it when it enters it.
        unsafe { (*vma.raw).vm_flags = flags };
    }

    fn vma_set_cache(vma: &mut LinuxVma, cache: Cache) {
        // SAFETY: by the VMA's invariant.
        unsafe { ffi::vmctx_set_cache(vma.raw, cache as i32) };
    }

    fn vma_set_decrypted(vma: &mut LinuxVma) {
        // SAFETY: by the VMA's invariant.
        unsafe { ffi::vmctx_set_decrypted(vma.raw) };
    }

    fn establish<V: VmOperations<Platform = Self>>(vma: &mut LinuxVma, state: LinuxRef<V>) -> Result<(), Errno> {
        hooks::establish(vma, state)
    }

    fn vma_is_of(vma: &LinuxVma, object: &LinuxObject) -> bool {
        // SAFETY: by the VMA's invariant its mmap lock is held.
        unsafe { object.have(vma.get()) }
    }

    fn vma_tells_of_stores(vma: &mut LinuxVma) -> Result<(), Errno> {
        // SAFETY: by the VMA's invariant.
        unsafe { ffi::vmctx_tell_of_stores(vma.raw) };
        Ok(())
    }

    fn vma_handle(vma: &LinuxVma) -> Option<LinuxHandle> {
        // SAFETY: by the VMA's invariant; it holds the state's reference.
        vma.state.and_then(|state| unsafe { LinuxHandle::new(vma.get(), state) })
    }

    fn vm_insert_page(vma: &mut LinuxVma, address: usize, page: &LinuxPage) -> Result<(), Errno> {
        // SAFETY: by the VMA's invariant; VM_MIXEDMAP is set, and the page is fit for it.
        result(unsafe { ffi::vm_insert_page(vma.raw, address, page.as_ptr()) })
    }

    fn vm_insert_pages(vma: &mut LinuxVma, address: usize, pages: &[LinuxPage]) -> Result<(), (Errno, usize)> {
        // SAFETY: as for one page.
        unsafe { insert_pages(vma.raw, address, pages) }
    }

    fn vm_insert_zero_page(vma: &mut LinuxVma, address: usize) -> Result<(), Errno> {
        // SAFETY: as for `vm_insert_page`; the kernel knows its zero page.
        result(unsafe { ffi::vmctx_insert_zero_page(vma.raw, address) })
    }

    fn vm_insert_mixed(vma: &mut LinuxVma, address: usize, pfn: u64) -> Result<(), Errno> {
        // SAFETY: by the VMA's invariant; VM_MIXEDMAP is set.
        inserted(FaultCode::from_bits(unsafe { ffi::vmctx_insert_mixed(vma.raw, address, frame(pfn)) }))
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
        fault.flags()
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

    /// `vm_insert_pages` takes the page table's lock once for eight pages. It stops at a slot that is filled, and at a
    /// page that may not be mapped, so it is called again for those behind.
    fn vmf_insert_pages(fault: &LinuxFault, address: usize, pages: &[LinuxPage]) -> usize {
        let (mut done, mut inserted) = (0_usize, 0_usize);
        while let Some(rest) = pages.get(done..).filter(|rest| !rest.is_empty()) {
            // The slots lie inside the VMA, so this does not wrap.
            let next = address.wrapping_add(done << Self::PAGE_SHIFT);
            // SAFETY: by the fault's invariant its lock is held; VM_MIXEDMAP was set at mmap, and the pages are fit for
            // it.
            let (errno, more) = match unsafe { insert_pages(fault.get().vma, next, rest) } {
                Ok(()) => return inserted.saturating_add(rest.len()),
                Err(stopped) => stopped,
            };
            inserted = inserted.saturating_add(more);
            if errno == Errno::ENOMEM {
                break;
            }
            done = done.saturating_add(more).saturating_add(1);
        }
        inserted
    }

    fn vmf_insert_zero_page(fault: &LinuxFault, address: usize) -> FaultCode {
        // SAFETY: as for `vmf_insert_page`.
        FaultCode::from_insertion(result(unsafe { ffi::vmctx_insert_zero_page(fault.get().vma, address) }))
    }

    fn vmf_insert_pfn(fault: &LinuxFault, address: usize, pfn: u64, prot: Option<PageProt>) -> FaultCode {
        let vma = fault.get().vma;
        // SAFETY: by the fault's invariant.
        unsafe {
            beside_huge(vma, address, || match prot {
                // SAFETY: VM_PFNMAP was set at mmap, where a copy-on-write mapping was refused.
                None => ffi::vmf_insert_pfn(vma, address, frame(pfn)),
                Some(prot) => {
                    let (cache, decrypted) = (prot.cache() as i32, prot.is_decrypted());
                    ffi::vmctx_insert_pfn_prot(vma, address, frame(pfn), cache, decrypted)
                }
            })
        }
    }

    fn vmf_insert_mixed(fault: &LinuxFault, address: usize, pfn: u64, mkwrite: bool) -> FaultCode {
        let vma = fault.get().vma;
        // SAFETY: by the fault's invariant; VM_MIXEDMAP was set at mmap.
        FaultCode::from_bits(unsafe {
            if mkwrite {
                ffi::vmctx_insert_mixed_mkwrite(vma, address, frame(pfn))
            } else {
                ffi::vmctx_insert_mixed(vma, address, frame(pfn))
            }
        })
    }

    fn vmf_mixed_mkwrite(fault: &LinuxFault, pfn: u64) -> FaultCode {
        // SAFETY: by the fault's invariant; this is `page_mkwrite` or `pfn_mkwrite`.
        FaultCode::from_bits(unsafe { ffi::vmctx_mkwrite(fault.0, frame(pfn)) })
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

    fn caller_wait(_: &Self::Caller, queue: &LinuxWaitQueue, wakes: u64) -> Result<(), Errno> {
        queue.wait(wakes)
    }

    fn caller_lock_page(_: &Self::Caller, page: &LinuxPage) {
        // SAFETY: who is outside hooks, with the proof of it, may sleep.
        unsafe { ffi::vmctx_lock_page(page.as_ptr()) };
    }

    fn caller_unlock_page(_: &Self::Caller, page: &LinuxPage) {
        // SAFETY: it was locked by `caller_lock_page`.
        unsafe { ffi::vmctx_unlock_page(page.as_ptr()) };
    }

    fn release(fault: &LinuxFault) {
        // SAFETY: by the fault's invariant the lock is held, and RETRY is now the answer.
        unsafe { ffi::vmctx_release(fault.0) };
    }

    fn wait(_: &LinuxFault, queue: &LinuxWaitQueue, wakes: u64) -> Result<(), Errno> {
        queue.wait(wakes)
    }

    fn fault_page(fault: &LinuxFault) -> LinuxPage {
        // SAFETY: by the fault's invariant. What a driver inserts by page is a `LinuxPage`; what has none is told to
        // `pfn_mkwrite`.
        unsafe { LinuxPage::of_fault(fault.0) }
    }

    fn fault_is_of(fault: &LinuxFault, mappings: &LinuxObject) -> bool {
        // SAFETY: by the fault's invariant its lock is held.
        unsafe { mappings.have(fault.vma()) }
    }

    // What is larger than 2 MiB falls back, and so does everything in a mixed mapping, where the kernel takes a huge
    // entry for one with pages: docs/linux.md says how that ends.
    fn vmf_insert_pfn_huge(fault: &LinuxFault, _: usize, frames: FrameRange<'_, Self>) -> FaultCode {
        let is_pmd = frames.count() == HugeSize::Pmd.page_count(Self::PAGE_SHIFT);
        if !is_pmd || !fault.vma().flags().contains(VmFlags::PFNMAP) {
            return FaultCode::FALLBACK;
        }
        // SAFETY: by the fault's invariant; the entry is that of the fault's address. VM_PFNMAP was set at mmap, where
        // a copy-on-write mapping was refused.
        FaultCode::from_bits(unsafe { ffi::vmctx_insert_huge(fault.0, frame(frames.first().pfn())) })
    }

    fn vmf_map_page(fault: &LinuxFault, address: usize, page: &LinuxPage) -> FaultCode {
        // SAFETY: by the fault's invariant.
        if unsafe { ffi::vmctx_has_table(fault.0, address) } {
            Self::vmf_insert_page(fault, address, page)
        } else {
            FaultCode::OOM
        }
    }

    fn vmf_map_mixed(fault: &LinuxFault, address: usize, pfn: u64) -> FaultCode {
        // SAFETY: by the fault's invariant.
        if unsafe { ffi::vmctx_has_table(fault.0, address) } {
            Self::vmf_insert_mixed(fault, address, pfn, false)
        } else {
            FaultCode::OOM
        }
    }

    fn lock_handle(handle: &LinuxHandle, wait: bool) -> Result<LinuxEstablishedVma, Errno> {
        handle.lock(wait)
    }

    fn lock_at<V: VmOperations<Platform = Self>>((): &(), address: UserAddr) -> Result<LinuxEstablishedVma, Errno> {
        LinuxEstablishedVma::at::<V>(address.get())
    }

    fn established_state<V: VmOperations<Platform = Self>>(vma: &LinuxEstablishedVma) -> Option<&V> {
        vma.state()
    }

    fn established_pgoff(vma: &LinuxEstablishedVma, address: UserAddr) -> Option<PageOffset> {
        vma.pgoff_at(address.get())
    }

    fn established_slots(vma: &LinuxEstablishedVma, from: PageOffset) -> Option<(PageOffset, Range<usize>)> {
        vma.slots(from)
    }

    fn established_insert_page(vma: &LinuxEstablishedVma, address: usize, page: &LinuxPage) -> Result<(), Errno> {
        // SAFETY: the mmap lock is held; VM_MIXEDMAP was set at mmap, and the page is fit for it.
        result(unsafe { ffi::vm_insert_page(vma.vma_for(address)?, address, page.as_ptr()) })
    }

    fn established_insert_pages(
        vma: &LinuxEstablishedVma,
        address: usize,
        pages: &[LinuxPage],
    ) -> Result<(), (Errno, usize)> {
        let raw = vma.vma_for(address).map_err(|errno| (errno, 0))?;
        // SAFETY: as for one page.
        unsafe { insert_pages(raw, address, pages) }
    }

    fn established_insert_zero_page(vma: &LinuxEstablishedVma, address: usize) -> Result<(), Errno> {
        // SAFETY: as for `established_insert_page`; the kernel knows its zero page.
        result(unsafe { ffi::vmctx_insert_zero_page(vma.vma_for(address)?, address) })
    }

    fn established_insert_pfn(vma: &LinuxEstablishedVma, address: usize, pfn: u64) -> Result<(), Errno> {
        let raw = vma.vma_for(address)?;
        // SAFETY: the mmap lock is held; VM_PFNMAP was set at mmap, where a copy-on-write mapping was refused.
        inserted(unsafe { beside_huge(raw, address, || ffi::vmf_insert_pfn(raw, address, frame(pfn))) })
    }

    fn established_insert_mixed(vma: &LinuxEstablishedVma, address: usize, pfn: u64) -> Result<(), Errno> {
        // SAFETY: the mmap lock is held; VM_MIXEDMAP was set at mmap.
        inserted(FaultCode::from_bits(unsafe { ffi::vmctx_insert_mixed(vma.vma_for(address)?, address, frame(pfn)) }))
    }

    fn established_zap(vma: &LinuxEstablishedVma, addresses: Range<usize>) {
        vma.zap(addresses, |_| true);
    }

    // Nothing that only write-protects is exported. In a private mapping nothing needs it: what can be written there is
    // the user's own copy, which a zap would lose.
    fn established_write_protect(vma: &LinuxEstablishedVma, addresses: Range<usize>) {
        vma.zap(addresses, |flags| flags.contains(VmFlags::SHARED));
    }
}

/// A frame number as the kernel's functions take it.
#[expect(clippy::cast_possible_truncation, reason = "an `unsigned long` is 64 bits wide here")]
const fn frame(pfn: u64) -> usize {
    pfn as usize
}

/// What `vmf_insert_*` answered, outside a fault.
fn inserted(code: FaultCode) -> Result<(), Errno> {
    if code.contains(FaultCode::OOM) {
        Err(Errno::ENOMEM)
    } else if code.intersects(FaultCode::ERROR) {
        Err(Errno::EINVAL)
    } else if code.contains(FaultCode::ALREADY_PRESENT) {
        Err(Errno::EBUSY)
    } else {
        Ok(())
    }
}

/// `vm_insert_pages`, and how many are in if not all: the kernel counts what is left to the page (`insert_pages` of
/// `mm/memory.c` takes those off that went in before the one that failed, in its batch of eight as well).
///
/// # Safety
/// A lock of the VMA's is held, `VM_MIXEDMAP` is set, and the range lies in the VMA.
unsafe fn insert_pages(
    vma: *mut ffi::vm_area_struct,
    address: usize,
    pages: &[LinuxPage],
) -> Result<(), (Errno, usize)> {
    let mut left = pages.len();
    // SAFETY: by this function's contract; a `LinuxPage` is a `struct page *`, and the kernel does not change the
    // array.
    let code = unsafe { ffi::vm_insert_pages(vma, address, pages.as_ptr().cast(), &mut left) };
    result(code).map_err(|errno| {
        // What the kernel says without memory for one of the upper page tables. The range is none to say it of.
        let errno = if errno == Errno::EFAULT { Errno::ENOMEM } else { errno };
        (errno, pages.len().saturating_sub(left))
    })
}

/// Inserts a small entry in a mapping by number. Where huge ones can be, it does so only if none is in its place.
///
/// # Safety
/// A lock of the VMA's is held, and the VMA was established.
unsafe fn beside_huge(
    vma: *mut ffi::vm_area_struct,
    address: usize,
    insert: impl FnOnce() -> core::ffi::c_uint,
) -> FaultCode {
    // SAFETY: by this function's contract.
    if unsafe { (*(*vma).vm_ops).huge_fault }.is_none() {
        return FaultCode::from_bits(insert());
    }
    // SAFETY: by this function's contract.
    if !unsafe { ffi::vmctx_small_begin(vma, address) } {
        return FaultCode::NOPAGE | FaultCode::ALREADY_PRESENT;
    }
    let code = FaultCode::from_bits(insert());
    // SAFETY: `vmctx_small_begin` has said yes, and has not been ended since.
    unsafe { ffi::vmctx_small_end() };
    code
}
