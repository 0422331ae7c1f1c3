//! A part of device memory that has an owner.

use core::{fmt, ops::Range};

use crate::{
    frame::{Frame, FrameRange, FrameSource as _, Iomem as _, OutOfFrames},
    platform::Platform,
    units::{PageCount, PageOffset},
};

/// A part of a [`Platform::Iomem`], with bounds of its own: an object in a heap of device memory, a block of registers
/// in a BAR.
///
/// Page offset 0 is its own first page, and no frame of its neighbours can be had from it, whatever a user's offset is
/// (CVE-2025-38088). It can be [split](Self::split_at), and two that lie side by side can be [joined](Self::join), so a
/// heap is a list of the parts that nobody has:
///
/// ```
/// use vmctx::{IomemPart, PageCount, Platform};
///
/// struct Heap<P: Platform> {
///     free: Vec<IomemPart<P>>,
/// }
///
/// impl<P: Platform> Heap<P> {
///     fn allocate(&mut self, pages: PageCount) -> Option<IomemPart<P>> {
///         if pages == PageCount::ZERO {
///             return None; // `split_at` gives back all of a part of which nothing is wanted.
///         }
///         let first_fit = self.free.iter().position(|part| part.page_count() >= pages)?;
///         match self.free.swap_remove(first_fit).split_at(pages) {
///             Ok((object, rest)) => {
///                 self.free.push(rest);
///                 Some(object)
///             }
///             Err(all_of_it) => Some(all_of_it),
///         }
///     }
/// }
/// ```
///
/// It is not `Clone`, so a mapping's state that owns a part keeps it from everybody else, and its frames borrow from
/// the state. (Clones of the `Iomem` that it was made of reach the same memory: a heap keeps none.)
///
/// Its bounds are in bytes, and what is mapped are whole pages: a page of which only a part belongs to it has no frame,
/// because the rest is somebody else's, registers of a neighbour perhaps (CVE-2024-41011). With pages of 16 or 64 KiB
/// that is so for much that has a page of 4 KiB to itself. Whoever knows what is in the rest can
/// [expose it](Self::exposing_whole_pages).
#[doc(alias = "gen_pool_alloc")]
pub struct IomemPart<P: Platform> {
    memory: P::Iomem,
    bytes: Range<usize>,
}

impl<P: Platform> IomemPart<P> {
    /// All of the memory.
    #[must_use]
    pub fn whole(memory: P::Iomem) -> Self {
        let bytes = 0..memory.count().get() << P::PAGE_SHIFT;
        Self { memory, bytes }
    }

    /// Those bytes of the memory, counted from its first frame.
    ///
    /// # Errors
    /// [`OutOfFrames`] if they do not all lie in it, or there are none.
    pub fn of_bytes(memory: P::Iomem, bytes: Range<usize>) -> Result<Self, OutOfFrames> {
        let all = memory.count().get() << P::PAGE_SHIFT;
        if bytes.start < bytes.end && bytes.end <= all {
            Ok(Self { memory, bytes })
        } else {
            Err(OutOfFrames { offset: bytes.start, len: bytes.len() })
        }
    }

    /// The same, and with it what else is in its first and its last page: users see that, too.
    #[must_use]
    pub fn exposing_whole_pages(self) -> Self {
        let (start, end) = (self.bytes.start >> P::PAGE_SHIFT, self.bytes.end.div_ceil(P::PAGE_SIZE));
        Self { memory: self.memory, bytes: start << P::PAGE_SHIFT..end << P::PAGE_SHIFT }
    }

    /// How many bytes it has.
    #[must_use]
    pub fn byte_count(&self) -> usize {
        self.bytes.len()
    }

    /// How many whole pages it has: those that have frames.
    #[must_use]
    pub fn page_count(&self) -> PageCount {
        let (first, end) = self.whole_pages();
        PageCount::new(end.saturating_sub(first))
    }

