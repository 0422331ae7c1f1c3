//! A platform on foreign functions, and two hooks written twice on it: with the crate's tokens, and by hand as a
//! careful C driver would. `tests/zero_cost.rs` compares what they compile to.
//!
//! The library is `no_std` and does not link `alloc`: it is also the proof that the core needs neither.
#![no_std]
#![expect(unsafe_code, reason = "a platform, and its hand-written twin")]

use core::{
    ffi::{c_int, c_uint, c_void},
    marker::PhantomData,
    mem::ManuallyDrop,
    ops::{Deref, Range},
    ptr::NonNull,
};

use vmctx::{
    Errno, FaultCtx, FrameSource, InsertPoint, Iomem, Mapped, MaySleep, Mixed, MmapCtx, MmapFile, Mutex, OutOfFrames,
    OutOfPage, PageCount, PageOffset, PageRef, Platform, RwLock, SpinLock, VmFault, VmOperations, WaitQueue, entry,
    platform::{FaultCode, FaultFlags, VmFlags},
};

/// Only for a build without std: std brings its own, and a second one is an error.
#[cfg(freestanding)]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// A kernel's `struct page`.
#[repr(C)]
pub struct RawPage(c_void);

/// What a kernel's VMA shows this platform.
#[repr(C)]
pub struct RawVma {
    start: usize,
    end: usize,
    pgoff: usize,
    flags: u64,
    private: *const c_void,
}

/// What a kernel's `struct vm_fault` shows this platform.
#[repr(C)]
pub struct RawFault {
    vma: *mut RawVma,
    address: usize,
    pgoff: usize,
    flags: c_uint,
    page: NonNull<RawPage>,
}

unsafe extern "C" {
    fn vm_insert_page(vma: *mut RawVma, address: usize, page: *mut RawPage) -> c_int;
    fn get_page(page: *mut RawPage);
    fn put_page(page: *mut RawPage);
    fn get_state(state: *const c_void);
    fn put_state(state: *const c_void);
    fn zap(vma: *mut RawVma);
    fn unlock(vma: *mut RawVma);
}

/// The platform.
pub enum Bare {}

/// A page with a reference.
#[repr(transparent)]
pub struct BarePage(NonNull<RawPage>);

// SAFETY: a page's reference count is atomic, and the page itself is only a handle.
unsafe impl Send for BarePage {}
// SAFETY: as for `Send`.
unsafe impl Sync for BarePage {}

impl Clone for BarePage {
    fn clone(&self) -> Self {
        // SAFETY: `self` holds a reference, so the page is there.
        unsafe { get_page(self.0.as_ptr()) };
        Self(self.0)
    }
}

impl Drop for BarePage {
    fn drop(&mut self) {
        // SAFETY: the reference that `self` holds is given up with it.
        unsafe { put_page(self.0.as_ptr()) };
    }
}

impl PageRef for BarePage {
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), OutOfPage> {
        Err(OutOfPage { offset, len: into.len() })
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), OutOfPage> {
        Err(OutOfPage { offset, len: from.len() })
    }
}

/// Shared ownership by a count that the kernel keeps beside the value.
pub struct BareRef<T>(NonNull<T>);

// SAFETY: the count is the kernel's and atomic, the value is `Send` and `Sync`.
unsafe impl<T: Send + Sync> Send for BareRef<T> {}
// SAFETY: as for `Send`.
unsafe impl<T: Send + Sync> Sync for BareRef<T> {}

impl<T> Deref for BareRef<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: `self` holds a count, so the value is there.
        unsafe { self.0.as_ref() }
    }
}

impl<T> Clone for BareRef<T> {
    fn clone(&self) -> Self {
        // SAFETY: `self` holds a count, so the value is there.
        unsafe { get_state(self.0.as_ptr().cast()) };
        Self(self.0)
    }
}

impl<T> Drop for BareRef<T> {
    fn drop(&mut self) {
        // SAFETY: the count that `self` holds is given up with it.
        unsafe { put_state(self.0.as_ptr().cast()) };
    }
}

/// A VMA that is being made.
pub struct BareVma(*mut RawVma);

/// A fault that is being served.
pub struct BareFault(*mut RawFault);

impl BareFault {
    fn raw(&self) -> &RawFault {
        // SAFETY: the value exists only while the fault is served.
        unsafe { &*self.0 }
    }
}

/// No device memory here.
#[derive(Clone)]
pub enum NoIomem {}

// SAFETY: there is no value of this type.
unsafe impl FrameSource for NoIomem {
    type Platform = Bare;

