//! A peer's memory as a [`Platform`]: an insertion is a copy.

use std::{ops::Range, process};

use vmctx::{
    Errno, FrameRange, MaySleep, PageCount, PageOffset, Platform, UserAddr, VmOperations,
    platform::{FaultCode, FaultFlags, VmFlags},
};
use vmctx_hosted::{Mutex, Object, Ref, RwLock, SpinLock, WaitQueue};

use crate::{
    kernel::sys::PAGE_SHIFT,
    memory::{Memory, Page},
};

use super::{
    adopted::Adopted,
    fault::AdoptedFault,
    mapped_file::MappedFile,
    push::Pushed,
    vma::{AdoptedCaller, AdoptedHandle, EstablishedRegion, NewRegion},
};

// SAFETY: point by point as the trait lists them. `NewRegion` and `AdoptedFault` are made in `Adoption::adopt` and in
// `Server::call`, with the mmap lock held, and nobody outside this crate reaches their fields. `Ref` is an `Arc`, and invariant
// in the type. Users reach copies only, which are their own: nothing that a state owns is ever mapped. The file of a VMA is its
// object, and its driver is the state, which the VMA holds. Frame numbers are taken for good (`take_numbers`). What is copied
// after a hook has inserted it is kept until then (`Runs`). All operations check their arguments.
unsafe impl Platform for Adopted {
    const PAGE_SHIFT: u32 = PAGE_SHIFT;

    type Page = Page;
    type Memory = Memory;
    type Iomem = MappedFile;
    type WaitQueue = WaitQueue;
    type RwLock<T: Send + Sync + 'static> = RwLock<T>;
    type Mutex<T: Send + 'static> = Mutex<T>;
    type SpinLock<T: Send + 'static> = SpinLock<T>;
    type Object = Object;
    type Handle = AdoptedHandle;
    type Caller = AdoptedCaller;
    type EstablishedVma = EstablishedRegion;
    type Ref<T: Send + Sync + 'static> = Ref<T>;
    type Vma = NewRegion;
    type Fault = AdoptedFault;

