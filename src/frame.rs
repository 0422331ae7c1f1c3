//! Page frames: memory that is mapped by its number, because it has no `struct page`.

use core::marker::PhantomData;

use crate::{
    platform::Platform,
    units::{PageCount, PageOffset},
};

/// Borrows from what vouches for the frame, and is invariant in the platform.
type Vouched<'s, P> = PhantomData<(&'s (), fn(P) -> P)>;

/// One page frame that may be inserted by number (Linux's `pfn`).
///
/// There is no safe way from a number to a frame ([G13](crate::guide::guarantees#g13)). A frame comes from a
/// [`FrameSource`], which vouches for the memory, and borrows from it, so that it cannot be used after the source has
/// gone. Its number can be read: [`pfn`](Self::pfn).
///
/// ```
/// use vmctx::{Errno, FaultCtx, FrameSource, PfnMap, Platform, VmFault, VmOperations};
///
/// struct Registers<P: Platform>(P::Iomem);
///
/// impl<P: Platform> VmOperations for Registers<P> {
///     type Platform = P;
///     type Kind = PfnMap;
///
///     fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
///         // Asked of what vouches for it, here the state of the mapping, which outlives it.
///         ctx.insert_pfn_with(|ctx| self.0.frame(ctx.pgoff()).ok_or(Errno::ENXIO))
///     }
/// }
/// ```
pub struct Frame<'s, P: Platform> {
    pfn: u64,
    source: Vouched<'s, P>,
}

impl<P: Platform> Frame<'_, P> {
    /// The page frame number: the physical address divided by the page size. It is there to program a device with or to
    /// print; no frame can be made of it again.
    #[must_use]
    pub const fn pfn(&self) -> u64 {
        self.pfn
    }
}

impl<P: Platform> Clone for Frame<'_, P> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<P: Platform> Copy for Frame<'_, P> {}

mod sealed {
    #[diagnostic::on_unimplemented(
        message = "`{Self}` is no `Frame` of this platform, and nothing else is inserted by number",
        label = "not a `Frame`",
        note = "a page is counted: `ctx.insert_page(&page)` in a `Mixed` mapping, `ctx.deliver(page)` in a `Normal` one",
        note = "a number says nothing about whose memory it is: `source.frame(at)` of a `FrameSource`, such as `P::Iomem`",
        note = "a frame that may not be there: `ctx.insert_pfn_with(|at| source.frame(at.pgoff()).ok_or(Errno::ENXIO))`",
        note = "neither an address nor an offset is given: `ctx.insert_pfn(frame)` goes where the fault was, \
                `ctx.prefault_pfn(at, frame)` elsewhere"
    )]
    pub trait Sealed {}
}

#[diagnostic::do_not_recommend]
impl<P: Platform> sealed::Sealed for Frame<'_, P> {}

/// What is inserted by number: a [`Frame`]. Sealed: nothing else is one.
///
/// Insertions name this and not the type, so that rustc can say what is wrong where something else is given to them.
///
/// ```
/// use vmctx::{Errno, FaultCtx, FrameSource, PfnMap, Platform, VmFault};
///
/// fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>, bar: &'f P::Iomem) -> VmFault<'f> {
///     match bar.frame(ctx.pgoff()) {
///         Some(frame) => ctx.insert_pfn(frame),
///         None => ctx.fail(Errno::ENXIO),
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no `Frame` of this platform, and nothing else is inserted by number",
    label = "not a `Frame`",
    note = "a page is counted: `ctx.insert_page(&page)` in a `Mixed` mapping, `ctx.deliver(page)` in a `Normal` one",
    note = "a number says nothing about whose memory it is: `source.frame(at)` of a `FrameSource`, such as `P::Iomem`",
    note = "a frame that may not be there: `ctx.insert_pfn_with(|at| source.frame(at.pgoff()).ok_or(Errno::ENXIO))`",
    note = "neither an address nor an offset is given: `ctx.insert_pfn(frame)` goes where the fault was, \
            `ctx.prefault_pfn(at, frame)` elsewhere"
)]
pub trait IsFrame<'s, P: Platform>: sealed::Sealed {
    /// It.
    #[doc(hidden)]
    fn into_frame(self) -> Frame<'s, P>;
}

