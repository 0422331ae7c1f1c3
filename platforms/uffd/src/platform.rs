//! userfaultfd as a [`Platform`]: each raw operation, on the part that carries it out.

use std::ops::Range;

use vmctx::{
    Errno, FrameRange, MaySleep, PageCount, PageOffset, PageProt, Platform, UserAddr, VmOperations,
    platform::{Cache, FaultCode, FaultFlags, VmFlags},
};
use vmctx_hosted::{Mutex, Object, Ref, RwLock, SpinLock, WaitQueue};

use crate::{
    kernel::{sys::PAGE_SHIFT, undisturbed::Undisturbed},
    memory::{DeviceMemory, LockedPage, Memory, Page},
    mm::{
        insert::{Area, insert_mapped, insert_pages},
        new_vma::NewVma,
        vma::{Caller, EstablishedVma, Handle},
    },
    serve::vmf::Fault,
    uffd::Uffd,
};

// SAFETY: point by point as the trait lists them. `NewVma` and `Fault` are made in `Session::mmap` and in
// `PageFault::call`, with the mmap lock held, and nobody outside this crate reaches their fields. `Ref` is an `Arc`,
// and invariant in the type. `Vma::close` drops the state, and whoever takes a VMA away has zapped it or made it
// inaccessible before that. A slot that holds a page has a reference (`Table::fill`), which is put after the kernel has
// forgotten the page. All operations check their arguments.
unsafe impl Platform for Uffd {
    const PAGE_SHIFT: u32 = PAGE_SHIFT;

