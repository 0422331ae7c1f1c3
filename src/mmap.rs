//! The mmap hook's token.

use core::marker::PhantomData;

use crate::{
    errno::{Errno, InsertPagesError},
    flags::VmFlags,
    frame::{Frame, FrameRange},
    handle::{Handle, handle},
    kind::{
        FilledAtMmap, FilledLater, HoldsFrames, HoldsMixed, HoldsPages, Kind, Mapping, Populated, RemapsWhole,
        StillUndecided, Undecided,
    },
    ops::VmOperations,
    platform::Platform,
    prot::Cache,
    sleep::{MaySleep, may_sleep},
    token::{Held, Invariant},
    units::{PageCount, PageOffset},
};

/// The token of the mmap hook: the proof that the mmap lock is held for write and a mapping is being made.
///
/// Locks: mmap lock, write. May sleep. Insertion answers `Result<Self, Errno>`.
///
/// It begins [`Undecided`]: the hook looks at what is wanted, refuses it, or sets flags. Then it chooses the kind, with
/// [`establish`](Self::establish), which brings a state and a fault hook, or with [`populate`](Self::populate), which
/// brings neither. Then it fills the slots in order, so that none is filled twice and nothing goes outside. An
/// insertion takes the token and gives it back only in `Ok`, so a failed one cannot be followed by a success (G6). The
/// hook succeeds with a [`Mapped`]: from [`finish`](Self::finish) if every slot is filled, from
/// [`fill_later`](Self::fill_later) if the rest is to come later, or from an operation that fills the whole range.
///
/// Not `Clone`, `Send` or `Sync`, and it cannot outlive the hook.
#[must_use = "a mmap hook ends with `finish()`, `fill_later()` or an error"]
pub struct MmapCtx<'m, P: Platform, M = Undecided> {
    vma: Held<&'m mut P::Vma>,
    // Both in bytes, and whole pages: everything below `filled` is in, and `filled <= len`. Counted in pages they would
    // cost a loop that inserts pages one more register, because the compiler keeps the bytes beside the pages.
    filled: usize,
    len: usize,
    brand: Invariant<'m>,
    kind: PhantomData<fn(M) -> M>,
    thread: PhantomData<*mut MmapCtx<'static, P, M>>,
}

/// The success of a mmap hook. Only a [`MmapCtx`] turns into one, and only after all its insertions have succeeded. It
/// can neither be made up nor kept for another mmap.
#[must_use = "return it from the mmap hook"]
pub struct Mapped<'m> {
    brand: Invariant<'m>,
}

impl<'m, P: Platform> MmapCtx<'m, P> {
    /// The token for this VMA, after the checks that no driver should have to repeat.
    pub(crate) fn begin(vma: &'m mut P::Vma) -> Result<Self, Errno> {
        let range = P::vma_range(vma);
        let bytes = range.end.checked_sub(range.start).ok_or(Errno::EINVAL)?;
        if bytes == 0 || (range.start | range.end) & (P::PAGE_SIZE - 1) != 0 {
            return Err(Errno::EINVAL);
        }
        P::vma_pgoff(vma).checked_add(PageCount::new(bytes >> P::PAGE_SHIFT)).ok_or(Errno::EOVERFLOW)?;
        Ok(Self { vma: Held(vma), filled: 0, len: bytes, brand: PhantomData, kind: PhantomData, thread: PhantomData })
    }
}

/// What is asked for, and how much of it is done.
impl<'m, P: Platform, M> MmapCtx<'m, P, M> {
    /// The page of the object that belongs in the next slot: `vm_pgoff`, plus what is filled.
    #[must_use]
    pub fn pgoff(&self) -> PageOffset {
        // Cannot overflow: `begin` has checked the sum with the whole length.
        PageOffset::new(P::vma_pgoff(self.vma.0).index().wrapping_add(self.filled >> P::PAGE_SHIFT))
    }

    /// How many slots the mapping has.
    #[must_use]
    pub fn page_count(&self) -> PageCount {
        PageCount::new(self.len >> P::PAGE_SHIFT)
    }

