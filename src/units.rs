//! The coordinates of a mapping, each a type of its own: an address is not an offset, an offset is not a count.

use core::fmt;

/// A page offset into the object that is mapped: Linux's `pgoff`, the everyday coordinate of a hook.
///
/// The unit is pages. Offset 0 is the object's first page, whatever address the user mapped it at and whichever part
/// of it was mapped. `vmf->pgoff` and `vma->vm_pgoff` in C.
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
}

/// A number of pages: a length, never a place.
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

/// How large an entry a huge fault can fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HugeSize {
    /// An entry of the level above the lowest: 2 MiB on x86-64 with pages of 4 KiB.
    Pmd,
    /// An entry of the next level: 1 GiB.
    Pud,
}

impl HugeSize {
    /// How many pages such an entry maps, with pages of 2^`page_shift` bytes and entries of 8 bytes.
    #[must_use]
    pub const fn page_count(self, page_shift: u32) -> PageCount {
        let per_table = page_shift - 3;
        PageCount::new(match self {
            Self::Pmd => 1 << per_table,
            Self::Pud => 1 << (2 * per_table),
        })
    }
}

/// A virtual address in a user's address space, in bytes.
///
/// Hooks seldom want one ("it would seem that anybody that uses it is by definition buggy", linux-mm, May 2007): the
/// context decides where a page goes, and the [`PageOffset`] says which page it is. An address is here for messages and
/// for hardware with page sizes of its own, through
/// [`FaultCtx::user_address_for_odd_page_sizes`](crate::FaultCtx::user_address_for_odd_page_sizes).
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
