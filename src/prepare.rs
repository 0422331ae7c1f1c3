//! The prepare hook's token, and its success.

use core::marker::PhantomData;

use crate::{
    description::{ABSENT_SHIFT, Description, GRANTED, can_be_rebased, flags_of_kind},
    errno::Errno,
    flags::VmFlags,
    frame::{AreFrames, FrameRange},
    kind::{Expands, FilledLater, HoldsPages, Kind, RemapsWhole, StillUndecided, Undecided},
    platform::Platform,
    prot::Cache,
    shared_object::SharedObject,
    sleep::{MaySleep, may_sleep},
    token::{Invariant, OneThread},
    units::{PageCount, PageOffset},
};

/// The token of the prepare hook, [`PrepareFile::mmap_prepare`](crate::PrepareFile::mmap_prepare): a mapping that is
/// asked for, and of which there is no VMA yet.
///
/// Locks: mmap lock, write. May sleep. Nothing is inserted.
///
/// The hook looks at what is wanted, refuses it, or sets flags, as a [mmap hook](crate::MmapCtx) does. Then it says how
/// the mapping is filled, and that is its success: [`by_faults`](Self::by_faults), or at once and whole,
/// [`fill_at_pgoff`](Self::fill_at_pgoff), [`remap_from_first`](Self::remap_from_first) and their twins. The kernel
/// does so when the VMA is there, and asks [`PrepareFile::mapped`](crate::PrepareFile::mapped) for the state last. Much
/// can go wrong in between, and no hook is told. So the prepare hook describes and nothing else
/// ([G25](crate::guide::guarantees#g25)): it makes no state, inserts nothing, and what is to be inserted is borrowed
/// from the file.
///
/// Not `Clone`, `Send` or `Sync`, and it cannot outlive the hook.
///
/// ```
/// use vmctx::{Errno, Mixed, Platform, PrepareCtx, Prepared};
///
/// fn mmap_prepare<'m, P: Platform>(
///     ctx: PrepareCtx<'m, P>,
///     pages: &'m [P::Page],
/// ) -> Result<Prepared<'m, P, Mixed>, Errno> {
///     ctx.writable().fill_at_pgoff(pages)
/// }
/// ```
#[diagnostic::on_move(
    message = "this token is spent: what was done with it gives it back, and that one is to be used",
    label = "each operation takes it, and gives it back",
    note = "a flag: `let ctx = ctx.noncached();`",
    note = "how the mapping is filled is said last: ask before, `let first = ctx.pgoff();`"
)]
#[doc(alias = "vm_area_desc")]
#[must_use = "a prepare hook ends with `by_faults()`, with one action for the whole range, or with an error"]
pub struct PrepareCtx<'m, P: Platform, M = Undecided> {
    wanted: Description,
    said: usize,
    /// The object that the mapping was rebased to.
    object: Option<SharedObject<P>>,
    brand: Invariant<'m>,
    kind: PhantomData<fn(M) -> M>,
    _thread: OneThread,
}

// What this token has in common with that of the mmap hook.
use self::PrepareCtx as Token;
include!("common/request.rs");

/// The success of a prepare hook: a mapping of the kind `K`, described. Only a [`PrepareCtx`] turns into one. It can
/// neither be made up nor kept for another mmap.
///
/// ```
/// use vmctx::{Errno, Mixed, Platform, PrepareCtx, Prepared};
///
/// /// Faults fill it, and mremap may make it longer.
/// fn mmap_prepare<'m, P: Platform>(ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Mixed>, Errno> {
///     Ok(ctx.writable().by_faults()?.may_expand())
/// }
/// ```
#[must_use = "return it from the prepare hook"]
pub struct Prepared<'m, P: Platform, K> {
    wanted: Description,
    object: Option<SharedObject<P>>,
    action: Action<'m, P>,
    brand: Invariant<'m>,
    kind: PhantomData<fn(K) -> K>,
}

