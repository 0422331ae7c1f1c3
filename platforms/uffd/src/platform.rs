//! userfaultfd as a [`Platform`]: the raw operations, each on the part that does it.

use std::{
    cell::{Cell, RefCell},
    ops::Range,
    ptr::NonNull,
    sync::Arc,
};

use parking_lot::RwLock as SpaceLock;

use vmctx::{
    Errno, FrameRange, MaySleep, PageCount, PageOffset, PageProt, Platform, UserAddr, VmOperations,
    platform::{Cache, FaultCode, FaultFlags, VmFlags},
};

use super::{
    Caller, DeviceMemory, Handle, MappedVma, Mappings, Memory, Page, RwLock, Uffd, WaitQueue,
    answers::Stop,
    insert::Area,
    memory::ZERO_PFN,
    readers::Turn,
    session::{Held, Inner, Space},
    sys::{PAGE_SHIFT, PAGE_SIZE},
    vma::Vma,
};

/// A mapping that is being made. Only a session makes one, in [`Session::mmap`](super::Session::mmap).
pub struct NewVma {
    vma: Vma,
    space: Arc<SpaceLock<Space>>,
}

impl NewVma {
    pub(super) fn new(vma: Vma, space: Arc<SpaceLock<Space>>) -> Self {
        Self { vma, space }
    }

    /// The mmap hook has succeeded.
    pub(super) fn into_vma(mut self) -> Vma {
        self.vma.begin();
        self.vma
    }

    fn area(&self) -> Area<'_> {
        Area::new(&self.vma, self.vma.table(), self.vma.table().counters())
    }
}

/// A fault that is being served. Only a session makes one.
///
/// # Invariants
/// What it points to is there for as long as it is: it is made for one call of a hook, by whoever has the other on its
/// stack, and the call drops it.
pub struct Fault {
    serving: NonNull<Serving<'static, 'static>>,
}

impl Fault {
    /// # Safety
    /// It is dropped before `serving` is.
    pub(super) unsafe fn new(serving: &Serving<'_, '_>) -> Self {
        Self { serving: NonNull::from(serving).cast() }
    }

    #[inline]
    fn serving(&self) -> &Serving<'_, '_> {
        // SAFETY: the invariant. What it borrows in turn is there for longer.
        unsafe { self.serving.cast::<Serving<'_, '_>>().as_ref() }
    }
}

/// What a fault and the code that waits for its answer know in common.
pub(super) struct Serving<'a, 't> {
    pub(super) inner: &'a Arc<Inner>,
    pub(super) turn: &'a Turn<'a>,
    pub(super) address: usize,
    pub(super) flags: FaultFlags,
    pub(super) held: &'a Held<'t>,
    pub(super) area: &'a Area<'a>,
    /// The page that a `page_mkwrite` is asked about.
    pub(super) page: Option<Page>,
    /// `vmf->page`
    pub(super) delivered: Cell<Option<Page>>,
    /// The pages that this fault has locked.
    pub(super) locked: RefCell<Vec<u64>>,
    pub(super) locked_twice: Cell<bool>,
    /// Addresses of slots that were filled, and of which the kernel does not know yet.
    pub(super) pending: Cell<Option<(usize, usize)>>,
}

impl Serving<'_, '_> {
    /// Whether this fault has the page locked; it is then no longer said to.
    pub(super) fn take_locked(&self, pfn: u64) -> bool {
        let mut locked = self.locked.borrow_mut();
        let found = locked.iter().position(|held| *held == pfn);
        found.map(|index| locked.swap_remove(index)).is_some()
    }

    /// Tells the kernel what was filled, in as few requests as there are runs.
    #[inline]
    pub(super) fn install_pending(&self) -> Result<(), Stop> {
        let Some((start, end)) = self.pending.take() else { return Ok(()) };
        if self.held.is_released() {
            return Ok(());
        }
        let installed = self.area.install(&(start..end));
        self.held.learn(self.address);
        installed
    }

    /// Inserts, if the lock is still held: what is released has no VMA any more.
    ///
    /// The kernel is told when the hook has returned, and so is whoever waits: the slot is what counts. What is taken out
    /// of it until then was there, and has gone.
    #[inline]
    fn insert(&self, address: usize, insert: impl FnOnce(&Area<'_>) -> Result<(), Errno>) -> FaultCode {
        if self.held.is_released() {
            return FaultCode::SIGBUS;
        }
        let inserted = insert(self.area);
        // What somebody else has put there may wait for that hook to return.
        if matches!(inserted, Ok(()) | Err(Errno::EBUSY)) {
            self.to_be_told(address, address + PAGE_SIZE);
        }
        FaultCode::from_insertion(inserted)
    }

    /// The kernel is to be told what is in these slots.
    #[inline]
    fn to_be_told(&self, from: usize, to: usize) {
        let (start, end) = self.pending.get().unwrap_or((from, to));
        self.pending.set(Some((start.min(from), end.max(to))));
    }
}

impl Drop for Serving<'_, '_> {
    fn drop(&mut self) {
        // Left over only if the handler forgot one, or panicked with the page on its way.
        for pfn in self.locked.get_mut() {
            self.area.table.memory().unlock(*pfn);
        }
    }
}

// SAFETY: point by point as the trait lists them. `NewVma` and `Fault` are made in `Session::mmap` and in `fault::ask`,
// with the mmap lock held, and their fields are private. `Ref` is `Arc`. `Vma::close` drops the state, and those who
// take a VMA away zap or bury before that. A slot that holds a page has a reference (`Table::fill`), put after the
// kernel has forgotten it. All operations check their arguments.
unsafe impl Platform for Uffd {
    const PAGE_SHIFT: u32 = PAGE_SHIFT;