    /// How many slots are still to be filled.
    #[must_use]
    pub fn remaining(&self) -> PageCount {
        PageCount::new((self.len - self.filled) >> P::PAGE_SHIFT)
    }

    /// Whether every slot is filled.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.filled == self.len
    }

    /// Whether `MAP_SHARED` was asked for (`VM_MAYSHARE`).
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.flags().contains(VmFlags::MAYSHARE)
    }

    /// Whether the user may write (`VM_WRITE`).
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.flags().contains(VmFlags::WRITE)
    }

    /// Whether the user may execute (`VM_EXEC`).
    #[must_use]
    pub fn is_executable(&self) -> bool {
        self.flags().contains(VmFlags::EXEC)
    }

    /// Whether a store would give the user a private copy (`is_cow_mapping`): the mapping is private, and it is
    /// writable or mprotect can make it so. A [`PfnMap`](crate::PfnMap) mapping cannot be of this sort.
    #[must_use]
    pub fn is_cow(&self) -> bool {
        self.flags().is_cow()
    }

    /// The right to sleep, for as long as this context is borrowed.
    #[must_use]
    pub fn may_sleep(&self) -> MaySleep<'_> {
        may_sleep()
    }

    /// A handle to come back to this mapping, from an ioctl or a shrinker.
    ///
    /// # Errors
    /// EINVAL for a mapping without a state, because a mapping is found by its state: [`establish`](Self::establish) it
    /// first. EINVAL also on a platform that has no handles.
    pub fn handle(&self) -> Result<Handle<P, M>, Errno>
    where
        M: Mapping,
    {
        P::vma_handle(self.vma.0).map(handle).ok_or(Errno::EINVAL)
    }

    fn flags(&self) -> VmFlags {
        P::vma_flags(self.vma.0)
    }
}

/// Refusals, flags and cache attributes: before the kind is chosen.
impl<'m, P: Platform, M> MmapCtx<'m, P, M> {
    /// The mapping will never be written.
    ///
    /// # Errors
    /// EPERM if it was asked for with `PROT_WRITE`. Else a later `mprotect` cannot add it (`VM_MAYWRITE` is cleared).
    pub fn read_only(self) -> Result<Self, Errno>
    where
        M: StillUndecided,
    {
        self.never(VmFlags::WRITE, VmFlags::MAYWRITE)
    }

    /// The mapping will never be executed.
    ///
    /// # Errors
    /// EPERM if it was asked for with `PROT_EXEC`. Else a later `mprotect` cannot add it (`VM_MAYEXEC` is cleared).
    pub fn no_exec(self) -> Result<Self, Errno>
    where
        M: StillUndecided,
    {
        self.never(VmFlags::EXEC, VmFlags::MAYEXEC)
    }

    /// Only `MAP_SHARED`.
    ///
    /// # Errors
    /// EINVAL for `MAP_PRIVATE`.
    pub fn shared_only(self) -> Result<Self, Errno>
    where
        M: StillUndecided,
    {
        if self.is_shared() { Ok(self) } else { Err(Errno::EINVAL) }
    }

    /// fork does not copy the mapping (`VM_DONTCOPY`).
    pub fn dont_copy(self) -> Self
    where
        M: StillUndecided,
    {
        self.with(VmFlags::DONTCOPY)
    }

    /// mremap cannot make the mapping longer (`VM_DONTEXPAND`).
    pub fn dont_expand(self) -> Self
    where
        M: StillUndecided,
    {
        self.with(VmFlags::DONTEXPAND)
    }

    /// The mapping is left out of core dumps (`VM_DONTDUMP`).
    pub fn dont_dump(self) -> Self
    where
        M: StillUndecided,
    {
        self.with(VmFlags::DONTDUMP)
    }

    /// The mapping is of device registers (`VM_IO`): it is left out of core dumps, and `get_user_pages` does
    /// not reach it.
    pub fn io(self) -> Self
    where
        M: StillUndecided,
    {
        self.with(VmFlags::IO)
    }

    /// What is inserted is not cached (`pgprot_noncached`).
    pub fn noncached(self) -> Self
    where
        M: StillUndecided,
    {
        P::vma_set_cache(self.vma.0, Cache::Noncached);
        self
    }

