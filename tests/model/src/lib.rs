//! A machine with one user page, two frames and one object. All its locks are loom's, so that loom can try every order
//! in which threads meet on it: `tests/revocable.rs`.

#![expect(unsafe_code, reason = "a platform")]

use std::{ops::Range, sync::Arc};

use loom::sync::{Mutex, MutexGuard, RwLockReadGuard, RwLockWriteGuard};
use vmctx::{
    Errno, FrameSource, Iomem, MaySleep, OutOfFrames, OutOfPage, PageCount, PageOffset, PageProt, PageRef, Platform,
    RwLock, SpinLock, VmOperations, WaitQueue, entry,
    platform::{FaultCode, FaultFlags, VmFlags},
};

/// What a frame holds after the memory has moved away from it.
pub const STALE: u32 = u32::MAX;

/// The platform.
pub enum Model {}

/// Which of the two frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The first.
    Left,
    /// The second.
    Right,
}

/// The machine.
pub struct World {
    /// The page table: the number of the frame that the user's page is mapped to, if it is. An access holds this lock,
    /// so that whoever takes the entry away has waited for the accesses that were using it, as for hardware.
    entry: Mutex<Option<u64>>,
    /// What the two frames hold.
    frames: [Mutex<u32>; 2],
}

impl World {
    /// Nothing is mapped, the first frame holds zero, and the second is stale.
    fn new() -> Arc<Self> {
        Arc::new(Self { entry: Mutex::new(None), frames: [Mutex::new(0), Mutex::new(STALE)] })
    }

    /// The frames, as a driver has them.
    #[must_use]
    pub fn memory(self: &Arc<Self>) -> Frames {
        Frames(Arc::clone(self))
    }

    /// Whether the user's page is any frame at all.
    #[must_use]
    pub fn is_mapped(&self) -> bool {
        locked(&self.entry).is_some()
    }

    /// Copies one frame to the other, and leaves the first one stale.
    pub fn carry(&self, from: Side, to: Side) {
        let mut old = locked(self.frame(from));
        let mut new = locked(self.frame(to));
        *new = *old;
        *old = STALE;
    }

    fn frame(&self, side: Side) -> &Mutex<u32> {
        let [left, right] = &self.frames;
        match side {
            Side::Left => left,
            Side::Right => right,
        }
    }

    /// A user's access to the page, through the page table, repeated after a fault for as long as nothing is mapped.
    /// Returns what the page holds then.
    pub fn access<V: VmOperations<Platform = Model>>(self: &Arc<Self>, state: &Arc<V>, store: Option<u32>) -> u32 {
        loop {
            let entry = locked(&self.entry);
            if let Some(frame) = entry.and_then(|pfn| self.frames.get(usize::try_from(pfn).ok()?)) {
                let mut bytes = locked(frame);
                if let Some(value) = store {
                    *bytes = value;
                }
                return *bytes;
            }
            drop(entry);
            // SAFETY: the state outlives the call, and there is no lock to be held in a world without VMAs.
            let code = unsafe { entry::fault::<V>(state, Fault(Arc::clone(self))) };
            assert_eq!(code, FaultCode::NOPAGE, "the driver serves every fault");
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// A lock that loom watches.
pub struct Lock<T>(loom::sync::RwLock<T>);

impl<T: Send + Sync + 'static> RwLock<T> for Lock<T> {
    type Read<'a> = RwLockReadGuard<'a, T>;
    type Write<'a> = RwLockWriteGuard<'a, T>;

    fn new(value: T, _: MaySleep<'_>) -> Result<Self, Errno> {
        Ok(Self(loom::sync::RwLock::new(value)))
    }

    fn read(&self, _: MaySleep<'_>) -> Self::Read<'_> {
        self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn try_read(&self) -> Option<Self::Read<'_>> {
        self.0.try_read().ok()
    }

    fn write(&self, _: MaySleep<'_>) -> Self::Write<'_> {
        self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn try_write(&self) -> Option<Self::Write<'_>> {
        self.0.try_write().ok()
    }
}

/// A mutex that loom watches. It is the spin lock, too: loom's threads have no context in which they must not sleep.
pub struct Exclusive<T>(Mutex<T>);

impl<T: Send + 'static> vmctx::Mutex<T> for Exclusive<T> {
    type Guard<'a> = MutexGuard<'a, T>;

    fn new(value: T, _: MaySleep<'_>) -> Result<Self, Errno> {
        Ok(Self(Mutex::new(value)))
    }

    fn lock(&self, _: MaySleep<'_>) -> MutexGuard<'_, T> {
        locked(&self.0)
    }

    fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.0.try_lock().ok()
    }
}

impl<T: Send + 'static> SpinLock<T> for Exclusive<T> {
    type Guard<'a> = MutexGuard<'a, T>;

    fn new(value: T, _: MaySleep<'_>) -> Result<Self, Errno> {
        Ok(Self(Mutex::new(value)))
    }

    fn lock(&self) -> MutexGuard<'_, T> {
        locked(&self.0)
    }

    fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.0.try_lock().ok()
    }
}