    /// The frame of one of its whole pages, or `None` behind the last.
    #[must_use]
    pub fn frame(&self, at: PageOffset) -> Option<Frame<'_, P>> {
        Some(self.range(at, PageCount::new(1))?.first())
    }

    /// The frames of `count` of its whole pages from this one on, or `None` if there are none or they reach over the
    /// end.
    #[must_use]
    pub fn range(&self, at: PageOffset, count: PageCount) -> Option<FrameRange<'_, P>> {
        let (first, end) = self.whole_pages();
        let first = first.checked_add(at.index())?;
        if first.checked_add(count.get())? > end {
            return None;
        }
        self.memory.range(PageOffset::new(first), count)
    }

    /// Copies bytes out, from `offset` (in bytes from its start) on.
    ///
    /// # Errors
    /// As [`Iomem::read`](crate::Iomem::read).
    pub fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), OutOfFrames> {
        self.memory.read(self.place(offset, into.len())?, into)
    }

    /// Copies bytes in, from `offset` (in bytes from its start) on.
    ///
    /// # Errors
    /// As [`Iomem::write`](crate::Iomem::write).
    pub fn write(&self, offset: usize, from: &[u8]) -> Result<(), OutOfFrames> {
        self.memory.write(self.place(offset, from.len())?, from)
    }

    /// Two parts of it: its first `count` whole pages, with what it has before them, and what is behind.
    ///
    /// # Errors
    /// The part itself, if one of the two would be empty.
    pub fn split_at(self, count: PageCount) -> Result<(Self, Self), Self> {
        // Where a whole page ends, so that none is lost to both.
        let (first, _) = self.whole_pages();
        let end = first.checked_add(count.get()).and_then(|page| page.checked_mul(P::PAGE_SIZE));
        match end {
            Some(end) if count != PageCount::ZERO && end < self.bytes.end => {
                let first = Self { memory: self.memory.clone(), bytes: self.bytes.start..end };
                Ok((first, Self { memory: self.memory, bytes: end..self.bytes.end }))
            }
            _ => Err(self),
        }
    }

    /// All of it, in parts of `count` whole pages each, one behind the other. The last may be smaller.
    pub fn chunks(self, count: PageCount) -> impl Iterator<Item = Self> {
        let mut rest = Some(self);
        core::iter::from_fn(move || match rest.take()?.split_at(count) {
            Ok((chunk, behind)) => {
                rest = Some(behind);
                Some(chunk)
            }
            Err(last) => Some(last),
        })
    }

    /// This part and the one behind it, in one.
    ///
    /// # Errors
    /// Both, if `next` does not begin where this one ends, or is of other memory.
    pub fn join(self, next: Self) -> Result<Self, (Self, Self)> {
        // A number is one frame's, so memory of the same frames is the same memory.
        let is_same = self.memory.base() == next.memory.base() && self.memory.count() == next.memory.count();
        if is_same && self.bytes.end == next.bytes.start {
            Ok(Self { memory: self.memory, bytes: self.bytes.start..next.bytes.end })
        } else {
            Err((self, next))
        }
    }

    /// The pages of the memory that are the part's from beginning to end: the first, and the one behind the last.
    fn whole_pages(&self) -> (usize, usize) {
        (self.bytes.start.div_ceil(P::PAGE_SIZE), self.bytes.end >> P::PAGE_SHIFT)
    }

    /// Where in the memory these bytes of the part are.
    fn place(&self, offset: usize, len: usize) -> Result<usize, OutOfFrames> {
        let outside = OutOfFrames { offset, len };
        let end = offset.checked_add(len).ok_or(outside)?;
        if end > self.bytes.len() {
            return Err(outside);
        }
        // Does not overflow: it lies inside the memory, whose bytes can be counted.
        Ok(self.bytes.start.saturating_add(offset))
    }
}

impl<P: Platform> fmt::Debug for IomemPart<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IomemPart").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

// What it refuses, with what to write instead.
include!("refused/iomem_part.rs");
