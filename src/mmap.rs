//! The mmap hook's token.

use core::{borrow::Borrow, marker::PhantomData};

use crate::{
    description::{ABSENT_SHIFT, Description, GRANTED, can_be_rebased, flags_of_kind, whole_pages},
    errno::{Errno, InsertPagesError},
    flags::VmFlags,
    frame::{AreFrames, Frame, FrameRange, IsFrame},
    handle::{Handle, handle},
    kind::{
        Expands, FilledAtMmap, FilledLater, HoldsFrames, HoldsMixed, HoldsPages, Kind, Populated, RemapsWhole,
        StillUndecided, Undecided,
    },
    ops::VmOperations,
    platform::Platform,
    prepare_hook::PrepareHook,
    prot::Cache,
    shared_object::SharedObject,
    sleep::{MaySleep, may_sleep},
    token::{Held, Invariant, OneThread},
    units::{PageCount, PageOffset},
};

/// The token of the mmap hook: the proof that the mmap lock is held for write and a mapping is being made.
///
/// Locks: mmap lock, write. May sleep. Insertion answers `Result<Self, Errno>`.
///
/// It begins [`Undecided`]: the hook looks at what is wanted, refuses it, or sets flags. Then it chooses the kind, with
/// [`establish`](Self::establish), which brings a state and a fault hook, or with
/// [`without_faults`](Self::without_faults), which brings neither. Then it fills the slots in order, so that none is
/// filled twice and nothing goes outside. An insertion takes the token and gives it back only in `Ok`, so a failed one
/// cannot be followed by a success ([G6](crate::guide::guarantees#g6)). The hook succeeds with a [`Mapped`]: from
/// [`finish`](Self::finish) if every slot is filled, from [`fill_later`](Self::fill_later) if the rest is to come
/// later, or from an operation that fills the whole range.
///
/// Not `Clone`, `Send` or `Sync`, and it cannot outlive the hook.
///
/// A mapping that is filled now, and one whose pages come when they are touched:
///
/// ```
/// use vmctx::{Errno, Mapped, Mixed, MmapCtx, Platform, VmOperations};
///
/// fn log<'m, P: Platform>(ctx: MmapCtx<'m, P>, pages: &[P::Page]) -> Result<Mapped<'m>, Errno> {
///     let mut ctx = ctx.dont_dump().without_faults::<Mixed>()?;
///     for page in pages {
///         ctx = ctx.insert_page(page)?;
///     }
///     ctx.finish()
/// }
///
/// fn ring<'m, P: Platform, V>(ctx: MmapCtx<'m, P>, state: V) -> Result<Mapped<'m>, Errno>
/// where
///     V: VmOperations<Platform = P, Kind = Mixed>,
/// {
///     Ok(ctx.shared_only()?.writable().establish(state)?.fill_later())
/// }
/// ```
#[diagnostic::on_move(
    message = "this token is spent: what was done with it gives it back, and that one is to be used",
    label = "each operation takes it, and gives it back",
    note = "an insertion: `ctx = ctx.insert_page(&page)?;` with `let mut ctx`; a flag: `let ctx = ctx.noncached();`",
    note = "ask before, or in the closure of what inserts: `ctx.insert_page_with(|at| at.pgoff().of(&self.pages).ok_or(Errno::ENXIO))`"
)]
#[diagnostic::on_type_error(
    note = "what is done with this token gives it back: `let ctx = ctx.insert_page(&page)?;`, or `Ok(ctx) => ctx.finish(),` in a `match`"
)]
#[doc(alias = "vm_area_struct")]
#[must_use = "a mmap hook ends with `finish()`, `fill_later()` or an error"]
pub struct MmapCtx<'m, P: Platform, M = Undecided> {
    vma: Held<&'m mut P::Vma>,
    // Before `filled`, because what comes second shares its place with the errno of a `Result<Self, Errno>`. A loop that
    // gets the token back from each insertion would then put `filled` together from two parts in each turn.
    /// From where on page offsets count: the start of the file, or of the object that the mapping was rebased to.
    base: PageOffset,
    // Both in bytes, and whole pages: everything below `filled` is in, and `filled <= len`. Counted in pages they would
    // cost a loop that inserts pages one more register, because the compiler keeps the bytes beside the pages.
    // Until the kind is chosen nothing is filled, and the lowest bits of `filled` say whether the driver has granted
    // writing, and what it has been told that the user does not ask for: a word of its own would cost that loop another
    // register, too.
    filled: usize,
    len: usize,
    brand: Invariant<'m>,
    kind: PhantomData<fn(M) -> M>,
    _thread: OneThread,
}