    /// Stores are gathered, loads not cached (`pgprot_writecombine`).
    pub fn write_combine(self) -> Self
    where
        M: StillUndecided,
    {
        P::vma_set_cache(self.vma.0, Cache::WriteCombine);
        self
    }

    /// What is inserted is not encrypted (`pgprot_decrypted`): memory that is shared with a device or a hypervisor, on
    /// a machine that encrypts all other memory. On other machines this does nothing.
    pub fn decrypted(self) -> Self
    where
        M: StillUndecided,
    {
        P::vma_set_decrypted(self.vma.0);
        self
    }

    fn with(self, set: VmFlags) -> Self {
        P::vma_change_flags(self.vma.0, set, VmFlags::NONE);
        self
    }

    fn never(self, now: VmFlags, ever: VmFlags) -> Result<Self, Errno> {
        if self.flags().contains(now) {
            return Err(Errno::EPERM);
        }
        P::vma_change_flags(self.vma.0, VmFlags::NONE, ever);
        Ok(self)
    }
}

/// Choosing the kind.
impl<'m, P: Platform, M> MmapCtx<'m, P, M> {
    /// Gives the mapping its state, whose hooks serve its faults. The state's type decides the kind.
    ///
    /// # Errors
    /// EINVAL for a [`PfnMap`](crate::PfnMap) of a copy-on-write mapping ([`is_cow`](Self::is_cow)): call
    /// [`read_only`](Self::read_only) or [`shared_only`](Self::shared_only) first to say which of the two it is to be.
    /// ENOMEM. In both cases the state is dropped.
    pub fn establish<V: VmOperations<Platform = P>>(self, state: V) -> Result<MmapCtx<'m, P, V::Mapping>, Errno>
    where
        M: StillUndecided,
    {
        let state = P::share(state, may_sleep())?;
        self.install(state)
    }

    /// The same with a state that somebody else holds as well, for example the open file.
    ///
    /// # Errors
    /// EINVAL for a [`PfnMap`](crate::PfnMap) of a copy-on-write mapping.
    pub fn establish_shared<V: VmOperations<Platform = P>>(
        self,
        state: P::Ref<V>,
    ) -> Result<MmapCtx<'m, P, V::Mapping>, Errno>
    where
        M: StillUndecided,
    {
        self.install(state)
    }

    /// Chooses the kind of a mapping that has no fault hook: a touch of what is not inserted now is a SIGBUS.
    ///
    /// # Errors
    /// EINVAL for a [`PfnMap`](crate::PfnMap) of a copy-on-write mapping.
    pub fn populate<K: Populated>(self) -> Result<MmapCtx<'m, P, K>, Errno>
    where
        M: StillUndecided,
    {
        self.become_kind()
    }

    fn install<V: VmOperations<Platform = P>>(self, state: P::Ref<V>) -> Result<MmapCtx<'m, P, V::Mapping>, Errno> {
        let ctx = self.become_kind()?;
        P::establish(ctx.vma.0, state);
        Ok(ctx)
    }

    fn become_kind<K: Mapping>(self) -> Result<MmapCtx<'m, P, K>, Errno> {
        let kind_flag = match K::KIND {
            // `remap_pfn_range` sets the flags of this kind itself, after it has checked the range.
            Kind::Remapped => VmFlags::NONE,
            // Linux merges a VMA that has no special flag with a neighbour that fits. If it does so before the mmap
            // hook, the hook is not asked; if it does so after a hook that has changed flags, `close` is not called and
            // the state leaks.
            Kind::Normal => VmFlags::DONTEXPAND,
            Kind::Mixed => VmFlags::MIXEDMAP,
            Kind::PfnMap if self.is_cow() => return Err(Errno::EINVAL),
            Kind::PfnMap => VmFlags::PFNMAP,
        };
        P::vma_change_flags(self.vma.0, kind_flag, VmFlags::NONE);
        let Self { vma, filled, len, .. } = self;
        Ok(MmapCtx { vma, filled, len, brand: PhantomData, kind: PhantomData, thread: PhantomData })
    }
}