    fn share<T: Send + Sync + 'static>(value: T, _: MaySleep<'_>) -> Result<Ref<T>, Errno> {
        Ok(Ref::new(value))
    }

    fn alloc_page(memory: &Memory, _: MaySleep<'_>) -> Result<Page, Errno> {
        memory.alloc_page()
    }

    fn alloc_page_at(memory: &Memory, at: PageOffset, _: MaySleep<'_>) -> Result<Page, Errno> {
        memory.alloc_page_at(at)
    }

    fn is_only_reference(page: &Page) -> bool {
        page.references() == 1
    }

    fn page_pfn(page: &Page) -> u64 {
        page.pfn()
    }

    fn new_object(_: MaySleep<'_>) -> Result<Object, Errno> {
        Ok(Object::default())
    }

    fn unmap_mapping_range(mappings: &Object, first: PageOffset, count: PageCount, _: MaySleep<'_>) {
        mappings.unmap(&(first.index()..first.index().saturating_add(count.get())), false);
    }

    fn vma_range(region: &NewRegion) -> Range<usize> {
        region.vma.range()
    }

    fn vma_pgoff(region: &NewRegion) -> PageOffset {
        PageOffset::new(region.vma.pgoff())
    }

    fn vma_flags(region: &NewRegion) -> VmFlags {
        region.vma.flags()
    }

    fn vma_change_flags(region: &mut NewRegion, set: VmFlags, clear: VmFlags) {
        region.vma.change_flags(set, clear);
    }

    fn establish<V: VmOperations<Platform = Self>>(region: &mut NewRegion, state: Ref<V>) -> Result<(), Errno> {
        region.vma.establish(state)
    }

    fn vma_is_of(region: &NewRegion, object: &Object) -> bool {
        region.vma.file().is(object)
    }

    fn vma_handle(region: &NewRegion) -> Option<AdoptedHandle> {
        region.handle()
    }

    fn fault_address(fault: &AdoptedFault) -> usize {
        fault.serving().address
    }

    fn fault_pgoff(fault: &AdoptedFault) -> PageOffset {
        fault.serving().pgoff()
    }

    fn fault_flags(fault: &AdoptedFault) -> FaultFlags {
        fault.serving().flags
    }

    fn fault_vma_range(fault: &AdoptedFault) -> Range<usize> {
        fault.serving().range.clone()
    }

    fn fault_vma_pgoff(fault: &AdoptedFault) -> PageOffset {
        PageOffset::new(fault.serving().vma_pgoff)
    }

    fn fault_vma_flags(fault: &AdoptedFault) -> VmFlags {
        fault.serving().vma_flags
    }

    fn vmf_insert_page(fault: &AdoptedFault, address: usize, page: &Page) -> FaultCode {
        fault.serving().insert(address, |runs| runs.add_page(address, page))
    }

    fn vmf_insert_zero_page(fault: &AdoptedFault, address: usize) -> FaultCode {
        fault.serving().insert(address, |runs| {
            runs.add_zero(address);
            true
        })
    }

    fn vmf_insert_mixed(fault: &AdoptedFault, address: usize, pfn: u64, _: bool) -> FaultCode {
        fault.serving().insert(address, |runs| runs.add_frame(address, pfn))
    }

    fn deliver(fault: &AdoptedFault, page: Page) {
        fault.serving().delivered.set(Some(page));
    }

    fn lock_page(fault: &AdoptedFault, page: &Page) {
        fault.serving().lock_page(page);
    }

    fn unlock_page(fault: &AdoptedFault, page: &Page) {
        if fault.serving().take_locked(page.pfn()) {
            page.unlock();
        }
    }

    fn release(fault: &AdoptedFault) {
        fault.serving().release();
    }

    fn wait(fault: &AdoptedFault, queue: &WaitQueue, wakes: u64) -> Result<(), Errno> {
        fault.serving().wait(queue, wakes)
    }

    /// Never called: the tokens of `page_mkwrite` alone ask, and that hook is not called here.
    fn fault_page(_: &AdoptedFault) -> Page {
        process::abort()
    }

    fn fault_is_of(fault: &AdoptedFault, mappings: &Object) -> bool {
        fault.serving().is_of(mappings)
    }

    fn vmf_insert_pfn_huge(_: &AdoptedFault, _: usize, _: FrameRange<'_, Self>) -> FaultCode {
        FaultCode::FALLBACK
    }

    fn caller_wait(_: &AdoptedCaller, queue: &WaitQueue, wakes: u64) -> Result<(), Errno> {
        queue.wait(wakes)
    }

    fn caller_lock_page(_: &AdoptedCaller, page: &Page) {
        page.lock();
    }

    fn caller_unlock_page(_: &AdoptedCaller, page: &Page) {
        page.unlock();
    }

    fn lock_handle(handle: &AdoptedHandle, wait: bool) -> Result<EstablishedRegion, Errno> {
        handle.lock(wait)
    }

    fn lock_at<V: VmOperations<Platform = Self>>(
        caller: &AdoptedCaller,
        address: UserAddr,
    ) -> Result<EstablishedRegion, Errno> {
        caller.lock_at::<V>(address.get())
    }

    fn established_state<V: VmOperations<Platform = Self>>(vma: &EstablishedRegion) -> Option<&V> {
        vma.state()
    }

    fn established_pgoff(vma: &EstablishedRegion, address: UserAddr) -> Option<PageOffset> {
        vma.pgoff(address.get())
    }

    fn established_slots(vma: &EstablishedRegion, from: PageOffset) -> Option<(PageOffset, Range<usize>)> {
        vma.slots(from)
    }

    fn established_insert_page(vma: &EstablishedRegion, address: usize, page: &Page) -> Result<(), Errno> {
        Pushed::of(vma, address)?.push(|runs| runs.add_page(address, page))
    }

    fn established_insert_pages(vma: &EstablishedRegion, address: usize, pages: &[Page]) -> Result<(), (Errno, usize)> {
        Pushed::of(vma, address).map_err(|errno| (errno, 0))?.push_pages(address, pages)
    }

    fn established_insert_zero_page(vma: &EstablishedRegion, address: usize) -> Result<(), Errno> {
        Pushed::of(vma, address)?.push(|runs| {
            runs.add_zero(address);
            true
        })
    }

    fn established_insert_mixed(vma: &EstablishedRegion, address: usize, pfn: u64) -> Result<(), Errno> {
        Pushed::of(vma, address)?.push(|runs| runs.add_frame(address, pfn))
    }

    fn established_zap(vma: &EstablishedRegion, addresses: Range<usize>) {
        vma.zap(&addresses);
    }
}