    fn base(&self) -> u64 {
        match *self {}
    }

    fn count(&self) -> PageCount {
        match *self {}
    }
}

impl Iomem for NoIomem {
    fn read(&self, _: usize, _: &mut [u8]) -> Result<(), OutOfFrames> {
        match *self {}
    }

    fn write(&self, _: usize, _: &[u8]) -> Result<(), OutOfFrames> {
        match *self {}
    }
}

/// No locks here.
pub struct NoLock<T>(Never, PhantomData<fn(T) -> T>);

impl<T: 'static> RwLock<T> for NoLock<T> {
    type Read<'a> = &'a T;
    type Write<'a> = &'a mut T;

    fn new(_: T, _: MaySleep<'_>) -> Result<Self, Errno> {
        Err(Errno::ENOSYS)
    }

    fn read(&self, _: MaySleep<'_>) -> &T {
        match self.0 {}
    }

    fn try_read(&self) -> Option<&T> {
        match self.0 {}
    }

    fn write(&self, _: MaySleep<'_>) -> &mut T {
        match self.0 {}
    }

    fn try_write(&self) -> Option<&mut T> {
        match self.0 {}
    }
}

impl<T: 'static> Mutex<T> for NoLock<T> {
    type Guard<'a> = &'a mut T;

    fn new(_: T, _: MaySleep<'_>) -> Result<Self, Errno> {
        Err(Errno::ENOSYS)
    }

    fn lock(&self, _: MaySleep<'_>) -> &mut T {
        match self.0 {}
    }

    fn try_lock(&self) -> Option<&mut T> {
        match self.0 {}
    }
}

impl<T: 'static> SpinLock<T> for NoLock<T> {
    type Guard<'a> = &'a mut T;

    fn new(_: T, _: MaySleep<'_>) -> Result<Self, Errno> {
        Err(Errno::ENOSYS)
    }

    fn lock(&self) -> &mut T {
        match self.0 {}
    }

    fn try_lock(&self) -> Option<&mut T> {
        match self.0 {}
    }
}

/// What there is none of here: objects with mappings to be found again, handles, callers.
#[derive(Clone)]
pub enum Never {}

/// No waiting here.
pub struct NoQueue;

impl WaitQueue for NoQueue {
    fn new(_: MaySleep<'_>) -> Result<Self, Errno> {
        Err(Errno::ENOSYS)
    }

    fn wakes(&self) -> u64 {
        0
    }

    fn wake_all(&self) {}
}

fn errno(code: c_int) -> Result<(), Errno> {
    if code == 0 { Ok(()) } else { Err(Errno::from_raw(-code).unwrap_or(Errno::EIO)) }
}

// SAFETY: the foreign functions keep Linux's rules, and this is never linked into anything that runs.
unsafe impl Platform for Bare {
    const PAGE_SHIFT: u32 = 12;
    type Page = BarePage;
    type Memory = ();
    type Iomem = NoIomem;
    type WaitQueue = NoQueue;
    type RwLock<T: Send + Sync + 'static> = NoLock<T>;
    type Mutex<T: Send + 'static> = NoLock<T>;
    type SpinLock<T: Send + 'static> = NoLock<T>;
    type Object = Never;
    type Handle = Never;
    type Caller = Never;
    type EstablishedVma = Never;
    type Ref<T: Send + Sync + 'static> = BareRef<T>;
    type Vma = BareVma;
    type Fault = BareFault;

    fn page_pfn(_: &BarePage) -> u64 {
        0
    }

    fn unmap_mapping_range(mappings: &Never, _: PageOffset, _: PageCount, _: MaySleep<'_>) {
        match *mappings {}
    }

    fn vma_range(vma: &BareVma) -> Range<usize> {
        // SAFETY: the value exists only while the VMA is being made.
        let raw = unsafe { &*vma.0 };
        raw.start..raw.end
    }

    fn vma_pgoff(vma: &BareVma) -> PageOffset {
        // SAFETY: as above.
        PageOffset::new(unsafe { (*vma.0).pgoff })
    }

    fn vma_flags(vma: &BareVma) -> VmFlags {
        // SAFETY: as above.
        VmFlags::from_bits(unsafe { (*vma.0).flags })
    }

    fn vma_change_flags(vma: &mut BareVma, set: VmFlags, clear: VmFlags) {
        let flags = (Self::vma_flags(vma) | set).without(clear);
        // SAFETY: as above, and the mmap lock is held for write.
        unsafe { (*vma.0).flags = flags.bits() };
    }