/// The two frames of a world.
#[derive(Clone)]
pub struct Frames(Arc<World>);

// SAFETY: there are two frames for as long as there is a world.
unsafe impl FrameSource for Frames {
    type Platform = Model;

    fn base(&self) -> u64 {
        0
    }

    fn count(&self) -> PageCount {
        PageCount::new(self.0.frames.len())
    }
}

impl Iomem for Frames {
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), OutOfFrames> {
        Err(OutOfFrames { offset, len: into.len() })
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), OutOfFrames> {
        Err(OutOfFrames { offset, len: from.len() })
    }
}

/// A fault of the user's page.
pub struct Fault(Arc<World>);

/// What there is none of here: pages, queues, VMAs that are being made, mappings to come back to.
#[derive(Clone)]
pub enum Never {}

impl PageRef for Never {
    fn read(&self, _: usize, _: &mut [u8]) -> Result<(), OutOfPage> {
        match *self {}
    }

    fn write(&self, _: usize, _: &[u8]) -> Result<(), OutOfPage> {
        match *self {}
    }
}

impl WaitQueue for Never {
    fn new(_: MaySleep<'_>) -> Result<Self, Errno> {
        Err(Errno::ENOSYS)
    }

    fn wakes(&self) -> u64 {
        match *self {}
    }

    fn wake_all(&self) {
        match *self {}
    }
}

// SAFETY: there is no VMA that is being made, a fault is made in `World::access` alone, and what is mapped by number
// are a world's frames, which stay. The rest is safe code.
unsafe impl Platform for Model {
    const PAGE_SHIFT: u32 = 12;
    type Page = Never;
    type Memory = ();
    type Iomem = Frames;
    type WaitQueue = Never;
    type RwLock<T: Send + Sync + 'static> = Lock<T>;
    type Mutex<T: Send + 'static> = Exclusive<T>;
    type SpinLock<T: Send + 'static> = Exclusive<T>;
    type Object = Arc<World>;
    type Handle = Never;
    type Caller = Never;
    type EstablishedVma = Never;
    type Ref<T: Send + Sync + 'static> = Arc<T>;
    type Vma = Never;
    type Fault = Fault;

    fn page_pfn(page: &Never) -> u64 {
        match *page {}
    }

    fn new_object(_: MaySleep<'_>) -> Result<Arc<World>, Errno> {
        Ok(World::new())
    }

    fn unmap_mapping_range(world: &Arc<World>, _: PageOffset, _: PageCount, _: MaySleep<'_>) {
        *locked(&world.entry) = None;
    }

    fn fault_address(_: &Fault) -> usize {
        0
    }

    fn fault_pgoff(_: &Fault) -> PageOffset {
        PageOffset::ZERO
    }

    fn fault_flags(_: &Fault) -> FaultFlags {
        FaultFlags::NONE
    }

    fn fault_vma_range(_: &Fault) -> Range<usize> {
        0..Self::PAGE_SIZE
    }

    fn fault_vma_pgoff(_: &Fault) -> PageOffset {
        PageOffset::ZERO
    }

    fn fault_vma_flags(_: &Fault) -> VmFlags {
        VmFlags::SHARED | VmFlags::PFNMAP
    }

    fn fault_is_of(fault: &Fault, world: &Arc<World>) -> bool {
        Arc::ptr_eq(&fault.0, world)
    }

    fn vmf_insert_pfn(fault: &Fault, _: usize, pfn: u64, _: Option<PageProt>) -> FaultCode {
        let mut entry = locked(&fault.0.entry);
        if entry.is_none() {
            *entry = Some(pfn);
        }
        FaultCode::NOPAGE
    }

    fn vma_range(vma: &Never) -> Range<usize> {
        match *vma {}
    }

    fn vma_pgoff(vma: &Never) -> PageOffset {
        match *vma {}
    }

    fn vma_flags(vma: &Never) -> VmFlags {
        match *vma {}
    }

    fn vma_change_flags(vma: &mut Never, _: VmFlags, _: VmFlags) {
        match *vma {}
    }

    fn establish<V: VmOperations<Platform = Self>>(vma: &mut Never, _: Arc<V>) -> Result<(), Errno> {
        match *vma {}
    }

    fn deliver(_: &Fault, page: Never) {
        match page {}
    }

    fn lock_page(_: &Fault, page: &Never) {
        match *page {}
    }

    fn unlock_page(_: &Fault, page: &Never) {
        match *page {}
    }

    fn release(_: &Fault) {}

    fn fault_page(_: &Fault) -> Never {
        // No page is mapped here, so none is written for the first time.
        std::process::abort()
    }

    fn caller_lock_page(caller: &Never, _: &Never) {
        match *caller {}
    }

    fn caller_unlock_page(caller: &Never, _: &Never) {
        match *caller {}
    }

    fn established_zap(vma: &Never, _: Range<usize>) {
        match *vma {}
    }
}