// What this token has in common with that of the prepare hook.
use self::MmapCtx as Token;
include!("common/request.rs");

/// The success of a mmap hook. Only a [`MmapCtx`] turns into one, and only after all its insertions have succeeded. It
/// can neither be made up nor kept for another mmap.
///
/// ```
/// use vmctx::{Errno, Mapped, Mixed, MmapCtx, Platform};
///
/// fn doorbell<'m, P: Platform>(ctx: MmapCtx<'m, P>, page: &P::Page) -> Result<Mapped<'m>, Errno> {
///     ctx.writable().without_faults::<Mixed>()?.insert_page(page)?.finish()
/// }
/// ```
#[diagnostic::on_type_error(
    note = "a mmap hook succeeds with what its token ends in: `ctx.finish()`, a `Result` already, or `Ok(ctx.fill_later())`",
    note = "after an insertion: `ctx.insert_page(&page)?.finish()`"
)]
#[must_use = "return it from the mmap hook"]
pub struct Mapped<'m> {
    brand: Invariant<'m>,
}

impl<'m, P: Platform> MmapCtx<'m, P> {
    /// The token for this VMA, after the checks that no driver should have to repeat.
    pub(crate) fn begin(vma: &'m mut P::Vma) -> Result<Self, Errno> {
        let len = whole_pages::<P>(&P::vma_range(vma), P::vma_pgoff(vma))?;
        Ok(Self {
            vma: Held(vma),
            filled: 0,
            len,
            base: PageOffset::ZERO,
            brand: PhantomData,
            kind: PhantomData,
            _thread: OneThread::MARK,
        })
    }
}

/// What is asked for, and how much of it is done.
impl<'m, P: Platform, M> MmapCtx<'m, P, M> {
    /// The page of the object that belongs in the next slot: `vm_pgoff`, plus what is filled. It is counted from where
    /// the object begins that the mapping was [rebased](Self::rebase) to.
    #[doc(alias = "vm_pgoff")]
    #[must_use]
    pub fn pgoff(&self) -> PageOffset {
        // Cannot overflow: `begin` has checked the sum with the whole length.
        let next = P::vma_pgoff(self.vma.0).index().wrapping_add(self.filled >> P::PAGE_SHIFT);
        PageOffset::new(next).counted_from(self.base)
    }

    /// How many slots the mapping has.
    #[doc(alias = "vma_pages")]
    #[must_use]
    pub fn page_count(&self) -> PageCount {
        PageCount::new(self.len >> P::PAGE_SHIFT)
    }

    /// How many slots are still to be filled.
    #[must_use]
    pub fn remaining(&self) -> PageCount {
        PageCount::new((self.len >> P::PAGE_SHIFT) - (self.filled >> P::PAGE_SHIFT))
    }

    /// Whether every slot is filled.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.filled == self.len
    }

    /// Whether a store can ever reach the object through this mapping, now or after an mprotect: it is shared, the file
    /// was opened for writing, and the hook has called [`writable`](Self::writable). A driver that counts the writers
    /// of an object counts these mappings. It is known once the kind is chosen, in
    /// [`establish_with`](Self::establish_with) too.
    #[must_use]
    pub fn may_be_written(&self) -> bool
    where
        M: Kind,
    {
        self.vma_flags().contains(VmFlags::MAYSHARE | VmFlags::MAYWRITE)
    }

    /// A handle to come back to this mapping, from an ioctl or a shrinker.
    ///
    /// # Errors
    /// EINVAL for a mapping without a state, because a mapping is found by its state: [`establish`](Self::establish) it
    /// first. EINVAL also on a platform that has no handles.
    pub fn handle(&self) -> Result<Handle<P, M>, Errno>
    where
        M: Kind,
    {
        P::vma_handle(self.vma.0).map(|raw| handle(raw, self.base)).ok_or(Errno::EINVAL)
    }

    fn vma_flags(&self) -> VmFlags {
        P::vma_flags(self.vma.0)
    }

    fn change_flags(&mut self, set: VmFlags, clear: VmFlags) {
        P::vma_change_flags(self.vma.0, set, clear);
    }

    fn set_cache(&mut self, cache: Cache) {
        P::vma_set_cache(self.vma.0, cache);
    }

    fn set_decrypted(&mut self) {
        P::vma_set_decrypted(self.vma.0);
    }

    fn said(&mut self) -> &mut usize {
        &mut self.filled
    }

    fn file_pgoff(&self) -> PageOffset {
        P::vma_pgoff(self.vma.0)
    }

    /// Page offsets count from where this object begins, if the file shows it.
    fn count_from(self, object: &SharedObject<P>) -> Result<Self, Errno> {
        if P::vma_is_of(self.vma.0, &object.raw) {
            Ok(Self { base: object.base(), ..self })
        } else {
            Err(Errno::EINVAL)
        }
    }
}