/// Filling the slots.
impl<'m, P: Platform, M> MmapCtx<'m, P, M> {
    /// Inserts a page into the next slot (`vm_insert_page`). The mapping takes a reference of its own.
    ///
    /// # Errors
    /// EFAULT if every slot is filled, ENOMEM without memory for a page table, EBUSY if something is there already,
    /// EINVAL for a page that may not be mapped.
    pub fn insert_page(mut self, page: &P::Page) -> Result<Self, Errno>
    where
        M: HoldsPages,
    {
        let address = self.next_slot()?;
        P::vm_insert_page(self.vma.0, address, page)?;
        self.filled += P::PAGE_SIZE;
        Ok(self)
    }

    /// Inserts pages into the next slots, in one go (`vm_insert_pages`).
    ///
    /// # Errors
    /// As [`insert_page`](Self::insert_page), and how many are in. If there are more pages than slots, it is EFAULT and
    /// none is in.
    pub fn insert_pages(mut self, pages: &[P::Page]) -> Result<Self, InsertPagesError>
    where
        M: HoldsPages,
    {
        self.insert_all(pages).map_err(|(errno, done)| InsertPagesError { errno, inserted: PageCount::new(done) })?;
        Ok(self)
    }

    /// Fills every slot that is left from `pages`, the whole object: the slot's `pgoff` is the index (`vm_map_pages`).
    ///
    /// # Errors
    /// ENXIO, and nothing is inserted, if the mapping begins behind the object's end or reaches over it. Else as
    /// [`insert_page`](Self::insert_page).
    pub fn map_pages(self, pages: &[P::Page]) -> Result<Mapped<'m>, Errno>
    where
        M: HoldsPages,
    {
        let first = self.pgoff().index();
        self.map_from(pages, first)
    }

    /// Fills every slot that is left from `pages`, beginning with the first whatever `pgoff` says
    /// (`vm_map_pages_zero`).
    ///
    /// # Errors
    /// As [`map_pages`](Self::map_pages).
    pub fn map_pages_zero(self, pages: &[P::Page]) -> Result<Mapped<'m>, Errno>
    where
        M: HoldsPages,
    {
        let first = self.filled >> P::PAGE_SHIFT;
        self.map_from(pages, first)
    }

    /// Inserts the zero page into the next slot: it reads as zeros, and a store to a private mapping copies it.
    ///
    /// # Errors
    /// EINVAL in a shared mapping that is writable or may become so, because a store would reach the zero page. It is
    /// allowed where [`pfn_mkwrite`](crate::Hooks::pfn_mkwrite) is registered and the mapping is [`io`](Self::io). Else
    /// as [`insert_page`](Self::insert_page).
    pub fn insert_zero_page(mut self) -> Result<Self, Errno>
    where
        M: HoldsPages,
    {
        let address = self.next_slot()?;
        P::vm_insert_zero_page(self.vma.0, address)?;
        self.filled += P::PAGE_SIZE;
        Ok(self)
    }

