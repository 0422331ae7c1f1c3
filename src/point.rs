//! A helper that serves both hooks: the trait of the two tokens that insert.

use core::borrow::Borrow;

use crate::{
    answer::VmFault,
    errno::{Errno, IntoErrno},
    fault::FaultCtx,
    frame::Frame,
    kind::{HoldsFrames, HoldsMixed, HoldsPages, Kind},
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
/// nothing to convert, and a helper cannot mix the two up. A helper that inserts frames takes a [`FramePoint`].
///
/// ```
/// use vmctx::{Errno, FaultCtx, InsertPoint, Mapped, Mixed, MmapCtx, Platform, VmFault};
///
/// struct Ring<P: Platform> {
///     pages: Vec<P::Page>,
/// }
///
/// impl<P: Platform> Ring<P> {
///     fn place<I: InsertPoint<Platform = P, Kind = Mixed>>(&self, at: I) -> I::Outcome {
///         at.insert_page_with(|at| at.pgoff().of(&self.pages).ok_or(Errno::ENXIO))
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
    type Kind;

    /// What an insertion gives here: `Result<MmapCtx, Errno>` at mmap, [`VmFault`] in a fault.
    type Outcome;

    /// The page of the object that belongs here.
    fn pgoff(&self) -> PageOffset;

    /// [`MmapCtx::insert_page`] or [`FaultCtx::insert_page`].
    #[track_caller]
    fn insert_page(self, page: &<Self::Platform as Platform>::Page) -> Self::Outcome
    where
        Self::Kind: HoldsPages;

    /// [`MmapCtx::insert_page_with`] or [`FaultCtx::insert_page_with`].
    #[track_caller]
    fn insert_page_with<B: Borrow<<Self::Platform as Platform>::Page>>(
        self,
        find: impl FnOnce(&Self) -> Result<B, Errno>,
    ) -> Self::Outcome
    where
        Self::Kind: HoldsPages;

    /// [`MmapCtx::insert_zero_page`] or [`FaultCtx::insert_zero_page`].
    #[track_caller]
    fn insert_zero_page(self) -> Self::Outcome
    where
        Self::Kind: HoldsPages;

    /// `Err(errno)` at mmap, [`FaultCtx::fail`] in a fault.
    fn fail(self, errno: impl IntoErrno) -> Self::Outcome;
}