/// Choosing the kind.
impl<'m, P: Platform, M> MmapCtx<'m, P, M> {
    /// Gives the mapping its state, whose hooks serve its faults. The state's type decides the kind.
    ///
    /// # Errors
    /// EPERM for a shared mapping that is asked for with `PROT_WRITE`, without [`writable`](Self::writable). EINVAL for
    /// a [`PfnMap`](crate::PfnMap) of a copy-on-write mapping ([`is_cow`](Self::is_cow)): call
    /// [`read_only`](Self::read_only) or [`shared_only`](Self::shared_only) first to say which of the two it is to be.
    /// EINVAL also for a state that [names another object](crate::Hooks::object) than the file's, or than that which
    /// the mapping was [rebased](Self::rebase) to, or that names none although it was rebased; and for a private
    /// [`Remapped`](crate::Remapped) mapping that was rebased.
    /// ENOMEM; what the [open hook](crate::Hooks::open) says. In all cases the state is dropped.
    #[doc(alias = "vm_private_data")]
    #[track_caller]
    pub fn establish<V: VmOperations<Platform = P>>(self, state: V) -> Result<MmapCtx<'m, P, V::Kind>, Errno>
    where
        M: StillUndecided,
    {
        self.establish_with(|_| Ok(state))
    }

    /// The same with a state that is made only if the mapping is not refused, and can be made of what is asked for.
    ///
    /// # Errors
    /// As [`establish`](Self::establish), and what `state` says.
    #[track_caller]
    pub fn establish_with<V: VmOperations<Platform = P>>(
        self,
        state: impl FnOnce(&MmapCtx<'m, P, V::Kind>) -> Result<V, Errno>,
    ) -> Result<MmapCtx<'m, P, V::Kind>, Errno>
    where
        M: StillUndecided,
    {
        let ctx = self.become_kind()?;
        let state = P::share(state(&ctx)?, may_sleep())?;
        ctx.install(state)
    }

    /// The same with a state that somebody else holds as well, for example the open file.
    ///
    /// # Errors
    /// As [`establish`](Self::establish).
    pub fn establish_shared<V: VmOperations<Platform = P>>(
        self,
        state: P::Ref<V>,
    ) -> Result<MmapCtx<'m, P, V::Kind>, Errno>
    where
        M: StillUndecided,
    {
        self.become_kind()?.install(state)
    }

    /// Chooses the kind of a mapping that has no fault hook: a touch of what is not inserted now is a SIGBUS.
    ///
    /// # Errors
    /// EPERM and EINVAL as [`establish`](Self::establish).
    pub fn without_faults<K: Populated>(self) -> Result<MmapCtx<'m, P, K>, Errno>
    where
        M: StillUndecided,
    {
        self.become_kind()
    }

    /// Lets mremap make the mapping longer, as Linux lets it: by moving it, never where it is
    /// ([G20](crate::guide::guarantees#g20)). The fault hook is then asked for pages behind what the mmap hook saw.
    ///
    /// Without this every mapping has `VM_DONTEXPAND`, and what would make it longer is EFAULT; so is an old length of
    /// zero, which would map it once more. It can be made shorter, and moved.
    #[doc(alias = "VM_DONTEXPAND")]
    pub fn may_expand(self) -> Self
    where
        M: Expands,
    {
        P::vma_change_flags(self.vma.0, VmFlags::NONE, VmFlags::DONTEXPAND);
        self
    }

    fn become_kind<K: Kind>(self) -> Result<MmapCtx<'m, P, K>, Errno> {
        let (set, clear) = flags_of_kind::<K>(self.vma_flags(), self.filled)?;
        P::vma_change_flags(self.vma.0, set, clear);
        let Self { vma, len, base, .. } = self;
        Ok(MmapCtx { vma, filled: 0, len, base, brand: PhantomData, kind: PhantomData, _thread: OneThread::MARK })
    }