    /// Inserts a frame that may have a page behind it into the next slot. Linux has no such insertion for mmap hooks:
    /// `fs/cramfs/inode.c` uses the one of faults and makes an errno of its `vm_fault_t`.
    ///
    /// # Errors
    /// As [`insert_page`](Self::insert_page).
    pub fn insert_mixed(mut self, frame: Frame<'_, P>) -> Result<Self, Errno>
    where
        M: HoldsMixed,
    {
        let address = self.next_slot()?;
        P::vm_insert_mixed(self.vma.0, address, frame.pfn())?;
        self.filled += P::PAGE_SIZE;
        Ok(self)
    }

    /// Inserts a frame by number into the next slot. No reference is taken.
    ///
    /// # Errors
    /// EFAULT if every slot is filled, ENOMEM without a page table, EINVAL for a frame that may not be mapped.
    pub fn insert_pfn(self, frame: Frame<'_, P>) -> Result<Self, Errno>
    where
        M: HoldsFrames,
    {
        self.remap_next(FrameRange::from(frame))
    }

    /// Inserts frames by number into the next slots (`remap_pfn_range` of a part).
    ///
    /// # Errors
    /// EFAULT, and nothing is inserted, if there are more frames than slots. Else as [`insert_pfn`](Self::insert_pfn).
    pub fn remap(self, frames: FrameRange<'_, P>) -> Result<Self, Errno>
    where
        M: HoldsFrames,
    {
        self.remap_next(frames)
    }

    /// Maps the whole range onto `frames`, beginning with the first of them (`remap_pfn_range`). There may be more
    /// frames than slots.
    ///
    /// # Errors
    /// EINVAL if there are fewer frames than slots, or one may not be mapped; ENOMEM. Nothing is then mapped.
    pub fn remap_all(self, frames: FrameRange<'_, P>) -> Result<Mapped<'m>, Errno>
    where
        M: RemapsWhole,
    {
        let whole = frames.part(PageCount::ZERO, self.page_count()).ok_or(Errno::EINVAL)?;
        self.remap_next(whole)?.finish_filled()
    }

    /// Maps the whole range onto the part of `memory` that begins at `pgoff` (`vm_iomap_memory`).
    ///
    /// # Errors
    /// EINVAL if `memory` ends before the mapping does. Else as [`remap_all`](Self::remap_all).
    pub fn iomap_memory(self, memory: FrameRange<'_, P>) -> Result<Mapped<'m>, Errno>
    where
        M: RemapsWhole,
    {
        // `io_remap_pfn_range` does so, and `vm_iomap_memory` calls it.
        P::vma_set_decrypted(self.vma.0);
        let skip = PageCount::new(self.pgoff().index());
        let whole = memory.part(skip, self.page_count()).ok_or(Errno::EINVAL)?;
        self.remap_next(whole)?.finish_filled()
    }

    /// The mapping is complete: every slot is filled.
    ///
    /// # Errors
    /// ENXIO if one is not; what was inserted is taken away again.
    pub fn finish(self) -> Result<Mapped<'m>, Errno>
    where
        M: FilledAtMmap,
    {
        self.finish_filled()
    }

    /// The mapping is a success although slots may be empty: faults or an ioctl fill them later.
    pub fn fill_later(self) -> Mapped<'m>
    where
        M: FilledLater,
    {
        Mapped { brand: PhantomData }
    }

    fn finish_filled(self) -> Result<Mapped<'m>, Errno> {
        if self.is_full() { Ok(Mapped { brand: PhantomData }) } else { Err(Errno::ENXIO) }
    }

    /// The address of the next slot. If there is none, it is EFAULT, as for an address outside the VMA.
    fn next_slot(&self) -> Result<usize, Errno> {
        if self.is_full() {
            return Err(Errno::EFAULT);
        }
        // Inside the VMA, because `filled < len`.
        Ok(P::vma_range(self.vma.0).start.wrapping_add(self.filled))
    }

    fn insert_all(&mut self, pages: &[P::Page]) -> Result<(), (Errno, usize)> {
        if pages.is_empty() {
            return Ok(());
        }
        if pages.len() > self.remaining().get() {
            return Err((Errno::EFAULT, 0));
        }
        let address = self.next_slot().map_err(|errno| (errno, 0))?;
        P::vm_insert_pages(self.vma.0, address, pages)?;
        self.filled += pages.len() << P::PAGE_SHIFT;
        Ok(())
    }

    fn map_from(mut self, pages: &[P::Page], first: usize) -> Result<Mapped<'m>, Errno> {
        let end = first.checked_add(self.remaining().get()).ok_or(Errno::ENXIO)?;
        let pages = pages.get(first..end).ok_or(Errno::ENXIO)?;
        self.insert_all(pages).map_err(|(errno, _)| errno)?;
        self.finish_filled()
    }

    fn remap_next(mut self, frames: FrameRange<'_, P>) -> Result<Self, Errno> {
        let count = frames.count().get();
        if count > self.remaining().get() {
            return Err(Errno::EFAULT);
        }
        let address = self.next_slot()?;
        P::remap_pfn_range(self.vma.0, address, frames)?;
        self.filled += count << P::PAGE_SHIFT;
        Ok(self)
    }
}

// What it refuses, with what to write instead.
include!("refused/mmap.rs");