/// What is done to the VMA when it is there (`mmap_action`). For platforms.
///
/// ```
/// use vmctx::{Platform, entry::Action};
///
/// /// How many page table entries a platform has to write.
/// fn entries<P: Platform>(action: &Action<'_, P>) -> usize {
///     match action {
///         Action::ByFaults => 0,
///         Action::Remap(frames) => frames.count().get(),
///         Action::Fill(pages) => pages.len(),
///     }
/// }
/// ```
pub enum Action<'m, P: Platform> {
    /// Nothing: faults fill it.
    ByFaults,
    /// All of it is mapped onto these frames, of which there are as many (`mmap_action_remap_full`).
    Remap(FrameRange<'m, P>),
    /// All of it is filled with these pages, of which there are as many (`mmap_action_map_kernel_pages_full`).
    Fill(&'m [P::Page]),
}

/// The token for what is asked for. Not an associated function of [`PrepareCtx`], which rustc would suggest to whoever
/// tries a literal.
pub(crate) const fn prepare<'m, P: Platform>(wanted: Description) -> PrepareCtx<'m, P> {
    PrepareCtx { wanted, said: 0, object: None, brand: PhantomData, kind: PhantomData, _thread: OneThread::MARK }
}

/// Where it begins, and how long it is.
impl<'m, P: Platform, M> PrepareCtx<'m, P, M> {
    /// The page of the object that is to show first, counted from where the object begins that the mapping was
    /// [rebased](Self::rebase) to.
    #[must_use]
    pub fn pgoff(&self) -> PageOffset {
        let base = self.object.as_ref().map_or(PageOffset::ZERO, SharedObject::base);
        self.file_pgoff().counted_from(base)
    }

    /// How many pages the mapping is to have.
    #[must_use]
    pub fn page_count(&self) -> PageCount {
        self.wanted.shown().page_count()
    }

    fn vma_flags(&self) -> VmFlags {
        self.wanted.flags()
    }

    fn change_flags(&mut self, set: VmFlags, clear: VmFlags) {
        self.wanted.change_flags(set, clear);
    }

    fn set_cache(&mut self, cache: Cache) {
        self.wanted.set_cache(cache);
    }

    fn set_decrypted(&mut self) {
        self.wanted.set_decrypted();
    }

    fn said(&mut self) -> &mut usize {
        &mut self.said
    }

    fn file_pgoff(&self) -> PageOffset {
        self.wanted.shown().start
    }

    /// Page offsets count from where this object begins. Whether the file shows it is seen when there is a VMA.
    fn count_from(self, object: &SharedObject<P>) -> Result<Self, Errno> {
        Ok(Self { object: Some(object.clone()), ..self })
    }
}

/// Saying how it is filled.
impl<'m, P: Platform> PrepareCtx<'m, P> {
    /// Faults fill the mapping, one touch after the other. Memory that can be [taken back](crate::Revocable) is mapped
    /// in no other way: who takes it back does not find a mapping that is only described yet
    /// ([G22](crate::guide::guarantees#g22)).
    ///
    /// # Errors
    /// EPERM for a shared mapping that is asked for with `PROT_WRITE`, without [`writable`](Self::writable). EINVAL for
    /// a [`PfnMap`](crate::PfnMap) of a copy-on-write mapping ([`is_cow`](Self::is_cow)): call
    /// [`read_only`](Self::read_only) or [`shared_only`](Self::shared_only) first to say which of the two it is to be.
    #[doc(alias = "mmap_prepare")]
    pub fn by_faults<K>(self) -> Result<Prepared<'m, P, K>, Errno>
    where
        K: FilledLater + Kind,
    {
        self.describe(Action::ByFaults)
    }

    /// The mapping is filled from `pages`, the whole object: the slot's `pgoff` is the index. They are the file's, which
    /// the mapping keeps open; the mapping takes references of its own.
    ///
    /// # Errors
    /// ENXIO if the mapping begins behind the object's end or reaches over it. Else as [`by_faults`](Self::by_faults).
    #[doc(alias = "mmap_action_map_kernel_pages_full")]
    pub fn fill_at_pgoff<K>(self, pages: &'m [P::Page]) -> Result<Prepared<'m, P, K>, Errno>
    where
        K: HoldsPages + Kind,
    {
        let first = self.pgoff().index();
        self.fill_from(pages, first)
    }

    /// The mapping is filled from `pages`, beginning with the first whatever `pgoff` says.
    ///
    /// # Errors
    /// As [`fill_at_pgoff`](Self::fill_at_pgoff).
    #[doc(alias = "mmap_action_map_kernel_pages_full")]
    pub fn fill_from_first<K>(self, pages: &'m [P::Page]) -> Result<Prepared<'m, P, K>, Errno>
    where
        K: HoldsPages + Kind,
    {
        self.fill_from(pages, 0)
    }

    /// The whole range is mapped onto `frames`, beginning with the first of them. There may be more frames than slots.
    /// They are the file's, which the mapping keeps open.
    ///
    /// # Errors
    /// EINVAL if there are fewer frames than slots. Else as [`by_faults`](Self::by_faults).
    #[doc(alias("mmap_action_remap_full", "mmap_action_ioremap_full"))]
    pub fn remap_from_first<K>(self, frames: impl AreFrames<'m, P>) -> Result<Prepared<'m, P, K>, Errno>
    where
        K: RemapsWhole + Kind,
    {
        let whole = frames.into_frames().part(PageCount::ZERO, self.page_count()).ok_or(Errno::EINVAL)?;
        self.describe(Action::Remap(whole))
    }

    /// The whole range is mapped onto the part of `memory` that begins at `pgoff`.
    ///
    /// # Errors
    /// EINVAL if `memory` ends before the mapping does. Else as [`by_faults`](Self::by_faults).
    #[doc(alias = "mmap_action_simple_ioremap")]
    pub fn remap_at_pgoff<K>(mut self, memory: impl AreFrames<'m, P>) -> Result<Prepared<'m, P, K>, Errno>
    where
        K: RemapsWhole + Kind,
    {
        // `io_remap_pfn_range` does so, and `vm_iomap_memory` calls it.
        self.set_decrypted();
        let skip = PageCount::new(self.pgoff().index());
        let whole = memory.into_frames().part(skip, self.page_count()).ok_or(Errno::EINVAL)?;
        self.describe(Action::Remap(whole))
    }

    fn fill_from<K: Kind>(self, pages: &'m [P::Page], first: usize) -> Result<Prepared<'m, P, K>, Errno> {
        let end = first.checked_add(self.page_count().get()).ok_or(Errno::ENXIO)?;
        let pages = pages.get(first..end).ok_or(Errno::ENXIO)?;
        self.describe(Action::Fill(pages))
    }

    fn describe<K: Kind>(mut self, action: Action<'m, P>) -> Result<Prepared<'m, P, K>, Errno> {
        // Set here and not by the driver: a VMA that Linux merges gets this one's private data over its own.
        let (set, clear) = flags_of_kind::<K>(self.vma_flags(), self.said)?;
        self.change_flags(set, clear);
        let base = self.object.as_ref().map_or(PageOffset::ZERO, SharedObject::base);
        can_be_rebased::<K>(base, self.vma_flags())?;
        let Self { wanted, object, .. } = self;
        Ok(Prepared { wanted, object, action, brand: PhantomData, kind: PhantomData })
    }
}

impl<'m, P: Platform, K> Prepared<'m, P, K> {
    /// Lets mremap make the mapping longer, as Linux lets it: by moving it, never where it is
    /// ([G20](crate::guide::guarantees#g20)). The fault hook is then asked for pages behind what this hook saw.
    pub fn may_expand(mut self) -> Self
    where
        K: Expands,
    {
        self.wanted.change_flags(VmFlags::NONE, VmFlags::DONTEXPAND);
        self
    }

    /// What the hook has made of it.
    pub(crate) fn into_parts(self) -> (Description, Option<SharedObject<P>>, Action<'m, P>) {
        (self.wanted, self.object, self.action)
    }
}

// What it refuses, with what to write instead.
include!("refused/prepare.rs");

// What it has in C under another name.
include!("common/c_names.rs");