    type Page = Page;
    type Memory = Memory;
    type Iomem = DeviceMemory;
    type WaitQueue = WaitQueue;
    type RwLock<T: Send + Sync + 'static> = RwLock<T>;
    type Mutex<T: Send + 'static> = Mutex<T>;
    type SpinLock<T: Send + 'static> = SpinLock<T>;
    type Object = Object;
    type Handle = Handle;
    type Caller = Caller;
    type EstablishedVma = EstablishedVma;
    type Ref<T: Send + Sync + 'static> = Ref<T>;
    type Vma = NewVma;
    type Fault = Fault;

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
        let _undisturbed = Undisturbed::begin();
        mappings.unmap(&(first.index()..first.index().saturating_add(count.get())), false);
    }

    fn vma_range(vma: &NewVma) -> Range<usize> {
        vma.vma.range()
    }

    fn vma_pgoff(vma: &NewVma) -> PageOffset {
        PageOffset::new(vma.vma.pgoff())
    }

    fn vma_flags(vma: &NewVma) -> VmFlags {
        vma.vma.flags()
    }

    fn vma_change_flags(vma: &mut NewVma, set: VmFlags, clear: VmFlags) {
        vma.vma.change_flags(set, clear);
    }

    fn vma_set_cache(vma: &mut NewVma, cache: Cache) {
        vma.vma.set_cache(cache);
    }

    fn establish<V: VmOperations<Platform = Self>>(vma: &mut NewVma, state: Ref<V>) -> Result<(), Errno> {
        vma.vma.establish(state)
    }

    fn vma_is_of(vma: &NewVma, object: &Object) -> bool {
        vma.vma.file().mappings().is(object)
    }

    fn vma_tells_of_stores(vma: &mut NewVma) -> Result<(), Errno> {
        vma.vma.tell_of_stores();
        Ok(())
    }

    fn vma_handle(vma: &NewVma) -> Option<Handle> {
        vma.handle()
    }

    fn vm_insert_page(vma: &mut NewVma, address: usize, page: &Page) -> Result<(), Errno> {
        vma.area().insert_page(address, page)
    }

    fn vm_insert_pages(vma: &mut NewVma, address: usize, pages: &[Page]) -> Result<(), (Errno, usize)> {
        insert_pages(&vma.area(), address, pages)
    }

    fn vm_insert_zero_page(vma: &mut NewVma, address: usize) -> Result<(), Errno> {
        vma.area().insert_zero_page(address)
    }

    fn vm_insert_mixed(vma: &mut NewVma, address: usize, pfn: u64) -> Result<(), Errno> {
        vma.area().insert_mixed(address, pfn, false)
    }

    fn remap_pfn_range(vma: &mut NewVma, address: usize, frames: FrameRange<'_, Self>) -> Result<(), Errno> {
        let set = VmFlags::IO | VmFlags::PFNMAP | VmFlags::DONTEXPAND | VmFlags::DONTDUMP;
        vma.vma.change_flags(set, VmFlags::NONE);
        vma.area().remap(address, frames)
    }

    #[inline]
    fn fault_address(fault: &Fault) -> usize {
        fault.vmf().address
    }

    #[inline]
    fn fault_pgoff(fault: &Fault) -> PageOffset {
        let vmf = fault.vmf();
        PageOffset::new(vmf.area.pgoff_at(vmf.address))
    }

    #[inline]
    fn fault_flags(fault: &Fault) -> FaultFlags {
        fault.vmf().flags
    }

    #[inline]
    fn fault_vma_range(fault: &Fault) -> Range<usize> {
        fault.vmf().area.range.clone()
    }

    #[inline]
    fn fault_vma_pgoff(fault: &Fault) -> PageOffset {
        PageOffset::new(fault.vmf().area.pgoff)
    }

    #[inline]
    fn fault_vma_flags(fault: &Fault) -> VmFlags {
        fault.vmf().area.flags
    }

    #[inline]
    fn fault_page_prot(fault: &Fault) -> PageProt {
        fault.vmf().area.prot
    }

    #[inline]
    fn vmf_insert_page(fault: &Fault, address: usize, page: &Page) -> FaultCode {
        fault.vmf().insert(address, |area| area.insert_page(address, page))
    }

    /// Takes the table's lock once for all pages: it costs more than what is done under it.
    #[inline]
    fn vmf_insert_pages(fault: &Fault, address: usize, pages: &[Page]) -> usize {
        let vmf = fault.vmf();
        if vmf.locked.is_released() {
            return 0;
        }
        let inserted = vmf.area.insert_where_free(address, pages);
        if inserted != 0 {
            vmf.add_pending(address, address.wrapping_add(pages.len() << PAGE_SHIFT));
        }
        inserted
    }

    fn vmf_insert_zero_page(fault: &Fault, address: usize) -> FaultCode {
        fault.vmf().insert(address, |area| area.insert_zero_page(address))
    }

    #[inline]
    fn vmf_insert_pfn(fault: &Fault, address: usize, pfn: u64, prot: Option<PageProt>) -> FaultCode {
        fault.vmf().insert(address, |area| area.insert_pfn(address, pfn, prot.unwrap_or(area.prot)))
    }

    #[inline]
    fn vmf_insert_mixed(fault: &Fault, address: usize, pfn: u64, mkwrite: bool) -> FaultCode {
        fault.vmf().insert(address, |area| area.insert_mixed(address, pfn, mkwrite))
    }

    fn vmf_mixed_mkwrite(fault: &Fault, pfn: u64) -> FaultCode {
        fault.vmf().mixed_mkwrite(pfn)
    }

    fn deliver(fault: &Fault, page: Page) {
        fault.vmf().delivered.set(Some(page));
    }

    fn lock_page(fault: &Fault, page: &Page) {
        let vmf = fault.vmf();
        if vmf.locked_pages.borrow().iter().any(|held| held.pfn == page.pfn()) {
            // This thread would wait for itself for ever. The session's owner is told of it instead.
            vmf.locked_twice.set(true);
            return;
        }
        let locked = LockedPage::lock(page);
        vmf.locked_pages.borrow_mut().push(locked);
    }

    fn unlock_page(fault: &Fault, page: &Page) {
        if fault.vmf().take_locked(page.pfn()) {
            page.unlock();
        }
    }

    fn caller_wait(_: &Caller, queue: &WaitQueue, wakes: u64) -> Result<(), Errno> {
        queue.wait(wakes)
    }

    fn caller_lock_page(_: &Caller, page: &Page) {
        page.lock();
    }

    fn caller_unlock_page(_: &Caller, page: &Page) {
        page.unlock();
    }

    fn release(fault: &Fault) {
        let vmf = fault.vmf();
        // The kernel is told of what was inserted as long as the lock is held, which keeps the mapping there.
        let _ = vmf.install_pending();
        vmf.batch.flush(vmf.locked);
        // SAFETY: a hook is called without a reference into the VMA, and `PageFault::call` and this file have one only
        // for as long as they look at it.
        unsafe { vmf.locked.release() };
    }

    fn wait(fault: &Fault, queue: &WaitQueue, wakes: u64) -> Result<(), Errno> {
        let shared = fault.vmf().shared;
        let killed = || shared.is_stopping() || shared.space.owner().is_gone();
        shared.sleepers.wait(queue, wakes, killed)
    }

    fn fault_page(fault: &Fault) -> Page {
        match &fault.vmf().page {
            Some(page) => page.clone(),
            // Not reached: the tokens ask only where there is a page. The zero page has no count to go wrong.
            None => {
                let memory = fault.vmf().area.table.memory();
                memory.adopt(memory.zero_page())
            }
        }
    }

    fn fault_is_of(fault: &Fault, mappings: &Object) -> bool {
        let vmf = fault.vmf();
        vmf.locked.vma().is_some_and(|vma| vma.file().mappings().is(mappings))
    }

    /// Large entries are of large pages: where the memory has none, there are none.
    fn vmf_insert_pfn_huge(fault: &Fault, address: usize, frames: FrameRange<'_, Self>) -> FaultCode {
        fault.vmf().insert_huge(address, frames)
    }

    /// The kernel allocates page tables when it is told, so this is an insertion like any other.
    #[inline]
    fn vmf_map_page(fault: &Fault, address: usize, page: &Page) -> FaultCode {
        Self::vmf_insert_page(fault, address, page)
    }

    fn vmf_map_mixed(fault: &Fault, address: usize, pfn: u64) -> FaultCode {
        Self::vmf_insert_mixed(fault, address, pfn, false)
    }

    fn lock_handle(handle: &Handle, wait: bool) -> Result<EstablishedVma, Errno> {
        handle.lock(wait)
    }

    fn lock_at<V: VmOperations<Platform = Self>>(caller: &Caller, address: UserAddr) -> Result<EstablishedVma, Errno> {
        caller.lock_at::<V>(address.get())
    }

    fn established_state<V: VmOperations<Platform = Self>>(vma: &EstablishedVma) -> Option<&V> {
        vma.state()
    }

    fn established_pgoff(vma: &EstablishedVma, address: UserAddr) -> Option<PageOffset> {
        vma.pgoff(address.get())
    }

    fn established_slots(vma: &EstablishedVma, from: PageOffset) -> Option<(PageOffset, Range<usize>)> {
        vma.slots(from)
    }

    fn established_insert_page(vma: &EstablishedVma, address: usize, page: &Page) -> Result<(), Errno> {
        insert_mapped(vma, address, |area| area.insert_page(address, page))
    }

    fn established_insert_pages(vma: &EstablishedVma, address: usize, pages: &[Page]) -> Result<(), (Errno, usize)> {
        let area = Area::of_mapped(vma, address).map_err(|errno| (errno, 0))?;
        let inserted = insert_pages(&area, address, pages);
        let done = inserted.map_or_else(|(_, done)| done, |()| pages.len());
        let installed = area.install(&(address..address.saturating_add(done << PAGE_SHIFT)));
        // What the kernel refuses is taken out again. The pages before the first of these are in.
        let is_in = |index: &usize| area.table.pte(address + (index << PAGE_SHIFT)).is_some();
        installed.map_err(|error| (error.errno(), (0..done).take_while(is_in).count()))?;
        inserted
    }

    fn established_insert_zero_page(vma: &EstablishedVma, address: usize) -> Result<(), Errno> {
        insert_mapped(vma, address, |area| area.insert_zero_page(address))
    }

    fn established_insert_pfn(vma: &EstablishedVma, address: usize, pfn: u64) -> Result<(), Errno> {
        insert_mapped(vma, address, |area| area.insert_pfn(address, pfn, area.prot))
    }

    fn established_insert_mixed(vma: &EstablishedVma, address: usize, pfn: u64) -> Result<(), Errno> {
        insert_mapped(vma, address, |area| area.insert_mixed(address, pfn, false))
    }

    fn established_zap(vma: &EstablishedVma, addresses: Range<usize>) {
        vma.zap(&addresses);
    }

    fn established_write_protect(vma: &EstablishedVma, addresses: Range<usize>) {
        vma.write_protect(&addresses);
    }
}
