//! The coordinates of a mapping, each a type of its own: an address is not an offset, an offset is not a count.

use core::{cmp::Ordering, fmt, iter::FusedIterator};

/// A page offset into the object that is mapped: Linux's `pgoff`, the everyday coordinate of a hook.
///
/// The unit is pages. Offset 0 is the object's first page, whatever address the user mapped it at and whichever part
/// of it was mapped. `vmf->pgoff` and `vma->vm_pgoff` in C.
///
/// ```
/// use vmctx::{PageCount, PageOffset};
///
/// let third = PageOffset::new(2);
/// assert_eq!(third.checked_add(PageCount::new(4)), Some(PageOffset::new(6)));
/// assert_eq!(third.checked_since(PageOffset::ZERO), Some(PageCount::new(2)));
/// assert_eq!(PageOffset::ZERO.checked_since(third), None);
/// ```
#[doc(alias = "pgoff_t")]
#[diagnostic::on_type_error(
    note = "of a number: `PageOffset::new(index)`; as a number: `offset.index()`; what stands for it in a slice: `offset.of(&pages)`"
)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PageOffset(usize);

impl PageOffset {
    /// The object's first page.
    pub const ZERO: Self = Self(0);

    /// The page that has `pages` pages of the object before it.
    #[must_use]
    pub const fn new(pages: usize) -> Self {
        Self(pages)
    }

    /// The number of pages before this one, which is also the index of this page in a slice that holds the whole
    /// object. Use the slice's `get`: a user has chosen the number.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0
    }

    /// What stands for this page in a slice that holds the whole object, or `None` if the object ends before it.
    ///
    /// ```
    /// use vmctx::PageOffset;
    ///
    /// assert_eq!(PageOffset::new(1).of(&["first", "second"]), Some(&"second"));
    /// assert_eq!(PageOffset::new(2).of(&["first", "second"]), None);
    /// ```
    #[must_use]
    pub fn of<T>(self, object: &[T]) -> Option<&T> {
        object.get(self.0)
    }

    /// The page `count` pages further on, or `None` if there is no such number.
    #[must_use]
    pub const fn checked_add(self, count: PageCount) -> Option<Self> {
        match self.0.checked_add(count.0) {
            Some(pages) => Some(Self(pages)),
            None => None,
        }
    }

    /// How many pages this one lies behind `earlier`, or `None` if it lies before it.
    #[must_use]
    pub const fn checked_since(self, earlier: Self) -> Option<PageCount> {
        match self.0.checked_sub(earlier.0) {
            Some(pages) => Some(PageCount(pages)),
            None => None,
        }
    }

    /// The same page, counted from one that does not lie behind it.
    pub(crate) const fn counted_from(self, base: Self) -> Self {
        Self(self.0.wrapping_sub(base.0))
    }
}

/// A part of an object, in pages: from `start` on, up to `end`, which is not in it any more.
///
/// Unlike a `Range<PageOffset>` it is `Copy` and can be walked:
///
/// ```
/// use vmctx::{PageOffset, PageRange};
///
/// let shown = PageRange { start: PageOffset::new(3), end: PageOffset::new(5) };
/// assert!(shown.into_iter().eq([PageOffset::new(3), PageOffset::new(4)]));
/// assert!(shown.contains(PageOffset::new(4)) && !shown.contains(PageOffset::new(5)));
/// assert_eq!(shown.page_count(), 2);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PageRange {
    /// The first page.
    pub start: PageOffset,
    /// The page behind the last.
    pub end: PageOffset,
}

impl PageRange {
    /// The part from `start` on, up to and without `end`.
    #[must_use]
    pub const fn new(start: PageOffset, end: PageOffset) -> Self {
        Self { start, end }
    }

    /// How many pages that is.
    #[must_use]
    pub const fn page_count(self) -> PageCount {
        PageCount(self.end.0.saturating_sub(self.start.0))
    }

    /// Whether it has no pages.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.end.0 <= self.start.0
    }

    /// Whether a page is in it.
    #[must_use]
    pub const fn contains(self, page: PageOffset) -> bool {
        self.start.0 <= page.0 && page.0 < self.end.0
    }
}

impl IntoIterator for PageRange {
    type Item = PageOffset;
    type IntoIter = PageRangeIter;

    fn into_iter(self) -> PageRangeIter {
        PageRangeIter(self.start.0..self.end.0)
    }
}

/// The pages of a [`PageRange`], one after the other.
///
/// ```
/// use vmctx::{PageOffset, PageRange};
///
/// let mut range = PageRange::new(PageOffset::new(3), PageOffset::new(5)).into_iter();
/// assert_eq!(range.next(), Some(PageOffset::new(3)));
/// assert_eq!(range.next_back(), Some(PageOffset::new(4)));
/// assert_eq!(range.next(), None);
/// ```
#[derive(Clone, Debug)]
pub struct PageRangeIter(core::ops::Range<usize>);