    type Page = Page;
    type Memory = Memory;
    type Iomem = DeviceMemory;
    type WaitQueue = WaitQueue;
    type RwLock<T: Send + Sync + 'static> = RwLock<T>;
    type Mappings = Mappings;
    type Handle = Handle;
    type Caller = Caller;
    type MappedVma = MappedVma;
    type Ref<T: Send + Sync + 'static> = Arc<T>;
    type Vma = NewVma;
    type Fault = Fault;

    fn share<T: Send + Sync + 'static>(value: T, _: MaySleep<'_>) -> Result<Arc<T>, Errno> {
        Ok(Arc::new(value))
    }

    fn alloc_page(memory: &Memory, _: MaySleep<'_>) -> Result<Page, Errno> {
        memory.alloc_page()
    }

    fn page_pfn(page: &Page) -> u64 {
        page.pfn()
    }

    fn new_mappings(_: MaySleep<'_>) -> Result<Mappings, Errno> {
        Ok(Mappings::default())
    }

    fn unmap_mapping_range(mappings: &Mappings, first: PageOffset, count: PageCount, _: MaySleep<'_>) {
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

    /// A process has no say in it.
    fn vma_set_decrypted(_: &mut NewVma) {}

    fn establish<V: VmOperations<Platform = Self>>(vma: &mut NewVma, state: Arc<V>) {
        vma.vma.establish(state);
    }

    fn vma_handle(vma: &NewVma) -> Option<Handle> {
        Handle::new(&vma.space, &vma.vma)
    }

    fn abandon(vma: &mut NewVma) {
        vma.vma.table().zap(&vma.vma.range());
        vma.vma.close();
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
        fault.serving().address
    }

    #[inline]
    fn fault_pgoff(fault: &Fault) -> PageOffset {
        let serving = fault.serving();
        PageOffset::new(serving.area.pgoff_at(serving.address))
    }

    #[inline]
    fn fault_flags(fault: &Fault) -> FaultFlags {
        fault.serving().flags
    }

    #[inline]
    fn fault_vma_range(fault: &Fault) -> Range<usize> {
        fault.serving().area.range.clone()
    }

    #[inline]
    fn fault_vma_pgoff(fault: &Fault) -> PageOffset {
        PageOffset::new(fault.serving().area.pgoff)
    }

    #[inline]
    fn fault_vma_flags(fault: &Fault) -> VmFlags {
        fault.serving().area.flags
    }

    #[inline]
    fn fault_page_prot(fault: &Fault) -> PageProt {
        fault.serving().area.prot
    }

    #[inline]
    fn vmf_insert_page(fault: &Fault, address: usize, page: &Page) -> FaultCode {
        fault.serving().insert(address, |area| area.insert_page(address, page))
    }

    /// Under one lock of the table, which costs more than what is done under it.
    #[inline]
    fn vmf_insert_pages(fault: &Fault, address: usize, pages: &[Page]) -> usize {
        let serving = fault.serving();
        if serving.held.is_released() {
            return 0;
        }
        let inserted = serving.area.insert_where_free(address, pages);
        if inserted != 0 {
            serving.to_be_told(address, address.wrapping_add(pages.len() << PAGE_SHIFT));
        }
        inserted
    }

    fn vmf_insert_zero_page(fault: &Fault, address: usize) -> FaultCode {
        fault.serving().insert(address, |area| area.insert_zero_page(address))
    }

    #[inline]
    fn vmf_insert_pfn(fault: &Fault, address: usize, pfn: u64, prot: Option<PageProt>) -> FaultCode {
        fault.serving().insert(address, |area| area.insert_pfn(address, pfn, prot.unwrap_or(area.prot)))
    }

    #[inline]
    fn vmf_insert_mixed(fault: &Fault, address: usize, pfn: u64, mkwrite: bool) -> FaultCode {
        fault.serving().insert(address, |area| area.insert_mixed(address, pfn, mkwrite))
    }

    fn deliver(fault: &Fault, page: Page) {
        fault.serving().delivered.set(Some(page));
    }

    fn lock_page(fault: &Fault, page: &Page) {
        let serving = fault.serving();
        if serving.locked.borrow().contains(&page.pfn()) {
            // Sleeping here would be for ever; the session's owner is told.
            serving.locked_twice.set(true);
            return;
        }
        page.lock();
        serving.locked.borrow_mut().push(page.pfn());
    }

    fn unlock_page(fault: &Fault, page: &Page) {
        if fault.serving().take_locked(page.pfn()) {
            page.unlock();
        }
    }

    fn caller_lock_page(_: &Caller, page: &Page) {
        page.lock();
    }

    fn caller_unlock_page(_: &Caller, page: &Page) {
        page.unlock();
    }

    fn release(fault: &Fault) {
        let serving = fault.serving();
        // What was filled beside it goes in while the lock still says that the mapping is there.
        let _ = serving.install_pending();
        serving.turn.tell(serving.held);
        // SAFETY: a hook is called without a reference into the VMA: `fault::ask` and this file have them only for as
        // long as they look.
        unsafe { serving.held.release() };
    }

    fn wait(fault: &Fault, queue: &WaitQueue, wakes: u64) -> Result<(), Errno> {
        let serving = fault.serving();
        let table = serving.area.table;
        // It may wait for somebody who was answered before.
        serving.turn.tell(serving.held);
        if serving.turn.alone.take() {
            table.begin_wait(serving.address);
        }
        serving.inner.wait(table, serving.turn, queue, wakes)
    }

    fn fault_page(fault: &Fault) -> Page {
        match &fault.serving().page {
            Some(page) => page.clone(),
            // Not reached: the tokens ask only where there is one. The zero page has no count to go wrong.
            None => fault.serving().area.table.memory().adopt(ZERO_PFN),
        }
    }

    fn fault_is_of(fault: &Fault, mappings: &Mappings) -> bool {
        let serving = fault.serving();
        serving.held.vma().is_some_and(|vma| vma.file().mappings().is(mappings))
    }

    /// There are no large entries here.
    fn vmf_insert_pfn_huge(_: &Fault, _: usize, _: FrameRange<'_, Self>) -> FaultCode {
        FaultCode::FALLBACK
    }

    /// The kernel makes page tables when it is told.
    #[inline]
    fn vmf_map_page(fault: &Fault, address: usize, page: &Page) -> FaultCode {
        Self::vmf_insert_page(fault, address, page)
    }

    fn vmf_map_mixed(fault: &Fault, address: usize, pfn: u64) -> FaultCode {
        Self::vmf_insert_mixed(fault, address, pfn, false)
    }

    fn lock_handle(handle: &Handle, wait: bool) -> Result<MappedVma, Errno> {
        handle.lock(wait)
    }

    fn lock_at<V: VmOperations<Platform = Self>>(caller: &Caller, address: UserAddr) -> Result<MappedVma, Errno> {
        caller.lock_at::<V>(address.get())
    }

    fn mapped_state<V: VmOperations<Platform = Self>>(vma: &MappedVma) -> Option<&V> {
        vma.state()
    }

    fn mapped_pgoff(vma: &MappedVma, address: UserAddr) -> Option<PageOffset> {
        vma.pgoff(address.get())
    }

    fn mapped_slots(vma: &MappedVma, from: PageOffset) -> Option<(PageOffset, Range<usize>)> {
        vma.slots(from)
    }

    fn mapped_insert_page(vma: &MappedVma, address: usize, page: &Page) -> Result<(), Errno> {
        super::vma::insert(vma, address, |area| area.insert_page(address, page))
    }

    fn mapped_insert_pages(vma: &MappedVma, address: usize, pages: &[Page]) -> Result<(), (Errno, usize)> {
        let area = super::vma::area(vma, address).map_err(|errno| (errno, 0))?;
        let inserted = insert_pages(&area, address, pages);
        let done = inserted.map_or_else(|(_, done)| done, |()| pages.len());
        let installed = area.install(&(address..address.saturating_add(done << PAGE_SHIFT)));
        // What the kernel refuses is taken out again: those before it are in.
        let held = |index: &usize| area.table.pte(address + (index << PAGE_SHIFT)).is_some();
        installed.map_err(|stop| (stop.errno(), (0..done).take_while(held).count()))?;
        inserted
    }

    fn mapped_insert_zero_page(vma: &MappedVma, address: usize) -> Result<(), Errno> {
        super::vma::insert(vma, address, |area| area.insert_zero_page(address))
    }

    fn mapped_insert_pfn(vma: &MappedVma, address: usize, pfn: u64) -> Result<(), Errno> {
        super::vma::insert(vma, address, |area| area.insert_pfn(address, pfn, area.prot))
    }

    fn mapped_insert_mixed(vma: &MappedVma, address: usize, pfn: u64) -> Result<(), Errno> {
        super::vma::insert(vma, address, |area| area.insert_mixed(address, pfn, false))
    }

    fn mapped_zap(vma: &MappedVma, addresses: Range<usize>) {
        vma.zap(&addresses);
    }

    fn mapped_write_protect(vma: &MappedVma, addresses: Range<usize>) {
        vma.write_protect(&addresses);
    }
}

/// One after the other, and how many are in if one cannot be.
fn insert_pages(area: &Area<'_>, address: usize, pages: &[Page]) -> Result<(), (Errno, usize)> {
    for (done, page) in pages.iter().enumerate() {
        area.insert_page(address.saturating_add(done << PAGE_SHIFT), page).map_err(|errno| (errno, done))?;
    }
    Ok(())
}
