//! What a kernel, a hypervisor or a user-space pager implements so that drivers run on it.
//!
//! A platform consists of three things:
//!
//! 1. the types: a [page](Platform::Page), a [VMA under construction](Platform::Vma), a [fault](Platform::Fault),
//!    [shared ownership](Platform::Ref), and where a driver's memory comes from;
//! 2. the raw operations of [`Platform`], named after Linux's. `vm_*` belong to the mmap hook and answer
//!    `Result<_, Errno>`, `vmf_*` belong to the fault hook and answer a [`FaultCode`];
//! 3. the adapters that call [`entry::mmap`](crate::entry::mmap) and [`entry::fault`](crate::entry::fault) from the
//!    platform's own hooks. One that has hooks before there is a VMA asks a file for its
//!    [prepare hook](crate::MmapFile::prepare_hook), and calls [`entry::mmap_prepare`](crate::entry::mmap_prepare); on
//!    any other such files have a mmap hook like the rest.
//!
//! Drivers name its types, and call [`Platform::alloc_page`] and [`Platform::share`]: the crate's page [says which they
//! are](crate#memory-sharing-and-locks). Nothing else of it is for them. A driver cannot call the raw operations, because it never has a `Vma` or a `Fault`:
//! **a value of one of these types is the proof that the locks are held**, and only the platform makes them. Rules that
//! every platform would have to repeat are in the tokens and the entry points, not here: bounds, kinds, what an errno
//! means in a fault, the reference to the state that is taken before a lock is given up.
//!
//! What a platform has no means for it leaves to the [defaults](Platform#what-a-platform-may-lack). In which order it calls
//! hooks, what their answers oblige it to, which rights a mapping has, and in which order locks are taken, is on the page
//! [Bringing a platform](crate::guide::platforms).
//!
//! To read beside this page: `tests/smallest_platform.rs` has the least that a platform can be, and
//! `platforms/uffd/src/platform.rs` each operation. A platform that runs in an ordinary program finds VMAs, locks,
//! queues and the fault path in `vmctx-hosted`, of which `vmctx-sim` is made; `vmctx-conformance` says what a platform
//! gets wrong.

use core::ops::{Deref, Range};

pub use crate::{
    accessed::{AccessBuffer, AccessedVma},
    answer::SERIAL_BITS,
    flags::{FaultCode, FaultFlags, VmFlags},
    prot::Cache,
};

// A platform hands out frames and calls a driver's hooks, and both are generic over the platform. So these three are
// the only names that this crate cannot have below their user.
use crate::{FrameRange, Iomem, VmOperations};
use crate::{
    errno::Errno,
    lock::{Mutex, RwLock, SpinLock},
    page::PageRef,
    prot::PageProt,
    sleep::MaySleep,
    units::{PageCount, PageOffset, UserAddr},
    wait::WaitQueue,
};

