//! The simulator as a [`Platform`]: the raw operations, each on the part that does it.

use std::{
    cell::{Cell, RefCell},
    ops::Range,
    rc::Rc,
    sync::Arc,
};

use parking_lot::RwLock as SpaceLock;

use super::vma::SimVma as _;
use vmctx::{
    Errno, FrameRange, MaySleep, PageCount, PageOffset, PageProt, Platform, UserAddr, VmOperations,
    platform::{Cache, FaultCode, FaultFlags, VmFlags},
};
use vmctx_hosted::PageTable;

use super::{
    Caller, DeviceMemory, Handle, Machine, MappedVma, Mappings, Page, RwLock, Sim, WaitQueue, insert,
    insert::Area,
    process::{Mm, ReadLock, Space},
    vma::Vma,
};

/// A mapping that is being made. Only the simulator makes one; for its mmap lock, see
/// [`Process::mmap`](super::Process::mmap).
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

    fn area(&self) -> Area {
        self.vma.area()
    }
}

/// A fault that is being served. Only the simulator makes one.
pub struct Fault {
    serving: Rc<Serving>,
}

/// What a fault and the code that waits for its answer know in common.
pub(super) struct Serving {
    pub(super) mm: Arc<Mm>,
    pub(super) address: usize,
    pub(super) flags: FaultFlags,
    pub(super) pgoff: usize,
    pub(super) vma_pgoff: usize,
    pub(super) area: Area,
    /// Of which object the VMA is a mapping.
    pub(super) mappings: Mappings,
    /// The page that a `page_mkwrite` is asked about.
    pub(super) page: Option<Page>,
    pub(super) serial: u32,
    /// `None` once it was released.
    pub(super) lock: RefCell<Option<ReadLock>>,
    /// `vmf->page`
    pub(super) delivered: RefCell<Option<Page>>,
    /// The pages that this fault has locked.
    pub(super) locked: RefCell<Vec<u64>>,
    pub(super) locked_twice: Cell<bool>,
}

impl Serving {
    pub(super) fn fault(self: &Rc<Self>) -> Fault {
        Fault { serving: Rc::clone(self) }
    }

    /// The lock, for the next hook, unless it was given up.
    pub(super) fn take_lock(&self) -> Option<ReadLock> {
        self.lock.take()
    }

    pub(super) fn is_released(&self) -> bool {
        self.lock.borrow().is_none()
    }

    /// Whether this fault has the page locked; it is then no longer said to.
    pub(super) fn take_locked(&self, pfn: u64) -> bool {
        let mut locked = self.locked.borrow_mut();
        let found = locked.iter().position(|held| *held == pfn);
        found.map(|index| locked.swap_remove(index)).is_some()
    }

    /// The VMA has private copies from now on.
    pub(super) fn mark_copied(&self) {
        let lock = self.lock.borrow();
        if let Some(vma) = lock.as_ref().and_then(|lock| lock.vmas().find(self.address)) {
            vma.set_copied();
        }
    }

    /// Inserts, if the lock is still held: what is released has no VMA any more.
    fn insert(&self, insert: impl FnOnce(&Area) -> Result<(), Errno>) -> FaultCode {
        if self.is_released() {
            return FaultCode::SIGBUS;
        }
        insert::code(insert(&self.area))
    }
}

impl Serving {
    /// Inserts without making page tables: under RCU.
    fn map(&self, insert: impl FnOnce(&Area) -> Result<(), Errno>) -> FaultCode {
        self.insert(|area| insert(&Area { makes_tables: false, ..area.clone() }))
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // Left over only if the handler forgot one, or panicked with the page on its way.
        for pfn in self.locked.borrow_mut().drain(..) {
            self.area.tables.machine().memory().unlock(pfn);
        }
    }
}

// SAFETY: point by point as the trait lists them. `NewVma` and `Fault` are made in `Process::mmap` and in
// `fault::serve`, with the mmap lock held, and their fields are private. `Ref` is `Arc`. `Vma::close` drops the
// state, and those who take a VMA away zap before that. An entry that maps a page holds a reference (`insert::fill`),
// put when it is zapped. All operations are safe code on checked arguments.
#[expect(unsafe_code, reason = "the platform's promises")]
unsafe impl Platform for Sim {
    const PAGE_SHIFT: u32 = 12;

    type Page = Page;
    type Memory = Machine;
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