    fn install<V: VmOperations<Platform = P, Kind = M>>(self, state: P::Ref<V>) -> Result<Self, Errno>
    where
        M: Kind,
    {
        // Later hooks know by the state where the object begins.
        if V::HOOKS.base(&state) != self.base {
            return Err(Errno::EINVAL);
        }
        install::<V>(self.vma.0, state)?;
        Ok(self)
    }

    /// Does what a prepare hook describes (`compat_vma_mmap`).
    #[track_caller]
    pub(crate) fn by_description(self, hook: &PrepareHook<'m, P>) -> Result<Mapped<'m>, Errno> {
        let vma = self.vma.0;
        let described =
            hook.describe(Description::new::<P>(P::vma_range(vma), P::vma_pgoff(vma), P::vma_flags(vma))?)?;
        described.description.apply::<P>(vma);
        described.fill(vma)?;
        hook.mapped(described.description.shown(), vma)?;
        Ok(Mapped { brand: PhantomData })
    }
}

/// Gives a VMA its state.
pub(crate) fn install<V: VmOperations>(
    vma: &mut <V::Platform as Platform>::Vma,
    state: <V::Platform as Platform>::Ref<V>,
) -> Result<(), Errno> {
    // Memory that can be taken back has to be shown through the object that takes it back (G22).
    if V::HOOKS.named(&state).is_some_and(|object| !V::Platform::vma_is_of(vma, &object.raw)) {
        return Err(Errno::EINVAL);
    }
    can_be_rebased::<V::Kind>(V::HOOKS.base(&state), V::Platform::vma_flags(vma))?;
    V::Platform::establish(vma, state)
}

/// Filling the slots.
impl<'m, P: Platform, M: Kind> MmapCtx<'m, P, M> {
    /// Inserts a page into the next slot (`vm_insert_page`). The mapping takes a reference of its own.
    ///
    /// # Errors
    /// EFAULT if every slot is filled, ENOMEM without memory for a page table, EBUSY if something is there already,
    /// EINVAL for a page that may not be mapped.
    #[doc(alias = "vm_insert_page")]
    #[track_caller]
    pub fn insert_page(
        mut self, // the token comes back: `ctx = ctx.insert_page(&page)?;`
        page: &P::Page,
    ) -> Result<Self, Errno>
    where
        M: HoldsPages,
    {
        let address = self.next_slot()?;
        P::vm_insert_page(self.vma.0, address, page)?;
        self.fill(1);
        Ok(self)
    }

    /// Looks a page up and inserts it into the next slot: one of the driver's, or a fresh one.
    ///
    /// # Errors
    /// What `find` says, else as [`insert_page`](Self::insert_page).
    #[track_caller]
    pub fn insert_page_with<B: Borrow<P::Page>>(
        self, // the token comes back: `ctx = ctx.insert_page_with(..)?;`
        find: impl FnOnce(&Self) -> Result<B, Errno>,
    ) -> Result<Self, Errno>
    where
        M: HoldsPages,
    {
        let page = find(&self)?;
        self.insert_page(page.borrow())
    }

    /// Inserts pages into the next slots, in one go (`vm_insert_pages`).
    ///
    /// # Errors
    /// As [`insert_page`](Self::insert_page), and how many are in. If there are more pages than slots, it is EFAULT and
    /// none is in.
    #[doc(alias = "vm_insert_pages")]
    #[track_caller]
    pub fn insert_pages(
        mut self, // the token comes back: `ctx = ctx.insert_pages(&pages)?;`
        pages: &[P::Page],
    ) -> Result<Self, InsertPagesError>
    where
        M: HoldsPages,
    {
        self.insert_all(pages).map_err(|(errno, done)| stopped(errno, done))?;
        Ok(self)
    }

    /// Looks pages up and inserts them into the next slots, in one go.
    ///
    /// # Errors
    /// What `find` says, with none inserted; else as [`insert_pages`](Self::insert_pages).
    #[track_caller]
    pub fn insert_pages_with<B: AsRef<[P::Page]>>(
        self, // the token comes back: `ctx = ctx.insert_pages_with(..)?;`
        find: impl FnOnce(&Self) -> Result<B, Errno>,
    ) -> Result<Self, InsertPagesError>
    where
        M: HoldsPages,
    {
        let pages = find(&self).map_err(|errno| stopped(errno, 0))?;
        self.insert_pages(pages.as_ref())
    }