/// An [`InsertPoint`] at which frames can be inserted that are borrowed for `'i` from whoever outlives the mapping
/// ([G21](crate::guide::guarantees#g21)): the file at mmap, the mapping's state in a fault. Sealed.
///
/// ```
/// use vmctx::{Errno, FaultCtx, FramePoint, FrameSource, PfnMap, Platform, VmFault};
///
/// struct Bar<P: Platform> {
///     memory: P::Iomem,
/// }
///
/// impl<P: Platform> Bar<P> {
///     fn place<'i, I: FramePoint<'i, Platform = P, Kind = PfnMap>>(&'i self, at: I) -> I::Outcome {
///         at.insert_pfn_with(|at| self.memory.frame(at.pgoff()).ok_or(Errno::ENXIO))
///     }
///
///     fn serve<'f>(&'f self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
///         self.place(ctx)
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a place where a frame of this lifetime can be inserted",
    label = "not an insertion point for these frames",
    note = "the insertion points are the tokens that hooks are handed: `MmapCtx<'m, ..>` is a `FramePoint<'m>`, and \
            `FaultCtx<'f, ..>` a `FramePoint<'f>`"
)]
pub trait FramePoint<'i>: InsertPoint {
    /// [`MmapCtx::insert_mixed`] or [`FaultCtx::insert_mixed`].
    #[track_caller]
    fn insert_mixed(self, frame: Frame<'i, Self::Platform>) -> Self::Outcome
    where
        Self::Kind: HoldsMixed;

    /// [`MmapCtx::insert_mixed_with`] or [`FaultCtx::insert_mixed_with`].
    #[track_caller]
    fn insert_mixed_with(self, find: impl FnOnce(&Self) -> Result<Frame<'i, Self::Platform>, Errno>) -> Self::Outcome
    where
        Self::Kind: HoldsMixed;

    /// [`MmapCtx::insert_pfn`] or [`FaultCtx::insert_pfn`].
    #[track_caller]
    fn insert_pfn(self, frame: Frame<'i, Self::Platform>) -> Self::Outcome
    where
        Self::Kind: HoldsFrames;

    /// [`MmapCtx::insert_pfn_with`] or [`FaultCtx::insert_pfn_with`].
    #[track_caller]
    fn insert_pfn_with(self, find: impl FnOnce(&Self) -> Result<Frame<'i, Self::Platform>, Errno>) -> Self::Outcome
    where
        Self::Kind: HoldsFrames;
}

impl<'m, P: Platform, M: Kind> InsertPoint for MmapCtx<'m, P, M> {
    type Platform = P;
    type Kind = M;
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

    fn insert_page_with<B: Borrow<P::Page>>(self, find: impl FnOnce(&Self) -> Result<B, Errno>) -> Self::Outcome
    where
        M: HoldsPages,
    {
        self.insert_page_with(find)
    }

    fn insert_zero_page(self) -> Self::Outcome
    where
        M: HoldsPages,
    {
        self.insert_zero_page()
    }

    fn fail(self, errno: impl IntoErrno) -> Self::Outcome {
        Err(errno.into_errno())
    }
}

impl<'m, P: Platform, M: Kind> FramePoint<'m> for MmapCtx<'m, P, M> {
    fn insert_mixed(self, frame: Frame<'m, P>) -> Self::Outcome
    where
        M: HoldsMixed,
    {
        self.insert_mixed(frame)
    }

    fn insert_mixed_with(self, find: impl FnOnce(&Self) -> Result<Frame<'m, P>, Errno>) -> Self::Outcome
    where
        M: HoldsMixed,
    {
        self.insert_mixed_with(find)
    }

    fn insert_pfn(self, frame: Frame<'m, P>) -> Self::Outcome
    where
        M: HoldsFrames,
    {
        self.insert_pfn(frame)
    }

    fn insert_pfn_with(self, find: impl FnOnce(&Self) -> Result<Frame<'m, P>, Errno>) -> Self::Outcome
    where
        M: HoldsFrames,
    {
        self.insert_pfn_with(find)
    }
}

impl<'f, P: Platform, M> InsertPoint for FaultCtx<'f, P, M> {
    type Platform = P;
    type Kind = M;
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

    fn insert_page_with<B: Borrow<P::Page>>(self, find: impl FnOnce(&Self) -> Result<B, Errno>) -> Self::Outcome
    where
        M: HoldsPages,
    {
        self.insert_page_with(find)
    }

    fn insert_zero_page(self) -> Self::Outcome
    where
        M: HoldsPages,
    {
        self.insert_zero_page()
    }

    fn fail(self, errno: impl IntoErrno) -> Self::Outcome {
        self.fail(errno)
    }
}

impl<'f, P: Platform, M> FramePoint<'f> for FaultCtx<'f, P, M> {
    fn insert_mixed(self, frame: Frame<'f, P>) -> Self::Outcome
    where
        M: HoldsMixed,
    {
        self.insert_mixed(frame)
    }

    fn insert_mixed_with(self, find: impl FnOnce(&Self) -> Result<Frame<'f, P>, Errno>) -> Self::Outcome
    where
        M: HoldsMixed,
    {
        self.insert_mixed_with(find)
    }

    fn insert_pfn(self, frame: Frame<'f, P>) -> Self::Outcome
    where
        M: HoldsFrames,
    {
        self.insert_pfn(frame)
    }

    fn insert_pfn_with(self, find: impl FnOnce(&Self) -> Result<Frame<'f, P>, Errno>) -> Self::Outcome
    where
        M: HoldsFrames,
    {
        self.insert_pfn_with(find)
    }
}
