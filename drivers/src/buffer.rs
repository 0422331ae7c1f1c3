//! A driver's own memory: so many zeroed pages, and the driver's view of their bytes.

use alloc::vec::Vec;
use core::ops::Range;

use vmctx::{Errno, Page, PageCount, PageOffset, Platform};

/// Pages that a driver owns, in the order of their page offsets. Never none.
pub struct Buffer<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> Buffer<P> {
    /// Allocates `count` zeroed pages.
    ///
    /// # Errors
    /// EINVAL for none; ENOMEM, and nothing stays allocated.
    pub fn alloc(memory: &P::Memory, count: PageCount) -> Result<Self, Errno> {
        if count == PageCount::ZERO {
            return Err(Errno::EINVAL);
        }
        let mut pages = Vec::new();
        pages.try_reserve_exact(count.get()).map_err(|_| Errno::ENOMEM)?;
        for _ in 0..count.get() {
            pages.push(P::alloc_page(memory)?);
        }
        Ok(Self { pages })
    }

    /// All the pages.
    #[must_use]
    pub fn pages(&self) -> &[P::Page] {
        &self.pages
    }

    /// The page at this offset, or `None` behind the end.
    #[must_use]
    pub fn page(&self, at: PageOffset) -> Option<&P::Page> {
        self.pages.get(at.index())
    }

    /// How many pages there are.
    #[must_use]
    pub fn page_count(&self) -> PageCount {
        PageCount::new(self.pages.len())
    }

    /// Copies bytes out, from `offset` (in bytes) on.
    ///
    /// # Errors
    /// EINVAL if they do not all lie in the buffer; then nothing was copied.
    pub fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        for (page, at, part) in self.pieces(offset, into.len())? {
            let bytes = into.get_mut(part).ok_or(Errno::EINVAL)?;
            page.read(at, bytes).map_err(|_| Errno::EINVAL)?;
        }
        Ok(())
    }

    /// Copies bytes in, from `offset` (in bytes) on. Whoever has the pages mapped sees them.
    ///
    /// # Errors
    /// EINVAL if they do not all fit into the buffer; then nothing was copied.
    pub fn write(&self, offset: usize, from: &[u8]) -> Result<(), Errno> {
        for (page, at, part) in self.pieces(offset, from.len())? {
            let bytes = from.get(part).ok_or(Errno::EINVAL)?;
            page.write(at, bytes).map_err(|_| Errno::EINVAL)?;
        }
        Ok(())
    }

    /// The pages that `len` bytes from `offset` on lie in: each with the place in the page where its part begins, and
    /// which of the bytes that part is.
    fn pieces(
        &self,
        offset: usize,
        len: usize,
    ) -> Result<impl Iterator<Item = (&P::Page, usize, Range<usize>)>, Errno> {
        let end = offset.checked_add(len).ok_or(Errno::EINVAL)?;
        let pages = offset / P::PAGE_SIZE..end.div_ceil(P::PAGE_SIZE);
        let first = pages.start;
        let pages = if len == 0 { Some(&[] as &[P::Page]) } else { self.pages.get(pages) };
        Ok(pages.ok_or(Errno::EINVAL)?.iter().zip(first..).map(move |(page, index)| {
            let start = index * P::PAGE_SIZE;
            let from = offset.max(start);
            let to = end.min(start.saturating_add(P::PAGE_SIZE));
            (page, from - start, from - offset..to - offset)
        }))
    }
}