#[diagnostic::do_not_recommend]
impl<'s, P: Platform> IsFrame<'s, P> for Frame<'s, P> {
    #[inline]
    fn into_frame(self) -> Self {
        self
    }
}

/// Consecutive page frames, never empty, borrowed from what vouches for them.
///
/// ```
/// use vmctx::{Errno, FrameSource, Mapped, MmapCtx, MmapFile, Platform, Remapped};
///
/// struct Registers<P: Platform>(P::Iomem);
///
/// impl<P: Platform> MmapFile for Registers<P> {
///     type Platform = P;
///
///     fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
///         let frames = self.0.range(ctx.pgoff(), ctx.page_count()).ok_or(Errno::ENXIO)?;
///         ctx.writable().noncached().without_faults::<Remapped>()?.remap_from_first(frames)
///     }
/// }
/// ```
pub struct FrameRange<'s, P: Platform> {
    first: u64,
    count: usize,
    source: Vouched<'s, P>,
}

#[diagnostic::do_not_recommend]
impl<P: Platform> sealed::Sealed for FrameRange<'_, P> {}

/// What a range is remapped onto: a [`FrameRange`], or a single [`Frame`]. Sealed: nothing else is one.
///
/// ```
/// use vmctx::{Errno, FrameSource, Mapped, MmapCtx, PageOffset, Platform, Remapped};
///
/// /// A doorbell is one page, and its frame is a range of one.
/// fn mmap<'m, P: Platform>(ctx: MmapCtx<'m, P>, bar: &'m P::Iomem) -> Result<Mapped<'m>, Errno> {
///     let doorbell = bar.frame(PageOffset::ZERO).ok_or(Errno::ENXIO)?;
///     ctx.writable().noncached().without_faults::<Remapped>()?.remap_from_first(doorbell)
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no `FrameRange` of this platform, and a range is remapped onto nothing else",
    label = "not a `FrameRange`",
    note = "ask who vouches for the memory, a `FrameSource` such as `P::Iomem`: \
            `source.range(at, count).ok_or(Errno::EINVAL)?`",
    note = "pages are inserted, and counted: `ctx.fill_at_pgoff(&pages)` in a `Mixed` mapping"
)]
pub trait AreFrames<'s, P: Platform>: sealed::Sealed {
    /// They.
    #[doc(hidden)]
    fn into_frames(self) -> FrameRange<'s, P>;
}

#[diagnostic::do_not_recommend]
impl<'s, P: Platform> AreFrames<'s, P> for FrameRange<'s, P> {
    #[inline]
    fn into_frames(self) -> Self {
        self
    }
}

/// One frame is a range, too.
#[diagnostic::do_not_recommend]
impl<'s, P: Platform> AreFrames<'s, P> for Frame<'s, P> {
    #[inline]
    fn into_frames(self) -> FrameRange<'s, P> {
        FrameRange::from(self)
    }
}

impl<'s, P: Platform> FrameRange<'s, P> {
    /// How many frames.
    #[must_use]
    pub const fn count(&self) -> PageCount {
        PageCount::new(self.count)
    }

    /// The first frame.
    #[must_use]
    pub const fn first(&self) -> Frame<'s, P> {
        Frame { pfn: self.first, source: PhantomData }
    }

    /// The `count` frames that begin `skip` frames further on, or `None` if there are none or they reach outside.
    #[must_use]
    pub fn part(&self, skip: PageCount, count: PageCount) -> Option<Self> {
        let end = skip.get().checked_add(count.get())?;
        if count.get() == 0 || end > self.count {
            return None;
        }
        let first = self.first.checked_add(u64::try_from(skip.get()).ok()?)?;
        Some(Self { first, count: count.get(), source: PhantomData })
    }
}

impl<P: Platform> Clone for FrameRange<'_, P> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<P: Platform> Copy for FrameRange<'_, P> {}

