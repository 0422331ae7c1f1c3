//! What a driver implements for a file whose mappings are described before there are any: the prepare hook.

use core::marker::PhantomData;

use crate::{
    description::Description,
    errno::Errno,
    file::MmapFile,
    handle::{Handle, handle},
    kind::Populated,
    mmap::{Mapped, MmapCtx},
    ops::VmOperations,
    platform::Platform,
    prepare::{PrepareCtx, Prepared, prepare},
    prepare_hook::{Described, Describes, PrepareHook},
    shared_object::SharedObject,
    sleep::{MaySleep, may_sleep},
    units::PageRange,
};

/// The kind of a file's mappings.
type KindOf<F> = <<F as PrepareFile>::Ops as VmOperations>::Kind;

/// A file that can be mapped, by a description: `f_op->mmap_prepare`, which takes the place of `f_op->mmap` in Linux 7.
///
/// A platform opens it as [`ByPrepare`]`(file)`, which is a [`MmapFile`] like any other.
///
/// ```
/// use vmctx::{Errno, FaultCtx, MaySleep, Mixed, PageRange, Platform, PrepareCtx, PrepareFile, Prepared, VmFault, VmOperations};
///
/// /// Pages that the device shares with its users.
/// struct Ring<P: Platform> {
///     pages: P::Ref<Vec<P::Page>>,
/// }
///
/// impl<P: Platform> PrepareFile for Ring<P> {
///     type Platform = P;
///     type Ops = View<P>;
///
///     fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Mixed>, Errno> {
///         ctx.shared_only()?.writable().by_faults()
///     }
///
///     fn mapped(&self, _: PageRange, may_sleep: MaySleep<'_>) -> Result<P::Ref<View<P>>, Errno> {
///         P::share(View { pages: self.pages.clone() }, may_sleep)
///     }
/// }
///
/// /// The state of one mapping.
/// struct View<P: Platform> {
///     pages: P::Ref<Vec<P::Page>>,
/// }
///
/// impl<P: Platform> VmOperations for View<P> {
///     type Platform = P;
///     type Kind = Mixed;
///
///     fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
///         ctx.insert_page_with(|at| at.pgoff().of(&**self.pages).ok_or(Errno::ENXIO))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not describe mappings: it does not implement `PrepareFile`",
    label = "not a file with a prepare hook",
    note = "implement `PrepareFile` for the open file, and `VmOperations` for the state of one mapping",
    note = "a file with a mmap hook is a `MmapFile`, and is opened as it is, without `ByPrepare`"
)]
pub trait PrepareFile: Send + Sync + 'static {
    /// The platform that it runs on.
    type Platform: Platform;

    /// The operations of its mappings. Their [kind](VmOperations::Kind) decides how a mapping can be filled. A mapping
    /// that is filled at once, and needs no state, has [`WithoutFaults`].
    type Ops: VmOperations<Platform = Self::Platform>;

    /// Describes one mapping that is asked for. It is not there yet, and may never be: the hook must leave no trace
    /// ([G25](crate::guide::guarantees#g25)). Frames and pages that are to be mapped are borrowed from the file, which
    /// the mapping keeps open, hence the `'m`.
    ///
    /// # Errors
    /// Whatever the user's `mmap` call is to fail with.
    fn mmap_prepare<'m>(
        &'m self,
        ctx: PrepareCtx<'m, Self::Platform>,
    ) -> Result<Prepared<'m, Self::Platform, KindOf<Self>>, Errno>;

    /// Makes the state of a mapping that is there now (`vm_ops->mapped`), and filled as it was described. Called once
    /// for each, and last: after it nothing goes wrong any more but the [open hook](crate::Hooks::open) of the state.
    ///
    /// `shown` is the part of the file that was described, wherever the object begins that the hook has
    /// [rebased](PrepareCtx::rebase) the mapping to: what that hook has looked up is looked up by it again. A state
    /// [names the object](crate::Hooks::object) that the mapping was rebased to; one that names a part of the file in
    /// which `shown` does not lie is refused with EINVAL.
    ///
    /// # Errors
    /// ENOMEM, or whatever the user's `mmap` call is to fail with. What was mapped is taken away again. What the hook
    /// has done until it fails, it has to undo itself.
    fn mapped(
        &self,
        shown: PageRange,
        may_sleep: MaySleep<'_>,
    ) -> Result<<Self::Platform as Platform>::Ref<Self::Ops>, Errno>;

    /// Is given the handle of a mapping whose state is in, to [come back](Handle::lock) to it. Not called on a platform
    /// without handles.
    ///
    /// Default: the handle is dropped.
    fn handle(&self, state: &Self::Ops, handle: Handle<Self::Platform, KindOf<Self>>) {
        let _ = (state, handle);
    }

    /// As [`MmapFile::object`].
    fn object(&self) -> Option<&SharedObject<Self::Platform>> {
        None
    }
}