    fn establish<V: VmOperations<Platform = Self>>(vma: &mut BareVma, state: BareRef<V>) -> Result<(), Errno> {
        let state = ManuallyDrop::new(state);
        // SAFETY: as above. Only rings are established here.
        unsafe { (*vma.0).private = state.0.as_ptr().cast() };
        Ok(())
    }

    fn vm_insert_page(vma: &mut BareVma, address: usize, page: &BarePage) -> Result<(), Errno> {
        // SAFETY: VMA and page are there, the lock is held for write.
        errno(unsafe { vm_insert_page(vma.0, address, page.0.as_ptr()) })
    }

    fn fault_address(fault: &BareFault) -> usize {
        fault.raw().address
    }

    fn fault_pgoff(fault: &BareFault) -> PageOffset {
        PageOffset::new(fault.raw().pgoff)
    }

    fn fault_flags(fault: &BareFault) -> FaultFlags {
        FaultFlags::from_bits(fault.raw().flags)
    }

    fn fault_vma_range(fault: &BareFault) -> Range<usize> {
        // SAFETY: the fault holds a lock that keeps its VMA.
        let vma = unsafe { &*fault.raw().vma };
        vma.start..vma.end
    }

    fn fault_vma_pgoff(fault: &BareFault) -> PageOffset {
        // SAFETY: as above.
        PageOffset::new(unsafe { (*fault.raw().vma).pgoff })
    }

    fn fault_vma_flags(fault: &BareFault) -> VmFlags {
        // SAFETY: as above.
        VmFlags::from_bits(unsafe { (*fault.raw().vma).flags })
    }

    fn vmf_insert_page(fault: &BareFault, address: usize, page: &BarePage) -> FaultCode {
        // SAFETY: the fault's VMA and the page are there, the fault holds a lock.
        match unsafe { vm_insert_page(fault.raw().vma, address, page.0.as_ptr()) } {
            0 => FaultCode::from_insertion(Ok(())),
            EBUSY => FaultCode::from_insertion(Err(Errno::EBUSY)),
            ENOMEM => FaultCode::from_insertion(Err(Errno::ENOMEM)),
            _ => FaultCode::from_insertion(Err(Errno::EINVAL)),
        }
    }

    fn deliver(_: &BareFault, page: BarePage) {
        drop(page);
    }

    fn lock_page(_: &BareFault, _: &BarePage) {}

    fn unlock_page(_: &BareFault, _: &BarePage) {}

    fn caller_lock_page(caller: &Never, _: &BarePage) {
        match *caller {}
    }

    fn caller_unlock_page(caller: &Never, _: &BarePage) {
        match *caller {}
    }

    fn release(fault: &BareFault) {
        // SAFETY: the fault holds its lock until this.
        unsafe { unlock(fault.raw().vma) };
    }

    fn fault_page(fault: &BareFault) -> BarePage {
        // SAFETY: the page that the fault is about is there until the hook returns.
        unsafe { get_page(fault.raw().page.as_ptr()) };
        BarePage(fault.raw().page)
    }

    fn established_zap(vma: &Never, _: Range<usize>) {
        match *vma {}
    }
}

/// A ring of pages: the driver that is written twice.
pub struct Ring {
    pages: &'static [BarePage],
}

impl Ring {
    #[inline]
    fn place<I: InsertPoint<Platform = Bare, Kind = Mixed>>(&self, at: I) -> I::Outcome {
        at.insert_page_with(|at| at.pgoff().of(self.pages).ok_or(Errno::EFAULT))
    }
}

impl VmOperations for Ring {
    type Platform = Bare;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Bare, Mixed>) -> VmFault<'f> {
        self.place(ctx)
    }
}

/// The ring as a file that fills its mappings at once.
impl MmapFile for Ring {
    type Platform = Bare;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Bare>) -> Result<Mapped<'m>, Errno> {
        let mut ctx = ctx.writable().without_faults::<Mixed>()?;
        while !ctx.is_full() {
            ctx = self.place(ctx)?;
        }
        ctx.finish()
    }
}

/// The same, for whoever looks all pages up at once.
#[repr(transparent)]
struct Looked(Ring);

impl MmapFile for Looked {
    type Platform = Bare;

    #[inline]
    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Bare>) -> Result<Mapped<'m>, Errno> {
        let mut ctx = ctx.writable().without_faults::<Mixed>()?;
        let pages = self.0.pages.get(ctx.pgoff().index()..).ok_or(Errno::EFAULT)?;
        for page in pages.get(..ctx.page_count().get()).ok_or(Errno::EFAULT)? {
            ctx = ctx.insert_page(page)?;
        }
        ctx.finish()
    }
}