    /// Fills every slot that is left from `pages`, the whole object: the slot's `pgoff` is the index (`vm_map_pages`).
    ///
    /// # Errors
    /// ENXIO, and nothing is inserted, if the mapping begins behind the object's end or reaches over it. Else as
    /// [`insert_page`](Self::insert_page).
    #[doc(alias("vm_map_pages", "remap_vmalloc_range", "dma_mmap_coherent", "dma_mmap_attrs", "dma_mmap_wc"))]
    #[track_caller]
    pub fn fill_at_pgoff(self, pages: &[P::Page]) -> Result<Mapped<'m>, Errno>
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
    /// As [`fill_at_pgoff`](Self::fill_at_pgoff).
    #[doc(alias = "vm_map_pages_zero")]
    #[track_caller]
    pub fn fill_from_first(self, pages: &[P::Page]) -> Result<Mapped<'m>, Errno>
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
    #[track_caller]
    pub fn insert_zero_page(mut self) -> Result<Self, Errno>
    where
        M: HoldsPages,
    {
        let address = self.next_slot()?;
        P::vm_insert_zero_page(self.vma.0, address)?;
        self.fill(1);
        Ok(self)
    }

    /// Inserts a frame that may have a page behind it into the next slot. Linux has no such insertion for mmap hooks:
    /// `fs/cramfs/inode.c` uses the one of faults and makes an errno of its `vm_fault_t`.
    ///
    /// # Errors
    /// As [`insert_page`](Self::insert_page).
    #[doc(alias("vm_insert_mixed", "vmf_insert_mixed", "vm_fault_to_errno"))]
    #[track_caller]
    pub fn insert_mixed(
        mut self, // the token comes back: `ctx = ctx.insert_mixed(frame)?;`
        frame: impl IsFrame<'m, P>,
    ) -> Result<Self, Errno>
    where
        M: HoldsMixed,
    {
        let address = self.next_slot()?;
        P::vm_insert_mixed(self.vma.0, address, frame.into_frame().pfn())?;
        self.fill(1);
        Ok(self)
    }

    /// Looks a frame up and inserts it as [`insert_mixed`](Self::insert_mixed) does.
    ///
    /// # Errors
    /// What `find` says, else as [`insert_page`](Self::insert_page).
    #[track_caller]
    pub fn insert_mixed_with(
        self, // the token comes back: `ctx = ctx.insert_mixed_with(..)?;`
        find: impl FnOnce(&Self) -> Result<Frame<'m, P>, Errno>,
    ) -> Result<Self, Errno>
    where
        M: HoldsMixed,
    {
        let frame = find(&self)?;
        self.insert_mixed(frame)
    }

    /// Inserts a frame by number into the next slot. No reference is taken: the frame borrows from the file, which the
    /// mapping keeps open ([G21](crate::guide::guarantees#g21)).
    ///
    /// # Errors
    /// EFAULT if every slot is filled, ENOMEM without a page table, EINVAL for a frame that may not be mapped.
    #[doc(alias = "vm_insert_pfn")]
    #[track_caller]
    pub fn insert_pfn(
        self, // the token comes back: `ctx = ctx.insert_pfn(frame)?;`
        frame: impl IsFrame<'m, P>,
    ) -> Result<Self, Errno>
    where
        M: HoldsFrames,
    {
        self.remap_next(FrameRange::from(frame.into_frame()))
    }

    /// Looks a frame up and inserts it by number into the next slot.
    ///
    /// # Errors
    /// What `find` says, else as [`insert_pfn`](Self::insert_pfn).
    #[track_caller]
    pub fn insert_pfn_with(
        self, // the token comes back: `ctx = ctx.insert_pfn_with(..)?;`
        find: impl FnOnce(&Self) -> Result<Frame<'m, P>, Errno>,
    ) -> Result<Self, Errno>
    where
        M: HoldsFrames,
    {
        let frame = find(&self)?;
        self.insert_pfn(frame)
    }