    fn alloc_page(memory: &Machine, _: MaySleep<'_>) -> Result<Page, Errno> {
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

    /// No machine encrypts its memory.
    fn vma_set_decrypted(_: &mut NewVma) {}

    fn establish<V: VmOperations<Platform = Self>>(vma: &mut NewVma, state: Arc<V>) {
        vma.vma.establish(state);
    }

    fn vma_handle(vma: &NewVma) -> Option<Handle> {
        Handle::new(&vma.space, &vma.vma)
    }

    fn abandon(vma: &mut NewVma) {
        vma.vma.table().zap(&vma.vma.range(), true);
        vma.vma.close();
    }

    fn vm_insert_page(vma: &mut NewVma, address: usize, page: &Page) -> Result<(), Errno> {
        vma.area().insert_page(address, page)
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

    fn fault_address(fault: &Fault) -> usize {
        fault.serving.address
    }

    fn fault_pgoff(fault: &Fault) -> PageOffset {
        PageOffset::new(fault.serving.pgoff)
    }

    fn fault_flags(fault: &Fault) -> FaultFlags {
        fault.serving.flags
    }

    fn fault_vma_range(fault: &Fault) -> Range<usize> {
        fault.serving.area.range.clone()
    }

    fn fault_vma_pgoff(fault: &Fault) -> PageOffset {
        PageOffset::new(fault.serving.vma_pgoff)
    }

    fn fault_vma_flags(fault: &Fault) -> VmFlags {
        fault.serving.area.flags
    }

    fn fault_page_prot(fault: &Fault) -> PageProt {
        fault.serving.area.prot
    }

    fn vmf_insert_page(fault: &Fault, address: usize, page: &Page) -> FaultCode {
        fault.serving.insert(|area| area.insert_page(address, page))
    }

    fn vmf_insert_zero_page(fault: &Fault, address: usize) -> FaultCode {
        fault.serving.insert(|area| area.insert_zero_page(address))
    }

    fn vmf_insert_pfn(fault: &Fault, address: usize, pfn: u64, prot: Option<PageProt>) -> FaultCode {
        fault.serving.insert(|area| area.insert_pfn(address, pfn, prot.unwrap_or(area.prot)))
    }

    fn vmf_insert_mixed(fault: &Fault, address: usize, pfn: u64, mkwrite: bool) -> FaultCode {
        fault.serving.insert(|area| area.insert_mixed(address, pfn, mkwrite))
    }

    fn deliver(fault: &Fault, page: Page) {
        *fault.serving.delivered.borrow_mut() = Some(page);
    }

    fn lock_page(fault: &Fault, page: &Page) {
        let serving = &fault.serving;
        if serving.locked.borrow().contains(&page.pfn()) {
            // Sleeping here would be for ever; the access that faulted will report it.
            serving.locked_twice.set(true);
            return;
        }
        page.lock();
        serving.locked.borrow_mut().push(page.pfn());
    }

    fn unlock_page(fault: &Fault, page: &Page) {
        if fault.serving.take_locked(page.pfn()) {
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
        let lock = fault.serving.lock.borrow_mut().take();
        drop(lock);
    }

    fn wait(fault: &Fault, queue: &WaitQueue, wakes: u64) -> Result<(), Errno> {
        fault.serving.mm.wait(queue, wakes)
    }

    fn fault_page(fault: &Fault) -> Page {
        match &fault.serving.page {
            Some(page) => page.clone(),
            // Not reached: the tokens ask only where there is one. The zero page has no count to go wrong.
            None => Page::adopt(fault.serving.mm.machine().clone(), fault.serving.mm.machine().memory().zero_page()),
        }
    }

    fn fault_is_of(fault: &Fault, mappings: &Mappings) -> bool {
        fault.serving.mappings.is(mappings)
    }

    fn vmf_insert_pfn_huge(fault: &Fault, address: usize, frames: FrameRange<'_, Self>) -> FaultCode {
        let write = fault.serving.flags.contains(FaultFlags::WRITE);
        fault.serving.insert(|area| area.insert_huge(address, frames, write))
    }

    fn vmf_map_page(fault: &Fault, address: usize, page: &Page) -> FaultCode {
        fault.serving.map(|area| area.insert_page(address, page))
    }

    fn vmf_map_mixed(fault: &Fault, address: usize, pfn: u64) -> FaultCode {
        fault.serving.map(|area| area.insert_mixed(address, pfn, false))
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
        vma.pgoff(address.get()).map(PageOffset::new)
    }

    fn mapped_slots(vma: &MappedVma, from: PageOffset) -> Option<(PageOffset, Range<usize>)> {
        vma.slots(from.index()).map(|(first, slots)| (PageOffset::new(first), slots))
    }

    fn mapped_insert_page(vma: &MappedVma, address: usize, page: &Page) -> Result<(), Errno> {
        super::vma::insert(vma, address, |area| area.insert_page(address, page))
    }

    fn mapped_insert_pages(vma: &MappedVma, address: usize, pages: &[Page]) -> Result<(), (Errno, usize)> {
        for (done, page) in pages.iter().enumerate() {
            let at = address.saturating_add(done << Self::PAGE_SHIFT);
            Self::mapped_insert_page(vma, at, page).map_err(|errno| (errno, done))?;
        }
        Ok(())
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

    fn fault_serial(fault: &Fault) -> u32 {
        fault.serving.serial
    }
}
