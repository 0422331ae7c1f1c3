//! A driver's own memory: so many zeroed pages, and the driver's view of their bytes.

use alloc::vec::Vec;
use core::ops::Range;

use vmctx::{Errno, MaySleep, PageCount, PageOffset, PageRef, Platform};

/// Pages that a driver owns, in the order of their page offsets. Never none.
pub struct Buffer<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> Buffer<P> {
    /// Allocates `count` zeroed pages.
    ///
    /// # Errors
    /// EINVAL for none; ENOMEM, and nothing stays allocated.
    pub fn alloc(memory: &P::Memory, count: PageCount, may_sleep: MaySleep<'_>) -> Result<Self, Errno> {
        if count == PageCount::ZERO {
            return Err(Errno::EINVAL);
        }
        let mut pages = Vec::new();
        pages.try_reserve_exact(count.get()).map_err(|_| Errno::ENOMEM)?;
        for _ in 0..count.get() {
            pages.push(P::alloc_page(memory, may_sleep)?);
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
        let pages = self.pages.get(pages);
        Ok(pages.ok_or(Errno::EINVAL)?.iter().zip(first..).map(move |(page, index)| {
            let start = index * P::PAGE_SIZE;
            let from = offset.max(start);
            let to = end.min(start.saturating_add(P::PAGE_SIZE));
            (page, from - start, from - offset..to - offset)
        }))
    }
}

/// How many bytes are copied at a time, over the stack.
const CHUNK: usize = 256;

/// Copies `bytes` bytes from one memory to another, which `read` and `write` reach by the place of a byte in it.
///
/// # Errors
/// What `read` or `write` says; what came before is copied.
pub fn copy_bytes(
    bytes: usize,
    read: impl Fn(usize, &mut [u8]) -> Result<(), Errno>,
    write: impl Fn(usize, &[u8]) -> Result<(), Errno>,
) -> Result<(), Errno> {
    let mut chunk = [0; CHUNK];
    for at in (0..bytes).step_by(CHUNK) {
        let part = chunk.get_mut(..CHUNK.min(bytes - at)).ok_or(Errno::EINVAL)?;
        read(at, part)?;
        write(at, part)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use vmctx_sim::{Injection, Machine, Sim};

    use super::*;

    #[test]
    fn bytes_go_across_page_borders_and_not_over_the_end() {
        let machine = Machine::new();
        let buffer = Buffer::<Sim>::alloc(&machine, PageCount::new(3), machine.may_sleep()).unwrap();
        let wanted: Vec<u8> = (0..=255).cycle().take(2 * Sim::PAGE_SIZE).collect();
        buffer.write(100, &wanted).unwrap();
        let mut got = alloc::vec![0; wanted.len()];
        buffer.read(100, &mut got).unwrap();
        assert_eq!(got, wanted);

        let end = 3 * Sim::PAGE_SIZE;
        assert_eq!(buffer.write(end - 1, &[1]), Ok(()));
        assert_eq!(buffer.write(end, &[]), Ok(()));
        for (offset, len) in [(end - 1, 2), (end, 1), (end + 1, 0), (usize::MAX, 1), (usize::MAX, 0), (0, end + 1)] {
            assert_eq!(buffer.write(offset, &alloc::vec![0; len]), Err(Errno::EINVAL), "{len} bytes at {offset}");
        }
        let mut last = [0];
        buffer.read(end - 1, &mut last).unwrap();
        assert_eq!(last, [1], "a refused write copies nothing");
    }

    #[test]
    fn an_allocation_is_whole_or_nothing() {
        let machine = Machine::new();
        let alloc = |pages| Buffer::<Sim>::alloc(&machine, PageCount::new(pages), machine.may_sleep()).err();
        assert_eq!(alloc(0), Some(Errno::EINVAL));
        assert_eq!(alloc(usize::MAX), Some(Errno::ENOMEM));
        machine.inject(Injection::FrameAllocation { after: 2 });
        assert_eq!(alloc(3), Some(Errno::ENOMEM));
        assert_eq!(machine.statistics().frames_in_use, 0);
    }
}