/// A file with a prepare hook, to be opened.
///
/// A platform that has such hooks takes the [hook](MmapFile::prepare_hook) and does what was described itself. On any
/// other this is a mmap hook that does so (`compat_vma_mmap`).
///
/// ```
/// use vmctx::{ByPrepare, MmapFile, PrepareFile};
///
/// /// What a framework keeps of an open file, with whichever of the two hooks it has.
/// fn open<F: PrepareFile>(file: F) -> Box<dyn MmapFile<Platform = F::Platform>> {
///     Box::new(ByPrepare(file))
/// }
/// ```
#[doc(alias = "compat_vma_mmap")]
pub struct ByPrepare<F>(pub F);

impl<F: PrepareFile> MmapFile for ByPrepare<F> {
    type Platform = F::Platform;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, F::Platform>) -> Result<Mapped<'m>, Errno> {
        ctx.by_description(&PrepareHook::of(self))
    }

    fn object(&self) -> Option<&SharedObject<F::Platform>> {
        self.0.object()
    }

    fn prepare_hook(&self) -> Option<PrepareHook<'_, F::Platform>> {
        Some(PrepareHook::of(self))
    }
}

impl<F: PrepareFile> Describes<F::Platform> for ByPrepare<F> {
    fn describe(&self, wanted: Description) -> Result<Described<'_, F::Platform>, Errno> {
        let (description, object, action) = self.0.mmap_prepare(prepare(wanted))?.into_parts();
        Ok(Described { description, object, action, told_of_stores: F::Ops::HOOKS.is_told_of_stores() })
    }

    fn mapped(&self, shown: PageRange, vma: &mut <F::Platform as Platform>::Vma) -> Result<(), Errno> {
        let state = self.0.mapped(shown, may_sleep())?;
        // What the mapping was rebased to is not known any more. But offsets do not count from a part of the file that
        // the mapping shows something else of: they would be below zero, or lead behind the part's end.
        if F::Ops::HOOKS.named(&state).is_some_and(|object| !object.can_be_counted_from(shown)) {
            return Err(Errno::EINVAL);
        }
        // The VMA takes the reference, and only then there is a handle.
        let kept = state.clone();
        crate::mmap::install::<F::Ops>(vma, state)?;
        if let Some(raw) = F::Platform::vma_handle(vma) {
            self.0.handle(&kept, handle(raw, F::Ops::HOOKS.base(&kept)));
        }
        Ok(())
    }
}

/// The operations of a mapping that is filled when it is made, and has neither a state nor a fault hook. What a user
/// touches beside that is a SIGBUS.
///
/// ```
/// use vmctx::{Errno, FrameSource, MaySleep, PageCount, PageOffset, PageRange, Platform, PrepareCtx, PrepareFile, Prepared, Remapped, WithoutFaults};
///
/// struct Registers<P: Platform>(P::Iomem);
///
/// impl<P: Platform> PrepareFile for Registers<P> {
///     type Platform = P;
///     type Ops = WithoutFaults<P, Remapped>;
///
///     fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Remapped>, Errno> {
///         let all = self.0.range(PageOffset::ZERO, self.0.count()).ok_or(Errno::ENXIO)?;
///         ctx.writable().noncached().remap_at_pgoff(all)
///     }
///
///     fn mapped(&self, _: PageRange, may_sleep: MaySleep<'_>) -> Result<P::Ref<Self::Ops>, Errno> {
///         P::share(WithoutFaults::new(), may_sleep)
///     }
/// }
/// ```
pub struct WithoutFaults<P: Platform, K: Populated>(PhantomData<fn(P) -> P>, PhantomData<fn(K) -> K>);

impl<P: Platform, K: Populated> WithoutFaults<P, K> {
    /// Their only value, to be shared by [`PrepareFile::mapped`].
    #[must_use]
    pub const fn new() -> Self {
        Self(PhantomData, PhantomData)
    }
}

impl<P: Platform, K: Populated> Default for WithoutFaults<P, K> {
    fn default() -> Self {
        Self::new()
    }
}

#[diagnostic::do_not_recommend]
impl<P: Platform, K: Populated> VmOperations for WithoutFaults<P, K> {
    type Platform = P;
    type Kind = K;
}