/// What vouches for page frames: a BAR, an aperture, a platform's map of physical memory.
///
/// A platform brings its own ([`Platform::Iomem`]); a driver holds one and asks it for frames by their place in it.
///
/// ```
/// use vmctx::{Frame, FrameRange, FrameSource, PageCount, PageOffset, Platform};
///
/// /// The registers are the last page of the BAR, and the memory is what lies before them.
/// fn split<P: Platform>(bar: &P::Iomem) -> Option<(FrameRange<'_, P>, Frame<'_, P>)> {
///     let memory = bar.count().get().checked_sub(1)?;
///     Some((bar.range(PageOffset::ZERO, PageCount::new(memory))?, bar.frame(PageOffset::new(memory))?))
/// }
/// ```
///
/// # Safety
/// `base` and `count` never change. Each frame in `base..base + count` may be mapped into user space, with or without
/// a `struct page` behind it, and stays what it is **for as long as a mapping of it may exist**, not only as long as
/// the source does: mappings by number hold no reference. A source whose frames go away takes their mappings away
/// first. `base + count` does not overflow.
#[doc(alias("page_to_pfn", "pci_resource_start"))]
#[expect(unsafe_code, reason = "the promise about the frames cannot be checked")]
pub unsafe trait FrameSource: Send + Sync + 'static {
    /// The platform whose frames these are.
    type Platform: Platform;

    /// The number of the first frame.
    fn base(&self) -> u64;

    /// How many frames there are.
    fn count(&self) -> PageCount;

    /// The frame at this place in the source, or `None` behind its end.
    fn frame(&self, at: PageOffset) -> Option<Frame<'_, Self::Platform>> {
        Some(self.range(at, PageCount::new(1))?.first())
    }

    /// `count` frames from this place on, or `None` if there are none or they reach over the end.
    fn range(&self, at: PageOffset, count: PageCount) -> Option<FrameRange<'_, Self::Platform>> {
        let all = FrameRange { first: self.base(), count: self.count().get(), source: PhantomData };
        all.part(PageCount::new(at.index()), count)
    }
}

/// Frames whose bytes the driver can reach: device memory, as `memcpy_fromio` and `memcpy_toio` do.
///
/// A user with a mapping of them reads and writes the very same bytes, perhaps at the same time. Nothing is promised
/// about the order.
///
/// ```
/// use vmctx::{Errno, Iomem, Platform};
///
/// /// Reads a register.
/// fn version<P: Platform>(bar: &P::Iomem) -> Result<u32, Errno> {
///     let mut register = [0; 4];
///     bar.read(0x10, &mut register).map_err(|_| Errno::EIO)?;
///     Ok(u32::from_le_bytes(register))
/// }
/// ```
#[doc(alias("ioremap", "memcpy_fromio"))]
pub trait Iomem: FrameSource {
    /// Copies bytes out, from `offset` (in bytes from the first frame) on.
    ///
    /// # Errors
    /// [`OutOfFrames`] if they do not all lie in the memory; then nothing was copied. Also where a frame of it cannot
    /// be reached, with what lies before that copied.
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), OutOfFrames>;

    /// Copies bytes in, from `offset` (in bytes from the first frame) on.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    fn write(&self, offset: usize, from: &[u8]) -> Result<(), OutOfFrames>;
}

/// An access to [`Iomem`] reached over its end, or to a frame that cannot be reached.
///
/// ```
/// use vmctx::OutOfFrames;
///
/// let error = OutOfFrames { offset: 4096, len: 4 };
/// assert_eq!(error.to_string(), "4 bytes at offset 4096 do not lie in these frames");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{len} bytes at offset {offset} do not lie in these frames")]
pub struct OutOfFrames {
    /// Where the access began, in bytes from the first frame.
    pub offset: usize,
    /// How many bytes it was to copy.
    pub len: usize,
}

impl<'s, P: Platform> From<Frame<'s, P>> for FrameRange<'s, P> {
    fn from(frame: Frame<'s, P>) -> Self {
        Self { first: frame.pfn, count: 1, source: PhantomData }
    }
}

// What it refuses, with what to write instead.
include!("refused/frame.rs");
