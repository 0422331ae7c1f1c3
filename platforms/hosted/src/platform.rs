//! A whole [`Platform`](vmctx::Platform) of the parts in this crate.

/// Implements [`Platform`](vmctx::Platform) for a type that is [`Paged`](crate::Paged), with the types of this crate:
/// each raw operation is the method of the same name of [`NewVma`](crate::NewVma), [`Fault`](crate::Fault) or
/// [`EstablishedVma`](crate::established::EstablishedVma).
///
/// ```ignore
/// vmctx_hosted::platform! {
///     // SAFETY: frames are counted, and entries kept, as `Machine` and `PageTable` promise.
///     unsafe impl Platform for Example {
///         const PAGE_SHIFT: u32 = 12;
///     }
/// }
/// ```
///
/// # Safety
/// What the traits say is so, of which `Platform`'s promises are made:
///
/// - the [`Machine`](crate::Machine) gives a frame out again only when all references to it were put, has frames of
///   `1 << PAGE_SHIFT` bytes, and says rightly [what they are](crate::Machine::kind);
/// - the [`PageTable`](crate::PageTable) has the entries that were put into it, each until it is taken out, and users
///   reach memory through them alone, with the entry's lock held;
/// - [`Hosted::mappings`](crate::vma::Hosted::mappings) of one file, and of all files of one object, are the same;
/// - none of them calls back: no [`Process`](crate::Process) is used, and no driver's code runs, in their methods.
///
/// Drivers rely on it. This crate itself reaches bytes through the machine alone, and what it does with pointers does
/// not depend on any of this.
#[macro_export]
macro_rules! platform {
    (
        unsafe impl Platform for $platform:ty {
            const PAGE_SHIFT: u32 = $shift:expr;
        }
    ) => {
        const _: () = {
            use ::std::ops::Range;
            use $crate::vmctx::{
                Errno, FrameRange, MaySleep, PageCount, PageOffset, PageProt, Platform, UserAddr, VmOperations,
                platform::{Cache, FaultCode, FaultFlags, VmFlags},
            };

            // SAFETY: point by point as the trait lists them. `NewVma` and `Fault` are made by `vmctx-hosted` alone,
            // with the mmap lock held, and their fields are private. `Ref` is an `Arc`, and invariant in the type.
            // `Vma::close` drops the state, and those who take a VMA away zap before that. An entry that maps a page
            // holds a reference, put when it is taken out. All operations check their arguments. What remains is the
            // promise of whoever wrote `unsafe impl`.
            #[expect(unsafe_code, reason = "the platform's promises")]
            unsafe impl Platform for $platform {
                const PAGE_SHIFT: u32 = $shift;

                type Page = $crate::Page<$crate::MachineOf<Self>>;
                type Memory = $crate::MachineOf<Self>;
                type Iomem = $crate::DeviceMemory<Self, $crate::MachineOf<Self>>;
                type WaitQueue = $crate::WaitQueue;
                type RwLock<T: Send + Sync + 'static> = $crate::RwLock<T>;
                type Mutex<T: Send + 'static> = $crate::Mutex<T>;
                type SpinLock<T: Send + 'static> = $crate::SpinLock<T>;
                type Object = $crate::Object;
                type Handle = $crate::established::Handle<Self>;
                type Caller = $crate::established::Caller<Self>;
                type EstablishedVma = $crate::established::EstablishedVma<Self>;
                type Ref<T: Send + Sync + 'static> = $crate::Ref<T>;
                type Vma = $crate::NewVma<Self>;
                type Fault = $crate::Fault<Self>;

                #[track_caller]
                fn share<T: Send + Sync + 'static>(value: T, _: MaySleep<'_>) -> Result<Self::Ref<T>, Errno> {
                    $crate::might_sleep($crate::MightSleep::Allocation);
                    Ok($crate::Ref::new(value))
                }

                #[track_caller]
                fn alloc_page(memory: &Self::Memory, _: MaySleep<'_>) -> Result<Self::Page, Errno> {
                    Self::Page::alloc(memory)
                }

                fn is_only_reference(page: &Self::Page) -> bool {
                    page.references() == 1
                }

                fn page_pfn(page: &Self::Page) -> u64 {
                    page.pfn()
                }

                #[track_caller]
                fn new_object(_: MaySleep<'_>) -> Result<Self::Object, Errno> {
                    $crate::might_sleep($crate::MightSleep::Allocation);
                    Ok(Self::Object::default())
                }

                #[track_caller]
                fn unmap_mapping_range(mappings: &Self::Object, first: PageOffset, count: PageCount, _: MaySleep<'_>) {
                    mappings.unmap(&(first.index()..first.index().saturating_add(count.get())), false);
                }

                fn vma_range(vma: &Self::Vma) -> Range<usize> {
                    vma.range()
                }

                fn vma_pgoff(vma: &Self::Vma) -> PageOffset {
                    vma.pgoff()
                }

                fn vma_flags(vma: &Self::Vma) -> VmFlags {
                    vma.flags()
                }

                fn vma_change_flags(vma: &mut Self::Vma, set: VmFlags, clear: VmFlags) {
                    vma.change_flags(set, clear);
                }

                fn vma_set_cache(vma: &mut Self::Vma, cache: Cache) {
                    vma.set_cache(cache);
                }

                fn establish<V: VmOperations<Platform = Self>>(
                    vma: &mut Self::Vma,
                    state: Self::Ref<V>,
                ) -> Result<(), Errno> {
                    vma.establish(state)
                }

                fn vma_is_of(vma: &Self::Vma, object: &Self::Object) -> bool {
                    vma.is_of(object)
                }

                fn vma_tells_of_stores(vma: &mut Self::Vma) -> Result<(), Errno> {
                    vma.tell_of_stores();
                    Ok(())
                }

                fn vma_handle(vma: &Self::Vma) -> Option<Self::Handle> {
                    vma.handle()
                }

                #[track_caller]
                fn vm_insert_page(vma: &mut Self::Vma, address: usize, page: &Self::Page) -> Result<(), Errno> {
                    vma.insert_page(address, page)
                }

                #[track_caller]
                fn vm_insert_zero_page(vma: &mut Self::Vma, address: usize) -> Result<(), Errno> {
                    vma.insert_zero_page(address)
                }

                #[track_caller]
                fn vm_insert_mixed(vma: &mut Self::Vma, address: usize, pfn: u64) -> Result<(), Errno> {
                    vma.insert_mixed(address, pfn)
                }

                #[track_caller]
                fn remap_pfn_range(
                    vma: &mut Self::Vma,
                    address: usize,
                    frames: FrameRange<'_, Self>,
                ) -> Result<(), Errno> {
                    vma.remap(address, frames)
                }

                fn fault_address(fault: &Self::Fault) -> usize {
                    fault.address()
                }

                fn fault_pgoff(fault: &Self::Fault) -> PageOffset {
                    fault.pgoff()
                }

                fn fault_flags(fault: &Self::Fault) -> FaultFlags {
                    fault.flags()
                }

                fn fault_vma_range(fault: &Self::Fault) -> Range<usize> {
                    fault.vma_range()
                }

                fn fault_vma_pgoff(fault: &Self::Fault) -> PageOffset {
                    fault.vma_pgoff()
                }

                fn fault_vma_flags(fault: &Self::Fault) -> VmFlags {
                    fault.vma_flags()
                }

                fn fault_page_prot(fault: &Self::Fault) -> PageProt {
                    fault.page_prot()
                }

                #[track_caller]
                fn vmf_insert_page(fault: &Self::Fault, address: usize, page: &Self::Page) -> FaultCode {
                    fault.insert_page(address, page)
                }

                #[track_caller]
                fn vmf_insert_zero_page(fault: &Self::Fault, address: usize) -> FaultCode {
                    fault.insert_zero_page(address)
                }

                #[track_caller]
                fn vmf_insert_pfn(fault: &Self::Fault, address: usize, pfn: u64, prot: Option<PageProt>) -> FaultCode {
                    fault.insert_pfn(address, pfn, prot)
                }

                #[track_caller]
                fn vmf_insert_mixed(fault: &Self::Fault, address: usize, pfn: u64, mkwrite: bool) -> FaultCode {
                    fault.insert_mixed(address, pfn, mkwrite)
                }

                #[track_caller]
                fn vmf_mixed_mkwrite(fault: &Self::Fault, pfn: u64) -> FaultCode {
                    fault.mixed_mkwrite(pfn)
                }

                #[track_caller]
                fn deliver(fault: &Self::Fault, page: Self::Page) {
                    fault.deliver(page);
                }

                #[track_caller]
                fn lock_page(fault: &Self::Fault, page: &Self::Page) {
                    fault.lock_page(page);
                }

                fn unlock_page(fault: &Self::Fault, page: &Self::Page) {
                    fault.unlock_page(page);
                }

                #[track_caller]
                fn caller_wait(_: &Self::Caller, queue: &Self::WaitQueue, wakes: u64) -> Result<(), Errno> {
                    queue.wait(wakes)
                }

                #[track_caller]
                fn caller_lock_page(caller: &Self::Caller, page: &Self::Page) {
                    caller.lock_page(page);
                }

                fn caller_unlock_page(caller: &Self::Caller, page: &Self::Page) {
                    // SAFETY: `Platform` has this called only for a page that was locked with the operation above.
                    unsafe { caller.unlock_page(page) };
                }

                fn release(fault: &Self::Fault) {
                    fault.release();
                }

                #[track_caller]
                fn wait(fault: &Self::Fault, queue: &Self::WaitQueue, wakes: u64) -> Result<(), Errno> {
                    fault.wait(queue, wakes)
                }

                fn fault_page(fault: &Self::Fault) -> Self::Page {
                    fault.page()
                }

                fn fault_is_of(fault: &Self::Fault, mappings: &Self::Object) -> bool {
                    fault.is_of(mappings)
                }

                #[track_caller]
                fn vmf_insert_pfn_huge(fault: &Self::Fault, address: usize, frames: FrameRange<'_, Self>) -> FaultCode {
                    fault.insert_huge(address, frames)
                }

                #[track_caller]
                fn vmf_map_page(fault: &Self::Fault, address: usize, page: &Self::Page) -> FaultCode {
                    fault.map_page(address, page)
                }

                #[track_caller]
                fn vmf_map_mixed(fault: &Self::Fault, address: usize, pfn: u64) -> FaultCode {
                    fault.map_mixed(address, pfn)
                }

                #[track_caller]
                fn lock_handle(handle: &Self::Handle, wait: bool) -> Result<Self::EstablishedVma, Errno> {
                    handle.lock(wait)
                }

                #[track_caller]
                fn lock_at<V: VmOperations<Platform = Self>>(
                    caller: &Self::Caller,
                    address: UserAddr,
                ) -> Result<Self::EstablishedVma, Errno> {
                    caller.lock_at::<V>(address.get())
                }

                fn established_state<V: VmOperations<Platform = Self>>(vma: &Self::EstablishedVma) -> Option<&V> {
                    vma.state()
                }

                fn established_pgoff(vma: &Self::EstablishedVma, address: UserAddr) -> Option<PageOffset> {
                    vma.pgoff(address.get())
                }

                fn established_slots(
                    vma: &Self::EstablishedVma,
                    from: PageOffset,
                ) -> Option<(PageOffset, Range<usize>)> {
                    vma.slots(from)
                }

                #[track_caller]
                fn established_insert_page(
                    vma: &Self::EstablishedVma,
                    address: usize,
                    page: &Self::Page,
                ) -> Result<(), Errno> {
                    vma.insert_page(address, page)
                }

                #[track_caller]
                fn established_insert_zero_page(vma: &Self::EstablishedVma, address: usize) -> Result<(), Errno> {
                    vma.insert_zero_page(address)
                }

                #[track_caller]
                fn established_insert_pfn(vma: &Self::EstablishedVma, address: usize, pfn: u64) -> Result<(), Errno> {
                    vma.insert_pfn(address, pfn)
                }

                #[track_caller]
                fn established_insert_mixed(vma: &Self::EstablishedVma, address: usize, pfn: u64) -> Result<(), Errno> {
                    vma.insert_mixed(address, pfn)
                }

                #[track_caller]
                fn established_zap(vma: &Self::EstablishedVma, addresses: Range<usize>) {
                    vma.zap(&addresses);
                }

                #[track_caller]
                fn established_write_protect(vma: &Self::EstablishedVma, addresses: Range<usize>) {
                    vma.write_protect(&addresses);
                }

                fn fault_serial(fault: &Self::Fault) -> u32 {
                    fault.serial()
                }
            }
        };
    };
}