const EBUSY: c_int = -16;
const ENOMEM: c_int = -12;
const PAGE_MASK: usize = !0xfff;

/// The typed fault hook, as a platform's adapter calls it.
///
/// # Safety
/// `fault` is being served, its VMA's private pointer is an established ring.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn typed_fault(fault: *mut RawFault) -> c_uint {
    // SAFETY: by this function's contract.
    let ring = unsafe { NonNull::new_unchecked((*(*fault).vma).private.cast_mut().cast::<Ring>()) };
    // SAFETY: by this function's contract; the copy is not dropped.
    unsafe { entry::fault::<Ring>(&ManuallyDrop::new(BareRef(ring)), BareFault(fault)) }.bits()
}

/// The same hook by hand.
///
/// # Safety
/// As [`typed_fault`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untyped_fault(fault: *mut RawFault) -> c_uint {
    // SAFETY: by this function's contract.
    let fault = unsafe { &*fault };
    // SAFETY: by this function's contract.
    let ring = unsafe { &*(*fault.vma).private.cast::<Ring>() };
    let Some(page) = ring.pages.get(fault.pgoff) else { return 0x2 };
    // SAFETY: by this function's contract.
    match unsafe { vm_insert_page(fault.vma, fault.address & PAGE_MASK, page.0.as_ptr()) } {
        0 | EBUSY => 0x100,
        ENOMEM => 0x1,
        _ => 0x2,
    }
}

/// The typed mmap hook, as a platform's adapter calls it: zero or a negative errno.
///
/// # Safety
/// `vma` is being made, its lock is held for write, `ring` is there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn typed_mmap(ring: *const c_void, vma: *mut RawVma) -> c_int {
    // SAFETY: by this function's contract.
    unsafe { mmap(&*ring.cast::<Ring>(), vma) }
}

/// The one that looks all pages up at once.
///
/// # Safety
/// As [`typed_mmap`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn typed_mmap_looked(ring: *const c_void, vma: *mut RawVma) -> c_int {
    // SAFETY: by this function's contract.
    unsafe { mmap(&*ring.cast::<Looked>(), vma) }
}

/// # Safety
/// `vma` is being made, and its lock is held for write.
#[inline]
unsafe fn mmap(file: &impl MmapFile<Platform = Bare>, vma: *mut RawVma) -> c_int {
    // SAFETY: by this function's contract.
    match unsafe { entry::mmap(file, &mut BareVma(vma)) } {
        Ok(()) => 0,
        Err(errno) => {
            // SAFETY: by this function's contract.
            unsafe { zap(vma) };
            -errno.to_raw()
        }
    }
}

/// The same hook by hand.
///
/// # Safety
/// As [`typed_mmap`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untyped_mmap(ring: *const c_void, vma: *mut RawVma) -> c_int {
    // SAFETY: by this function's contract.
    let ring = unsafe { &*ring.cast::<Ring>() };
    // SAFETY: by this function's contract.
    let failed = unsafe { untyped_fill(ring, vma) };
    if failed != 0 {
        // SAFETY: by this function's contract.
        unsafe { zap(vma) };
    }
    failed
}

/// What a careful C driver's mmap does, with the bounds that the core would have checked.
#[inline]
unsafe fn untyped_fill(ring: &Ring, vma: *mut RawVma) -> c_int {
    // SAFETY: by the caller's contract.
    let (start, end, pgoff) = unsafe { ((*vma).start, (*vma).end, (*vma).pgoff) };
    if end <= start || (start | end) & !PAGE_MASK != 0 {
        return -22;
    }
    let pages = (end - start) >> 12;
    if pgoff.checked_add(pages).is_none() {
        return -75;
    }
    // SAFETY: by the caller's contract.
    unsafe { (*vma).flags |= 0x1004_0000 };
    for slot in 0..pages {
        // SAFETY: by the caller's contract.
        let (start, pgoff) = unsafe { ((*vma).start, (*vma).pgoff) };
        let Some(page) = ring.pages.get(pgoff + slot) else { return -14 };
        // SAFETY: by the caller's contract.
        let failed = unsafe { vm_insert_page(vma, start + (slot << 12), page.0.as_ptr()) };
        if failed != 0 {
            return -errno(failed).map_or_else(Errno::to_raw, |()| 0);
        }
    }
    0
}
