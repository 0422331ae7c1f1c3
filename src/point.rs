//! A helper that serves both hooks: the trait of the two tokens that insert.

use crate::{
    answer::VmFault,
    errno::Errno,
    fault::FaultCtx,
    frame::Frame,
    kind::{HoldsFrames, HoldsMixed, HoldsPages},
    mmap::MmapCtx,
    platform::Platform,
    units::PageOffset,
};

mod sealed {
    #[diagnostic::on_unimplemented(
        message = "`{Self}` is not a place where something can be inserted",
        label = "not an insertion point",
        note = "the insertion points are the tokens that hooks are handed: `MmapCtx` (once its kind is chosen) and `FaultCtx`"
    )]
    pub trait Point {}
}

#[diagnostic::do_not_recommend]
impl<P: Platform, M> sealed::Point for MmapCtx<'_, P, M> {}
#[diagnostic::do_not_recommend]
impl<P: Platform, M> sealed::Point for FaultCtx<'_, P, M> {}

/// A place where a page or a frame can be inserted, whichever hook it belongs to: [`MmapCtx`] or [`FaultCtx`]. Sealed.
///
/// A helper that is generic over it serves both hooks. The context decides the [`Outcome`](Self::Outcome), so there is
/// nothing to convert, and a helper cannot mix the two up.
///
/// ```
/// use vmctx::{Errno, FaultCtx, InsertPoint, Mapped, Mixed, MmapCtx, Platform, VmFault};
///
/// struct Ring<P: Platform> {
///     pages: Vec<P::Page>,
/// }
///
/// impl<P: Platform> Ring<P> {
///     fn place<I: InsertPoint<Platform = P, Mapping = Mixed>>(&self, at: I) -> I::Outcome {
///         match self.pages.get(at.pgoff().index()) {
///             Some(page) => at.insert_page(page),
///             None => at.fail(Errno::ENXIO),
///         }
///     }
///
///     fn fill<'m>(&self, mut ctx: MmapCtx<'m, P, Mixed>) -> Result<Mapped<'m>, Errno> {
///         while !ctx.is_full() {
///             ctx = self.place(ctx)?;
///         }
///         ctx.finish()
///     }
///
///     fn serve<'f>(&self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
///         self.place(ctx)
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a place where something can be inserted",
    label = "not an insertion point",
    note = "the insertion points are the tokens that hooks are handed: `MmapCtx` (once its kind is chosen) and `FaultCtx`"
)]
pub trait InsertPoint: sealed::Point + Sized {
    /// The platform.
    type Platform: Platform;

    /// The kind of the mapping.
    type Mapping;

    /// What an insertion gives here: `Result<MmapCtx, Errno>` at mmap, [`VmFault`] in a fault.
    type Outcome;

    /// The page of the object that belongs here.
    fn pgoff(&self) -> PageOffset;

    /// [`MmapCtx::insert_page`] or [`FaultCtx::insert_page`].
    fn insert_page(self, page: &<Self::Platform as Platform>::Page) -> Self::Outcome
    where
        Self::Mapping: HoldsPages;

    /// [`MmapCtx::insert_zero_page`] or [`FaultCtx::insert_zero_page`].
    fn insert_zero_page(self) -> Self::Outcome
    where
        Self::Mapping: HoldsPages;

    /// [`MmapCtx::insert_mixed`] or [`FaultCtx::insert_mixed`].
    fn insert_mixed(self, frame: Frame<'_, Self::Platform>) -> Self::Outcome
    where
        Self::Mapping: HoldsMixed;

    /// [`MmapCtx::insert_pfn`] or [`FaultCtx::insert_pfn`].
    fn insert_pfn(self, frame: Frame<'_, Self::Platform>) -> Self::Outcome
    where
        Self::Mapping: HoldsFrames;

    /// `Err(errno)` at mmap, [`FaultCtx::fail`] in a fault.
    fn fail(self, errno: Errno) -> Self::Outcome;
}

impl<'m, P: Platform, M> InsertPoint for MmapCtx<'m, P, M> {
    type Platform = P;
    type Mapping = M;
    type Outcome = Result<Self, Errno>;

    fn pgoff(&self) -> PageOffset {
        self.pgoff()
    }

    fn insert_page(self, page: &P::Page) -> Self::Outcome
    where
        M: HoldsPages,
    {
        self.insert_page(page)
    }

    fn insert_zero_page(self) -> Self::Outcome
    where
        M: HoldsPages,
    {
        self.insert_zero_page()
    }

    fn insert_mixed(self, frame: Frame<'_, P>) -> Self::Outcome
    where
        M: HoldsMixed,
    {
        self.insert_mixed(frame)
    }

    fn insert_pfn(self, frame: Frame<'_, P>) -> Self::Outcome
    where
        M: HoldsFrames,
    {
        self.insert_pfn(frame)
    }

    fn fail(self, errno: Errno) -> Self::Outcome {
        Err(errno)
    }
}

impl<'f, P: Platform, M> InsertPoint for FaultCtx<'f, P, M> {
    type Platform = P;
    type Mapping = M;
    type Outcome = VmFault<'f>;

    fn pgoff(&self) -> PageOffset {
        self.pgoff()
    }

    fn insert_page(self, page: &P::Page) -> Self::Outcome
    where
        M: HoldsPages,
    {
        self.insert_page(page)
    }

    fn insert_zero_page(self) -> Self::Outcome
    where
        M: HoldsPages,
    {
        self.insert_zero_page()
    }

    fn insert_mixed(self, frame: Frame<'_, P>) -> Self::Outcome
    where
        M: HoldsMixed,
    {
        self.insert_mixed(frame)
    }

    fn insert_pfn(self, frame: Frame<'_, P>) -> Self::Outcome
    where
        M: HoldsFrames,
    {
        self.insert_pfn(frame)
    }

    fn fail(self, errno: Errno) -> Self::Outcome {
        self.fail(errno)
    }
}