impl Iterator for PageRangeIter {
    type Item = PageOffset;

    fn next(&mut self) -> Option<PageOffset> {
        self.0.next().map(PageOffset)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }

    // What a user asks for can be far away: none of these walks there, as the bodies that they replace would.

    fn nth(&mut self, n: usize) -> Option<PageOffset> {
        self.0.nth(n).map(PageOffset)
    }

    fn last(self) -> Option<PageOffset> {
        self.0.last().map(PageOffset)
    }

    fn count(self) -> usize {
        self.0.count()
    }
}

impl DoubleEndedIterator for PageRangeIter {
    fn next_back(&mut self) -> Option<PageOffset> {
        self.0.next_back().map(PageOffset)
    }

    fn nth_back(&mut self, n: usize) -> Option<PageOffset> {
        self.0.nth_back(n).map(PageOffset)
    }
}

impl ExactSizeIterator for PageRangeIter {}
impl FusedIterator for PageRangeIter {}

/// A number of pages: a length, never a place. It can be compared with a plain number, such as the length of a slice of
/// pages.
///
/// ```
/// use vmctx::PageCount;
///
/// let pages = [0_u8; 3];
/// assert!(PageCount::new(3) <= pages.len() && PageCount::new(4) > pages.len());
/// assert_eq!(PageCount::new(2).get() * 4096, 8192);
/// ```
#[diagnostic::on_type_error(note = "as a number: `count.get()`, so that a loop runs over `0..ctx.page_count().get()`")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PageCount(usize);

impl PageCount {
    /// No pages.
    pub const ZERO: Self = Self(0);

    /// This many pages.
    #[must_use]
    pub const fn new(pages: usize) -> Self {
        Self(pages)
    }

    /// The number itself.
    #[must_use]
    pub const fn get(self) -> usize {
        self.0
    }
}

impl PartialEq<usize> for PageCount {
    fn eq(&self, pages: &usize) -> bool {
        self.0 == *pages
    }
}

impl PartialOrd<usize> for PageCount {
    fn partial_cmp(&self, pages: &usize) -> Option<Ordering> {
        self.0.partial_cmp(pages)
    }
}

/// How large an entry a huge fault can fill.
///
/// ```
/// use vmctx::HugeSize;
///
/// // With pages of 4 KiB.
/// assert_eq!(HugeSize::Pmd.page_count(12), 512);
/// assert_eq!(HugeSize::Pud.page_count(12), 512 * 512);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HugeSize {
    /// An entry of the level above the lowest: 2 MiB on x86-64 with pages of 4 KiB.
    Pmd,
    /// An entry of the next level: 1 GiB.
    Pud,
}

impl HugeSize {
    /// How many pages such an entry maps, with pages of 2^`page_shift` bytes and entries of 8 bytes. With pages that
    /// are smaller than an entry it is one; more than can be counted are `usize::MAX`.
    #[must_use]
    pub const fn page_count(self, page_shift: u32) -> PageCount {
        let per_table = page_shift.saturating_sub(3);
        let shift = match self {
            Self::Pmd => per_table,
            Self::Pud => per_table.saturating_mul(2),
        };
        PageCount::new(match 1_usize.checked_shl(shift) {
            Some(pages) => pages,
            None => usize::MAX,
        })
    }
}

/// A virtual address in a user's address space, in bytes.
///
/// Hooks seldom want one ("it would seem that anybody that uses it is by definition buggy", linux-mm, May 2007): the
/// context decides where a page goes, and the [`PageOffset`] says which page it is. An address is here for messages and
/// for hardware with page sizes of its own, through
/// [`FaultCtx::user_address_for_odd_page_sizes`](crate::FaultCtx::user_address_for_odd_page_sizes).
///
/// ```
/// use vmctx::UserAddr;
///
/// let address = UserAddr::new(0x7f00_0000_1234);
/// assert_eq!(address.get() & 0xfff, 0x234);
/// assert_eq!(address.to_string(), "0x7f0000001234");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserAddr(usize);

impl UserAddr {
    /// The address as a type of its own.
    #[must_use]
    pub const fn new(address: usize) -> Self {
        Self(address)
    }

    /// The address as a number, to print or to mask. It is no pointer: dereferencing it is the user's business.
    #[must_use]
    pub const fn get(self) -> usize {
        self.0
    }
}

impl fmt::Display for PageOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for PageCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for UserAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl fmt::Debug for UserAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserAddr({:#x})", self.0)
    }
}

// What it refuses, with what to write instead.
include!("refused/units.rs");