/// A kernel or a pager on which drivers run.
///
/// As a rule it is a type without values. It is `Send` and `Sync` so that `PhantomData<P>` is, in what a driver has for
/// each platform and shares.
///
/// ```
/// use vmctx::{Errno, MaySleep, PageRef, Platform};
///
/// /// A page with a greeting, wherever this runs.
/// fn greeting<P: Platform>(memory: &P::Memory, may_sleep: MaySleep<'_>) -> Result<P::Page, Errno> {
///     let page = P::alloc_page(memory, may_sleep)?;
///     page.write(0, b"hello").map_err(|_| Errno::EFAULT)?;
///     Ok(page)
/// }
/// ```
///
/// # What a platform may lack
///
/// An operation with a default can be left out. The driver that asks for it compiles all the same, and sees this:
///
/// | the platform has no | operations with a default | and the driver sees |
/// | --- | --- | --- |
/// | memory of its own | [`alloc_page`](Self::alloc_page), [`share`](Self::share) | ENOSYS: pages and states come from elsewhere |
/// | memory in the order of offsets | [`alloc_page_at`](Self::alloc_page_at) | pages wherever they lie |
/// | insertion of pages | [`vm_insert_page`](Self::vm_insert_page) | ENOSYS |
/// | | [`vmf_insert_page`](Self::vmf_insert_page) | SIGBUS, or [`Prefault::Refused`](crate::Prefault::Refused): pages are [delivered](crate::FaultCtx::deliver) |
/// | insertion of many pages at once | [`vm_insert_pages`](Self::vm_insert_pages), [`vmf_insert_pages`](Self::vmf_insert_pages), [`established_insert_pages`](Self::established_insert_pages) | one insertion after the other |
/// | zero page | [`vm_insert_zero_page`](Self::vm_insert_zero_page), [`established_insert_zero_page`](Self::established_insert_zero_page) | ENOSYS |
/// | | [`vmf_insert_zero_page`](Self::vmf_insert_zero_page) | SIGBUS |
/// | frames by number | [`remap_pfn_range`](Self::remap_pfn_range), [`vm_insert_mixed`](Self::vm_insert_mixed), [`established_insert_pfn`](Self::established_insert_pfn), [`established_insert_mixed`](Self::established_insert_mixed) | ENOSYS |
/// | | [`vmf_insert_pfn`](Self::vmf_insert_pfn), [`vmf_insert_mixed`](Self::vmf_insert_mixed), [`vmf_mixed_mkwrite`](Self::vmf_mixed_mkwrite) | SIGBUS, or [`Prefault::Refused`](crate::Prefault::Refused) |
/// | large entries | [`vmf_insert_pfn_huge`](Self::vmf_insert_pfn_huge) | FALLBACK: the `fault` hook is asked |
/// | insertion under RCU | [`vmf_map_page`](Self::vmf_map_page), [`vmf_map_mixed`](Self::vmf_map_mixed) | [`Prefault::Refused`](crate::Prefault::Refused): the `fault` hook is asked |
/// | count of a page's references | [`is_only_reference`](Self::is_only_reference) | an error with the page from [`UniquePage::claim`](crate::UniquePage::claim) |
/// | faults and system calls that wait | [`wait`](Self::wait), [`caller_wait`](Self::caller_wait) | ENOSYS |
/// | cache attributes, encryption | [`vma_set_cache`](Self::vma_set_cache), [`vma_set_decrypted`](Self::vma_set_decrypted), [`fault_page_prot`](Self::fault_page_prot) | memory as it is anyway |
/// | objects to revoke access to | [`new_object`](Self::new_object) | ENOSYS from [`SharedObject::new`](crate::SharedObject::new) |
/// | | [`vma_is_of`](Self::vma_is_of) | EINVAL for a state that [names its object](crate::Hooks::object) |
/// | | [`fault_is_of`](Self::fault_is_of) | SIGBUS from [`Resident::insert`](crate::Resident::insert) |
/// | way to hold stores back before there is a state | [`vma_tells_of_stores`](Self::vma_tells_of_stores) | ENOSYS for a mapping that a [prepare hook](crate::PrepareFile) has filled at once and whose first stores are told |
/// | handles of mappings | [`vma_handle`](Self::vma_handle) | EINVAL from [`MmapCtx::handle`](crate::MmapCtx::handle); [`PrepareFile::handle`](crate::PrepareFile::handle) is not called |
/// | way to established mappings | [`lock_handle`](Self::lock_handle), [`lock_at`](Self::lock_at) | ENOSYS |
/// | | [`established_insert_page`](Self::established_insert_page) | ENOSYS |
/// | | [`established_state`](Self::established_state), [`established_pgoff`](Self::established_pgoff), [`established_slots`](Self::established_slots) | `None` |
/// | debugger | none: [`entry::access`](crate::entry::access) is not called | nothing: its [`access`](crate::Hooks::access) hook is never asked |
/// | frames copied for a debugger | [`AccessedVma::copy_mapped`] | ENOSYS from [`AccessCtx::copy_mapped`](crate::AccessCtx::copy_mapped) |
/// | way to protect established pages | [`established_write_protect`](Self::established_write_protect) | the pages are taken away instead |
///
/// There is no default where a driver could not see that nothing was done: a page that is not locked, an entry that is
/// not taken away. Where there is nothing to lock or to take away, an uninhabited type says so: with `enum Never {}`
/// for [`EstablishedVma`](Self::EstablishedVma), [`established_zap`](Self::established_zap) is `match *vma {}`.
///
/// # Safety
/// The implementer promises what the safe API of the tokens is built on.
///
/// - A [`Vma`](Self::Vma) exists only while its mmap lock is held for write and the VMA is being made; a
///   [`Fault`](Self::Fault) only while the fault is being served. Neither can be had by a driver.
/// - All clones of a [`Ref`](Self::Ref) lead to one and the same value at one and the same address, which lives until
///   the last is dropped. `Ref<T>`, the locks and whatever else holds a driver's type are invariant in it, and a
///   state is recognised by its address **and** its [`TypeId`](core::any::TypeId): `for<'a> fn(&'a ())` is a
///   `fn(&'static ())`, and each can have operations, and a kind, of its own.
/// - The file of a VMA stays open, and its driver alive, for as long as the VMA or one that fork, a cut or a move made
///   of it is there; it is the file whose mmap hook was called.
/// - The state given to [`establish`](Self::establish) is dropped only after no user can reach the mapping's pages any
///   more: zap first, then drop. It is shared by what fork and split make of the mapping.
/// - A frame's number ([`page_pfn`](Self::page_pfn), [`FrameSource::base`](crate::FrameSource::base)) means one frame
///   for the life of the program, in whichever memory it is used: a driver keeps frames as numbers, and may insert one
///   where it does not belong. That is refused, as is a number of nothing.
/// - A page inserted with a reference ([`vm_insert_page`](Self::vm_insert_page) and relatives) stays allocated until it
///   has been taken out again. A page passed to [`deliver`](Self::deliver) brings its reference with it.
/// - Every raw operation is safe to call with any arguments that meet the conditions in its documentation. What Linux
///   meets with `BUG_ON` is excluded by those, or answered with an error.
#[expect(unsafe_code, reason = "the promises above cannot be checked")]
pub unsafe trait Platform: Sized + Send + Sync + 'static {
    /// The base-2 logarithm of the page size in bytes: 12 for 4 KiB.
    const PAGE_SHIFT: u32;
    /// The page size in bytes.
    const PAGE_SIZE: usize = 1 << Self::PAGE_SHIFT;

    /// A page that a driver owns a reference to, fit to be mapped: not anonymous, not slab, not the zero page.
    #[doc(alias("get_page", "put_page"))]
    type Page: PageRef;

    /// Where a driver's pages come from: a zone, a memfd, a software machine. Cloning is cheap and gives the same
    /// source.
    type Memory: Clone + Send + Sync + 'static;

    /// Memory whose frames have no `struct page`, and which vouches for them: a BAR, an aperture. Clones are of the
    /// same memory.
    type Iomem: Iomem<Platform = Self> + Clone;

    /// A queue on which a fault can wait for something to change.
    type WaitQueue: WaitQueue;

    /// A lock for a driver's state, which many may hold to read it, or one to change it.
    type RwLock<T: Send + Sync + 'static>: RwLock<T>;

    /// A lock for a driver's state, which one at a time may hold.
    type Mutex<T: Send + 'static>: Mutex<T>;

    /// A lock for a driver's state, which one at a time may hold, and which is waited for without sleeping. One type can
    /// be all three locks, if it lets one thread in at a time and waits as this one must.
    type SpinLock<T: Send + 'static>: SpinLock<T>;

    /// All the mappings of one object (`struct address_space`). Clones are of the same object.
    type Object: Clone + Send + Sync + 'static;

    /// What finds a mapping again: its process, and the state that it was established with. It keeps neither alive. It
    /// remembers which page was at which address, for [`established_slots`](Self::established_slots).
    type Handle: Send + Sync + 'static;

    /// A thread in a system call, which holds no mmap lock and runs no hook. It says whose address space is meant.
    type Caller;

    /// An established mapping whose mmap lock is held for read until the value is dropped: all VMAs of one process that
    /// share one state.
    type EstablishedVma;

    /// Shared ownership of a mapping's state: `Arc`, or a kernel allocation with a reference count.
    type Ref<T: Send + Sync + 'static>: Deref<Target = T> + Clone + Send + Sync + 'static;

    /// The `vm_area_struct` of a mapping that is being made. The mmap lock is held for write as long as it exists.
    type Vma;

    /// The `vm_fault` of a fault that is being served. Operations take it shared: what they change is behind a pointer.
    type Fault;

    /// Puts a value under shared ownership.
    ///
    /// Default: ENOSYS.
    ///
    /// # Errors
    /// ENOMEM; the value is dropped.
    #[doc(alias("kmalloc", "kref"))]
    #[rustfmt::skip]
    fn share<T: Send + Sync + 'static>( // in a hook: `P::share(value, ctx.may_sleep())?`
        value: T,
        may_sleep: MaySleep<'_>,
    ) -> Result<Self::Ref<T>, Errno> {
        let _ = (value, may_sleep);
        Err(Errno::ENOSYS)
    }

    /// A fresh zeroed page (`alloc_page(GFP_KERNEL | __GFP_ZERO)`).
    ///
    /// Default: ENOSYS.
    ///
    /// # Errors
    /// ENOMEM.
    #[rustfmt::skip]
    fn alloc_page( // in a hook: `P::alloc_page(&self.memory, ctx.may_sleep())?`
        memory: &Self::Memory,
        may_sleep: MaySleep<'_>,
    ) -> Result<Self::Page, Errno> {
        let _ = (memory, may_sleep);
        Err(Errno::ENOSYS)
    }

    /// A fresh zeroed page, for this page of the object that the memory is for: a `PageCache` has its
    /// pages from here. A platform whose memory can be kept for an object overrides it, so that pages that are made in any
    /// order lie in the order of their offsets.
    ///
    /// Default: [`alloc_page`](Self::alloc_page).
    ///
    /// # Errors
    /// As there.
    fn alloc_page_at(memory: &Self::Memory, at: PageOffset, may_sleep: MaySleep<'_>) -> Result<Self::Page, Errno> {
        let _ = at;
        Self::alloc_page(memory, may_sleep)
    }

    /// Whether this is the only reference to the page: no mapping has one, nor anybody else (`page_count` is 1).
    /// Whoever asks owns the reference, so the answer yes stays true until it is given away. (Entries of the page's
    /// frame, inserted by number, have no reference.)
    ///
    /// Default: no, and the page is never taken for [unused](crate::UniquePage::claim).
    fn is_only_reference(page: &Self::Page) -> bool {
        let _ = page;
        false
    }

    /// The frame number of a page.
    fn page_pfn(page: &Self::Page) -> u64;

    /// An object without mappings.
    ///
    /// Default: ENOSYS.
    ///
    /// # Errors
    /// ENOMEM.
    fn new_object(may_sleep: MaySleep<'_>) -> Result<Self::Object, Errno> {
        let _ = may_sleep;
        Err(Errno::ENOSYS)
    }

    /// `unmap_mapping_range` without `even_cows`: takes `count` pages, never zero of them, from `first` on out of every
    /// mapping of the object. It takes no mmap lock. When it returns, no access to those pages is under way any more.
    fn unmap_mapping_range(mappings: &Self::Object, first: PageOffset, count: PageCount, may_sleep: MaySleep<'_>);

    // ---- The VMA that is being made ------------------------------------------------------------------------------

    /// `vm_start..vm_end`, in bytes.
    fn vma_range(vma: &Self::Vma) -> Range<usize>;

    /// `vm_pgoff`: the offset of the mapping's first page.
    fn vma_pgoff(vma: &Self::Vma) -> PageOffset;

    /// `vm_flags`.
    fn vma_flags(vma: &Self::Vma) -> VmFlags;

    /// `vm_flags_mod`: sets flags, then clears others. [`vm_page_prot`](crate::guide::platforms#rights) follows.
    fn vma_change_flags(vma: &mut Self::Vma, set: VmFlags, clear: VmFlags);

    /// Changes the cache attribute in `vm_page_prot`: what is inserted from now on has it.
    ///
    /// Default: nothing, for a platform whose memory is all cached alike.
    fn vma_set_cache(vma: &mut Self::Vma, cache: Cache) {
        let _ = (vma, cache);
    }

    /// `pgprot_decrypted`: what is inserted from now on is not encrypted, whatever cache attribute it gets.
    ///
    /// Default: nothing, for a platform that encrypts no memory.
    fn vma_set_decrypted(vma: &mut Self::Vma) {
        let _ = vma;
    }

    /// Installs the driver's operations and its state in the VMA (`vm_ops`, `vm_private_data`), and calls the [open
    /// hook](crate::Hooks::registered_open), if one is registered ([G23](crate::guide::guarantees#g23)). Called once at
    /// most, and before anything is inserted, but for what a [prepare hook](crate::PrepareFile) has named to be. The
    /// functions in that `vm_ops` call [`entry::fault::<V>`](crate::entry::fault), and the entry points of those hooks
    /// that are registered in `V::HOOKS`. If one of these is [told of stores](crate::Hooks::is_told_of_stores), what is
    /// inserted into a shared mapping from now on is not writable.
    ///
    /// # Errors
    /// EINVAL for a VMA with none of the flags that keep Linux from merging it with a neighbour
    /// ([`VmFlags::SPECIAL`]). The core has set one, so this is the platform's check of itself: a VMA that is merged
    /// loses its state, or overwrites its neighbour's. Else what the open hook fails with. The state is dropped in both
    /// cases, and no close hook is called.
    fn establish<V: VmOperations<Platform = Self>>(vma: &mut Self::Vma, state: Self::Ref<V>) -> Result<(), Errno>;

    /// Whether a mapping of the VMA's file is a mapping of this object.
    ///
    /// Default: `false`, and a state that [names its object](crate::Hooks::object) is EINVAL.
    fn vma_is_of(vma: &Self::Vma, object: &Self::Object) -> bool {
        let _ = (vma, object);
        false
    }

    /// What is inserted from now on into a shared mapping is not writable, because the state that is
    /// [established](Self::establish) later is told of first stores ([`Hooks::is_told_of_stores`](crate::Hooks::is_told_of_stores)).
    /// Called where a [prepare hook](crate::PrepareFile) has the VMA filled before there is a state.
    ///
    /// Default: ENOSYS.
    ///
    /// # Errors
    /// None of its own.
    fn vma_tells_of_stores(vma: &mut Self::Vma) -> Result<(), Errno> {
        let _ = vma;
        Err(Errno::ENOSYS)
    }

    /// A handle for the mapping, or `None` if no state was established.
    ///
    /// Default: `None`, and the driver's [`MmapCtx::handle`](crate::MmapCtx::handle) is EINVAL.
    fn vma_handle(vma: &Self::Vma) -> Option<Self::Handle> {
        let _ = vma;
        None
    }

    /// `vm_insert_page`. `address` is a page's, inside the VMA; `VM_MIXEDMAP` is set.
    ///
    /// Default: ENOSYS.
    ///
    /// # Errors
    /// ENOMEM without a page table, EBUSY if something is there already, EINVAL for a page that may not be mapped.
    fn vm_insert_page(vma: &mut Self::Vma, address: usize, page: &Self::Page) -> Result<(), Errno> {
        let _ = (vma, address, page);
        Err(Errno::ENOSYS)
    }

    /// `vm_insert_pages`: all of them from `address` on, in order. They fit the VMA; `VM_MIXEDMAP` is set.
    ///
    /// Default: one after the other.
    ///
    /// # Errors
    /// As [`vm_insert_page`](Self::vm_insert_page), and how many are in: those stay.
    #[track_caller]
    fn vm_insert_pages(vma: &mut Self::Vma, address: usize, pages: &[Self::Page]) -> Result<(), (Errno, usize)> {
        for (done, at, page) in one_by_one::<Self>(address, pages) {
            Self::vm_insert_page(vma, at, page).map_err(|errno| (errno, done))?;
        }
        Ok(())
    }

    /// `vm_insert_page` of the zero page. As [`vm_insert_page`](Self::vm_insert_page).
    ///
    /// Default: ENOSYS.
    ///
    /// # Errors
    /// Also EINVAL where Linux does not allow the zero page: a shared mapping that is or may become writable.
    fn vm_insert_zero_page(vma: &mut Self::Vma, address: usize) -> Result<(), Errno> {
        let _ = (vma, address);
        Err(Errno::ENOSYS)
    }

    /// Inserts a frame that may have a page behind it while the mapping is made. If there is one, the mapping takes a
    /// reference. (Linux does not where its page table entries have a bit that says so, as on x86.) `VM_MIXEDMAP` is set. Linux has only `vmf_insert_mixed` for it, whose answer the platform translates
    /// here.
    ///
    /// Default: ENOSYS.
    ///
    /// # Errors
    /// As [`vm_insert_page`](Self::vm_insert_page).
    fn vm_insert_mixed(vma: &mut Self::Vma, address: usize, pfn: u64) -> Result<(), Errno> {
        let _ = (vma, address, pfn);
        Err(Errno::ENOSYS)
    }

    /// `remap_pfn_range`: maps `frames` from `address` on. They fit the VMA, and nothing is mapped there yet. Sets
    /// `VM_IO`, `VM_PFNMAP`, `VM_DONTEXPAND` and `VM_DONTDUMP`. In a copy-on-write mapping they are the whole VMA's.
    ///
    /// Default: ENOSYS.
    ///
    /// # Errors
    /// ENOMEM without page tables, EINVAL for frames that may not be mapped; nothing of the range is then mapped.
    fn remap_pfn_range(vma: &mut Self::Vma, address: usize, frames: FrameRange<'_, Self>) -> Result<(), Errno> {
        let _ = (vma, address, frames);
        Err(Errno::ENOSYS)
    }

    // ---- The fault that is being served --------------------------------------------------------------------------

    /// The address of the fault, in bytes, with all its bits (`vmf->real_address`).
    fn fault_address(fault: &Self::Fault) -> usize;

    /// `vmf->pgoff`: which page of the object is missing.
    fn fault_pgoff(fault: &Self::Fault) -> PageOffset;

    /// `vmf->flags`.
    fn fault_flags(fault: &Self::Fault) -> FaultFlags;

    /// `vm_start..vm_end` of the fault's VMA, in bytes.
    fn fault_vma_range(fault: &Self::Fault) -> Range<usize>;

    /// `vm_pgoff` of the fault's VMA.
    fn fault_vma_pgoff(fault: &Self::Fault) -> PageOffset;

    /// `vm_flags` of the fault's VMA.
    fn fault_vma_flags(fault: &Self::Fault) -> VmFlags;

    /// The protection that the fault's VMA gives to what is inserted (`vm_page_prot`).
    ///
    /// Default: cached memory, with the right to write where the VMA's flags have it.
    fn fault_page_prot(fault: &Self::Fault) -> PageProt {
        let writable = VmFlags::SHARED | VmFlags::WRITE;
        PageProt::of_vma(Self::fault_vma_flags(fault).contains(writable), Cache::WriteBack)
    }

    /// `vmf_insert_page`. `address` is a page's, inside the VMA; `VM_MIXEDMAP` is set.
    /// [`FaultCode::from_insertion`] has the rule for what comes back.
    ///
    /// Default: SIGBUS.
    fn vmf_insert_page(fault: &Self::Fault, address: usize, page: &Self::Page) -> FaultCode {
        let _ = (fault, address, page);
        FaultCode::SIGBUS
    }

    /// [`vmf_insert_page`](Self::vmf_insert_page) of `pages`, of which there is at least one, from `address` on. Their
    /// slots lie together inside the VMA, and none of them is the fault's own. Returns how many went in: a slot that is
    /// filled already is left alone, a page that may not be mapped is left out, and the others go to their slots all
    /// the same. Without memory for a page table it ends. It may sleep, so it is never called for a `map_pages`.
    ///
    /// Default: one after the other. Override it where one call costs less than many.
    #[track_caller]
    fn vmf_insert_pages(fault: &Self::Fault, address: usize, pages: &[Self::Page]) -> usize {
        let mut inserted = 0_usize;
        let mut at = address;
        for page in pages {
            let code = Self::vmf_insert_page(fault, at, page);
            if code.contains(FaultCode::NOPAGE) && !code.contains(FaultCode::ALREADY_PRESENT) {
                inserted = inserted.saturating_add(1);
            }
            if code.contains(FaultCode::OOM) {
                break;
            }
            at = at.saturating_add(Self::PAGE_SIZE);
        }
        inserted
    }

    /// The zero page, as [`vmf_insert_page`](Self::vmf_insert_page); SIGBUS where Linux does not allow it.
    ///
    /// Default: SIGBUS.
    fn vmf_insert_zero_page(fault: &Self::Fault, address: usize) -> FaultCode {
        let _ = (fault, address);
        FaultCode::SIGBUS
    }

    /// `vmf_insert_pfn`, or `vmf_insert_pfn_prot` if there is a protection of its own. `VM_PFNMAP` is set, and the
    /// mapping is no copy-on-write one. NOPAGE also where something is there already, with
    /// [`FaultCode::ALREADY_PRESENT`] where the platform can tell.
    ///
    /// A protection of its own has the mapping's rights, and perhaps another cache attribute, which has to outlive
    /// mprotect ([G26](crate::guide::guarantees#g26)). Where an entry would get the mapping's back (`pte_modify` on
    /// arm64; x86 keeps the entry's), mprotect of a mapping with such entries is refused with EACCES.
    ///
    /// Default: SIGBUS.
    fn vmf_insert_pfn(fault: &Self::Fault, address: usize, pfn: u64, prot: Option<PageProt>) -> FaultCode {
        let _ = (fault, address, pfn, prot);
        FaultCode::SIGBUS
    }

    /// `vmf_insert_mixed`, or `vmf_insert_mixed_mkwrite` if `mkwrite`. `VM_MIXEDMAP` is set. Else as
    /// [`vmf_insert_pfn`](Self::vmf_insert_pfn); something else that is there is left alone, without a WARN.
    /// In a private mapping `mkwrite` must make nothing writable. (In Linux it does: ignore it there.)
    ///
    /// Default: SIGBUS.
    fn vmf_insert_mixed(fault: &Self::Fault, address: usize, pfn: u64, mkwrite: bool) -> FaultCode {
        let _ = (fault, address, pfn, mkwrite);
        FaultCode::SIGBUS
    }

    /// In a `page_mkwrite` or a `pfn_mkwrite`: makes the entry at the fault's address writable and dirty if it is of
    /// this frame. Where nothing is, nothing is inserted, and an entry of another frame is left alone; the answer is
    /// NOPAGE then, too, because the access comes back and finds out.
    ///
    /// Default: SIGBUS.
    fn vmf_mixed_mkwrite(fault: &Self::Fault, pfn: u64) -> FaultCode {
        let _ = (fault, pfn);
        FaultCode::SIGBUS
    }

    /// Hands a page, and its reference, to the core (`vmf->page`).
    fn deliver(fault: &Self::Fault, page: Self::Page);

    /// `lock_page`; may sleep.
    fn lock_page(fault: &Self::Fault, page: &Self::Page);

    /// `unlock_page` of a page that was locked with [`lock_page`](Self::lock_page) for this fault.
    fn unlock_page(fault: &Self::Fault, page: &Self::Page);

    /// Gives up the lock that the fault holds, mmap or VMA lock (`release_fault_lock`). Called once at most, only where
    /// the fault's flags allow it, and the answer is RETRY then.
    fn release(fault: &Self::Fault);

    /// Sleeps until [`WaitQueue::wakes`] is no longer `wakes`.
    ///
    /// Default: ENOSYS.
    ///
    /// # Errors
    /// EINTR or ERESTARTSYS for a thread that is to be killed.
    fn wait(fault: &Self::Fault, queue: &Self::WaitQueue, wakes: u64) -> Result<(), Errno> {
        let _ = (fault, queue, wakes);
        Err(Errno::ENOSYS)
    }

    /// The page that [`page_mkwrite`](crate::Hooks::page_mkwrite) is asked about (`vmf->page`), with a reference of its
    /// own.
    fn fault_page(fault: &Self::Fault) -> Self::Page;

    /// Whether the fault's VMA is a mapping of this object.
    ///
    /// Default: `false`, and memory that moves is not inserted, because nobody could take it away again.
    fn fault_is_of(fault: &Self::Fault, mappings: &Self::Object) -> bool {
        let _ = (fault, mappings);
        false
    }

    /// `vmf_insert_pfn_pmd` or `vmf_insert_pfn_pud`, depending on how many `frames` there are: makes one entry at
    /// `address`. The address and the first frame are aligned to the entry's size, and all of it lies in the VMA.
    /// `VM_MIXEDMAP` or `VM_PFNMAP` is set; in the latter case the mapping is no copy-on-write one. The entry has the
    /// mapping's protection. FALLBACK if there can be no such entry.
    ///
    /// Default: FALLBACK.
    fn vmf_insert_pfn_huge(fault: &Self::Fault, address: usize, frames: FrameRange<'_, Self>) -> FaultCode {
        let _ = (fault, address, frames);
        FaultCode::FALLBACK
    }

    /// [`vmf_insert_page`](Self::vmf_insert_page) under RCU: OOM, instead of sleeping, if there is no page table.
    ///
    /// Default: SIGBUS, and the driver sees [`Prefault::Refused`](crate::Prefault::Refused).
    fn vmf_map_page(fault: &Self::Fault, address: usize, page: &Self::Page) -> FaultCode {
        let _ = (fault, address, page);
        FaultCode::SIGBUS
    }

    /// [`vmf_insert_mixed`](Self::vmf_insert_mixed) under RCU: OOM, instead of sleeping, if there is no page table.
    ///
    /// Default: as [`vmf_map_page`](Self::vmf_map_page).
    fn vmf_map_mixed(fault: &Self::Fault, address: usize, pfn: u64) -> FaultCode {
        let _ = (fault, address, pfn);
        FaultCode::SIGBUS
    }

    // ---- Outside hooks -------------------------------------------------------------------------------------------

    /// [`wait`](Self::wait) by a system call.
    ///
    /// Default: ENOSYS.
    ///
    /// # Errors
    /// As there.
    fn caller_wait(caller: &Self::Caller, queue: &Self::WaitQueue, wakes: u64) -> Result<(), Errno> {
        let _ = (caller, queue, wakes);
        Err(Errno::ENOSYS)
    }

    /// `lock_page` by a system call; may sleep.
    fn caller_lock_page(caller: &Self::Caller, page: &Self::Page);

    /// `unlock_page` of a page that this caller has locked with [`caller_lock_page`](Self::caller_lock_page).
    fn caller_unlock_page(caller: &Self::Caller, page: &Self::Page);

    // ---- Established mappings ------------------------------------------------------------------------------------

    /// Takes the mmap lock of the handle's process for read, and finds the mapping by its state, wherever it is by now.
    /// Waits for the lock only if `wait`.
    ///
    /// Default: ENOSYS.
    ///
    /// # Errors
    /// ESRCH without the process, EFAULT without the mapping, EAGAIN where it would have to wait and may not; EDEADLK
    /// for a lock order that a hook could meet.
    fn lock_handle(handle: &Self::Handle, wait: bool) -> Result<Self::EstablishedVma, Errno> {
        let _ = (handle, wait);
        Err(Errno::ENOSYS)
    }

    /// The same for the mapping at an address of the caller's, if it was established with a state of type `V`. Keep the
    /// state's type beside it and compare that; two types can share one function or one table of functions, so
    /// addresses of these do not tell them apart.
    ///
    /// Default: ENOSYS.
    ///
    /// # Errors
    /// EFAULT if nothing is mapped there, EINVAL for another type of state or none; ESRCH, EDEADLK as above.
    fn lock_at<V: VmOperations<Platform = Self>>(
        caller: &Self::Caller,
        address: UserAddr,
    ) -> Result<Self::EstablishedVma, Errno> {
        let _ = (caller, address);
        Err(Errno::ENOSYS)
    }

    /// The state, if it is of type `V`.
    ///
    /// Default: `None`.
    fn established_state<V: VmOperations<Platform = Self>>(vma: &Self::EstablishedVma) -> Option<&V> {
        let _ = vma;
        None
    }

    /// The page of the object that shows at an address, if the mapping is there.
    ///
    /// Default: `None`.
    fn established_pgoff(vma: &Self::EstablishedVma, address: UserAddr) -> Option<PageOffset> {
        let _ = (vma, address);
        None
    }

    /// Of the mapping's slots at `from` and behind it, the first ones that lie together: the page offset of the first,
    /// and their addresses in bytes, at least one page's. `None` if there is no such slot.
    ///
    /// Where several VMAs show a page, because they were made by several mmaps with one state, its slot is the one of the
    /// mapping that was asked for: the one that the handle was made of, or that is at the address of
    /// [`lock_at`](Self::lock_at). A VMA is a part of it, whatever has been cut off or moved, if it shows its pages at
    /// the addresses at which that mapping shows them, or showed them then. Where no such VMA shows the page, the slot is
    /// in the VMA whose first page of the object comes first; if two begin with the same page, in the one with the lower
    /// address. So which slot it is depends on nothing but what is mapped now, and who was asked for; and what lies
    /// together ends where the slots of the mapping that was asked for begin.
    ///
    /// Default: `None`.
    fn established_slots(vma: &Self::EstablishedVma, from: PageOffset) -> Option<(PageOffset, Range<usize>)> {
        let _ = (vma, from);
        None
    }

    /// As [`vm_insert_page`](Self::vm_insert_page).
    ///
    /// Default: ENOSYS.
    ///
    /// # Errors
    /// As there.
    fn established_insert_page(vma: &Self::EstablishedVma, address: usize, page: &Self::Page) -> Result<(), Errno> {
        let _ = (vma, address, page);
        Err(Errno::ENOSYS)
    }

    /// As [`vm_insert_pages`](Self::vm_insert_pages), into slots that lie together. A slot that is filled already is
    /// EBUSY, and the core calls it again for those behind it.
    ///
    /// Default: [`established_insert_page`](Self::established_insert_page) for one after the other.
    ///
    /// # Errors
    /// As there.
    #[track_caller]
    fn established_insert_pages(
        vma: &Self::EstablishedVma,
        address: usize,
        pages: &[Self::Page],
    ) -> Result<(), (Errno, usize)> {
        for (done, at, page) in one_by_one::<Self>(address, pages) {
            Self::established_insert_page(vma, at, page).map_err(|errno| (errno, done))?;
        }
        Ok(())
    }

    /// As [`vm_insert_zero_page`](Self::vm_insert_zero_page).
    ///
    /// Default: ENOSYS.
    ///
    /// # Errors
    /// As there.
    fn established_insert_zero_page(vma: &Self::EstablishedVma, address: usize) -> Result<(), Errno> {
        let _ = (vma, address);
        Err(Errno::ENOSYS)
    }

    /// As [`vmf_insert_pfn`](Self::vmf_insert_pfn), with what that answers translated by the platform.
    ///
    /// Default: ENOSYS.
    ///
    /// # Errors
    /// ENOMEM without a page table, EINVAL for a frame that may not be mapped; EBUSY where the platform can tell.
    fn established_insert_pfn(vma: &Self::EstablishedVma, address: usize, pfn: u64) -> Result<(), Errno> {
        let _ = (vma, address, pfn);
        Err(Errno::ENOSYS)
    }

    /// As [`vm_insert_mixed`](Self::vm_insert_mixed).
    ///
    /// Default: ENOSYS.
    ///
    /// # Errors
    /// As there.
    fn established_insert_mixed(vma: &Self::EstablishedVma, address: usize, pfn: u64) -> Result<(), Errno> {
        let _ = (vma, address, pfn);
        Err(Errno::ENOSYS)
    }

    /// `zap_page_range_single`: takes away what is mapped at these addresses, which lie in one VMA. If the mapping
    /// shows the same slots at other addresses as well, it does so there, too (`mremap` with an old length of zero
    /// duplicates them).
    fn established_zap(vma: &Self::EstablishedVma, addresses: Range<usize>);

    /// Takes away the right to write there, or more. If a first store to a page is just being allowed, this happens
    /// before or after that and not in between: lock the page, or take the entry away.
    ///
    /// Default: [`established_zap`](Self::established_zap).
    fn established_write_protect(vma: &Self::EstablishedVma, addresses: Range<usize>) {
        Self::established_zap(vma, addresses);
    }

    /// A number that differs from fault to fault. Its low [`SERIAL_BITS`] bits are compared between a fault and its
    /// answer. That catches most of what unsound code does that has forged an answer's lifetime, but not an answer that
    /// is older by a multiple of 2,048 faults.
    ///
    /// Default: zero, and the comparison is compiled out.
    fn fault_serial(fault: &Self::Fault) -> u32 {
        let _ = fault;
        0
    }
}

/// Pages from `address` on: how many lie before each, and where it goes.
fn one_by_one<P: Platform>(address: usize, pages: &[P::Page]) -> impl Iterator<Item = (usize, usize, &P::Page)> {
    // Does not wrap where it matters: the slots lie inside a VMA.
    pages.iter().enumerate().map(move |(done, page)| (done, address.saturating_add(done << P::PAGE_SHIFT), page))
}