    /// Inserts frames by number into the next slots (`remap_pfn_range` of a part).
    ///
    /// # Errors
    /// EFAULT, and nothing is inserted, if there are more frames than slots. Else as [`insert_pfn`](Self::insert_pfn).
    #[doc(alias = "remap_pfn_range")]
    #[track_caller]
    pub fn remap(
        self, // the token comes back: `ctx = ctx.remap(frames)?;`
        frames: impl AreFrames<'m, P>,
    ) -> Result<Self, Errno>
    where
        M: HoldsFrames,
    {
        self.remap_next(frames.into_frames())
    }

    /// Looks frames up and inserts them by number into the next slots.
    ///
    /// # Errors
    /// What `find` says, else as [`remap`](Self::remap).
    #[track_caller]
    pub fn remap_with(
        self, // the token comes back: `ctx = ctx.remap_with(..)?;`
        find: impl FnOnce(&Self) -> Result<FrameRange<'m, P>, Errno>,
    ) -> Result<Self, Errno>
    where
        M: HoldsFrames,
    {
        let frames = find(&self)?;
        self.remap(frames)
    }

    /// Maps the whole range onto `frames`, beginning with the first of them (`remap_pfn_range`). There may be more
    /// frames than slots.
    ///
    /// # Errors
    /// EINVAL if there are fewer frames than slots, or one may not be mapped; ENOMEM. Nothing is then mapped.
    #[doc(alias = "remap_pfn_range")]
    #[track_caller]
    pub fn remap_from_first(self, frames: impl AreFrames<'m, P>) -> Result<Mapped<'m>, Errno>
    where
        M: RemapsWhole,
    {
        let whole = frames.into_frames().part(PageCount::ZERO, self.page_count()).ok_or(Errno::EINVAL)?;
        self.remap_next(whole)?.finish_filled()
    }

    /// Maps the whole range onto the part of `memory` that begins at `pgoff` (`vm_iomap_memory`).
    ///
    /// # Errors
    /// EINVAL if `memory` ends before the mapping does. Else as [`remap_from_first`](Self::remap_from_first).
    #[doc(alias("io_remap_pfn_range", "vm_iomap_memory"))]
    #[track_caller]
    pub fn remap_at_pgoff(self, memory: impl AreFrames<'m, P>) -> Result<Mapped<'m>, Errno>
    where
        M: RemapsWhole,
    {
        // `io_remap_pfn_range` does so, and `vm_iomap_memory` calls it.
        P::vma_set_decrypted(self.vma.0);
        let skip = PageCount::new(self.pgoff().index());
        let whole = memory.into_frames().part(skip, self.page_count()).ok_or(Errno::EINVAL)?;
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

    /// That many slots more are filled. They are in the mapping, so the sum is no more than its length.
    fn fill(&mut self, pages: usize) {
        self.filled = self.filled.wrapping_add(pages << P::PAGE_SHIFT);
    }

    #[track_caller]
    fn insert_all(&mut self, pages: &[P::Page]) -> Result<(), (Errno, usize)> {
        if pages.is_empty() {
            return Ok(());
        }
        if pages.len() > self.remaining().get() {
            return Err((Errno::EFAULT, 0));
        }
        let address = self.next_slot().map_err(|errno| (errno, 0))?;
        P::vm_insert_pages(self.vma.0, address, pages)?;
        self.fill(pages.len());
        Ok(())
    }

    #[track_caller]
    fn map_from(mut self, pages: &[P::Page], first: usize) -> Result<Mapped<'m>, Errno> {
        let end = first.checked_add(self.remaining().get()).ok_or(Errno::ENXIO)?;
        let pages = pages.get(first..end).ok_or(Errno::ENXIO)?;
        self.insert_all(pages).map_err(|(errno, _)| errno)?;
        self.finish_filled()
    }

    #[track_caller]
    fn remap_next(mut self, frames: FrameRange<'m, P>) -> Result<Self, Errno> {
        let count = frames.count().get();
        if count > self.remaining().get() {
            return Err(Errno::EFAULT);
        }
        let address = self.next_slot()?;
        P::remap_pfn_range(self.vma.0, address, frames)?;
        self.fill(count);
        Ok(self)
    }
}

/// A batch stopped after `done` pages. Slots are filled in order, so none was filled before.
fn stopped(errno: Errno, done: usize) -> InsertPagesError {
    InsertPagesError { errno, inserted: PageCount::new(done), already_present: PageCount::ZERO }
}

// What it refuses, with what to write instead.
include!("refused/mmap.rs");

// What it has in C under another name.
include!("common/c_names.rs");
