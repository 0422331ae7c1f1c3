//! Page tables, as the fault path walks them.
//!
//! A platform brings its own: [`PageTable`] is what this crate asks of them. What Linux does to whole ranges, taking
//! entries away and write-protecting them, is written here once for all of them.

use std::ops::Range;

use vmctx::{Errno, platform::Cache};

use crate::{
    answers::Event,
    machine::{Machine, Page},
    object::Unmapping,
};

/// A page table entry that is present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pte {
    /// The frame that it maps; of a large entry the first.
    pub pfn: u64,
    /// The user may read (and execute): everything but `PROT_NONE`.
    pub accessible: bool,
    /// The user may store.
    pub writable: bool,
    /// The user has stored.
    pub dirty: bool,
    /// The entry holds a reference to a page. Without, it is a special one: a frame by number, or the zero page.
    pub counted: bool,
    /// How the memory is cached.
    pub cache: Cache,
}

/// The place of an entry, handed out while its lock is held.
pub trait Entry {
    /// The entry that is there, or `None` if the place is empty.
    fn pte(&self) -> Option<Pte>;

    /// Puts an entry there, or empties the place. Users see it at once, as after a flush of the TLB.
    fn set(&mut self, pte: Option<Pte>);
}

/// An [`Entry`] for page tables that cannot hand out a reference to theirs: a copy, from which is written back what was
/// set.
///
/// ```
/// use vmctx_hosted::{CopiedEntry, Entry, Pte};
///
/// fn look<R>(place: &mut Option<Pte>, look: impl FnOnce(&mut CopiedEntry) -> R) -> R {
///     let mut entry = CopiedEntry::new(*place);
///     let seen = look(&mut entry);
///     if let Some(pte) = entry.to_write() {
///         *place = pte;
///     }
///     seen
/// }
/// # let mut place = None;
/// # look(&mut place, |entry| entry.set(None));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct CopiedEntry {
    pte: Option<Pte>,
    was_set: bool,
}

impl CopiedEntry {
    /// A copy of what the page table has there.
    #[must_use]
    pub const fn new(pte: Option<Pte>) -> Self {
        Self { pte, was_set: false }
    }

    /// What is to be written back: `None` if nothing was set, `Some(None)` if the place was emptied.
    #[must_use]
    pub const fn to_write(&self) -> Option<Option<Pte>> {
        if self.was_set { Some(self.pte) } else { None }
    }
}

impl Entry for CopiedEntry {
    #[inline]
    fn pte(&self) -> Option<Pte> {
        self.pte
    }

    #[inline]
    fn set(&mut self, pte: Option<Pte>) {
        *self = Self { pte, was_set: true };
    }
}

/// The page tables of one address space.
///
/// An entry is looked at and changed with its lock held, and users load and store through it with that lock held, too.
/// So an entry that was taken away is out of use when that returns: the lock is the TLB shootdown. One lock may serve
/// for many entries, even for all: what looks at an entry, or visits it, does not come back to the same page tables. It
/// does call the [`Machine`], and for a fork the page tables of the child.
///
/// Entries are made only with the mmap lock held, in any mode, and [`free`](Self::free) is called only with it held for
/// write. Everything else is called without it, too: by accesses, and by whoever unmaps an object.
///
/// Addresses and ranges are in bytes. An address may lie anywhere in its page, or where nothing can be mapped. A range
/// may be empty, end within a page, and reach over everything that page tables can map.
///
/// Large entries are for platforms that have them ([`HAS_HUGE`](Self::HAS_HUGE)). The defaults say that there is none
/// and can be none; then `huge_fault` hooks are not called. Where a large entry is, there is no table, and where a
/// table is, there can be no large entry.
pub trait PageTable: Send + Sync + Sized + 'static {
    /// The machine whose frames are mapped.
    type Machine: Machine;
    /// What is handed out of an entry.
    type Entry: Entry;

    /// How many bytes one table of the lowest level maps, a power of two: 2 MiB with pages of 4 KiB and entries of 8
    /// bytes. Fault-around stays within one table. It is also what a large entry maps, and then has to be what
    /// [`HugeSize::Pmd`](vmctx::HugeSize::Pmd) says for the platform's pages, which is checked when this is compiled.
    const TABLE_SPAN: usize;

    /// Whether there can be large entries.
    const HAS_HUGE: bool = false;

    /// The machine.
    fn machine(&self) -> &Self::Machine;

    /// Empty page tables of another address space of this machine, for a child.
    #[must_use]
    fn empty(&self) -> Self;

    /// The entry of an address as it is now, for whoever only looks; `None` if there is none, or a large one. Where an entry can be
    /// read at once, that takes no lock.
    fn pte(&self, address: usize) -> Option<Pte> {
        self.with(address, |entry| entry.pte()).flatten()
    }

    /// Looks at the entry of an address. `None` if there is no table for it, as where a large entry is.
    fn with<R>(&self, address: usize, look: impl FnOnce(&mut Self::Entry) -> R) -> Option<R>;

    /// The same, with a table made if there is none.
    ///
    /// # Errors
    /// ENOMEM without memory for a table, EBUSY where a large entry is, EFAULT for what no table can map.
    fn with_table<R>(&self, address: usize, change: impl FnOnce(&mut Self::Entry) -> R) -> Result<R, Errno>;

    /// Visits the entries whose pages begin in a range, in order of their addresses, until a visit fails: each with the
    /// bytes that it maps, what is there, and its place, locked. Empty places are not visited. A large entry is visited
    /// if anything of it lies in the range; its bytes are all [`TABLE_SPAN`](Self::TABLE_SPAN) of them.
    ///
    /// # Errors
    /// What the visit fails with; nothing else.
    fn try_for_each(
        &self,
        range: Range<usize>,
        visit: impl FnMut(Range<usize>, Pte, &mut Self::Entry) -> Result<(), Errno>,
    ) -> Result<(), Errno>;

    /// A number that grows whenever the entry of an address, small or large, is changed. It is how an access that is
    /// repeated with nothing changed is found out ([`Machine::max_refaults`]). If it grows when other entries change,
    /// too, that is found out later, or not while others are busy.
    fn changes(&self, address: usize) -> u64;

    /// Frees the tables in a range of which nothing `is_used` any more (`free_pgtables`): it is asked with the bytes
    /// that a table maps. No entry is left in those. Page tables that are never freed need none of it.
    fn free(&self, range: Range<usize>, is_used: impl Fn(Range<usize>) -> bool) {
        let _ = (range, is_used);
    }

    /// The large entry that covers an address, if there is one.
    fn huge(&self, address: usize) -> Option<Pte> {
        self.look_at_huge(address, |pte| pte)
    }

    /// Looks at the large entry that covers an address. `None` if there is none.
    fn with_huge<R>(&self, address: usize, look: impl FnOnce(&mut Self::Entry) -> R) -> Option<R> {
        let _ = (address, look);
        None
    }

    /// The same for loads and stores through it: there may be many at once, and meanwhile the entry cannot change.
    ///
    /// Default: [`with_huge`](Self::with_huge), one at a time.
    fn look_at_huge<R>(&self, address: usize, look: impl FnOnce(Pte) -> R) -> Option<R> {
        self.with_huge(address, |entry| entry.pte().map(look)).flatten()
    }

    /// Whether there is neither a table nor a large entry for an address, so that a large entry of one
    /// [`TABLE_SPAN`](Self::TABLE_SPAN) could be made (`pmd_none`).
    fn is_bare(&self, address: usize) -> bool {
        let _ = address;
        false
    }

    /// The same for all that one entry of the next level maps (`pud_none`), so that
    /// [`HugeSize::Pud`](vmctx::HugeSize::Pud) could be made.
    fn is_bare_above(&self, address: usize) -> bool {
        let _ = address;
        false
    }

    /// Makes `count` large entries of consecutive frames, as many as there are pages in
    /// [`TABLE_SPAN`](Self::TABLE_SPAN) for each, at an address that is aligned to all of them. `first` is the first of
    /// them. Either all are made, which needs that all of their places are [bare](Self::is_bare), or none. With
    /// `mkwrite`, entries that are there with the same frames are set to what would have been made.
    ///
    /// # Errors
    /// EBUSY where something is, ENOMEM without memory for what is above.
    fn insert_huge(&self, address: usize, count: usize, first: Pte, mkwrite: bool) -> Result<(), Errno> {
        let _ = (address, count, first, mkwrite);
        Err(Errno::ENOSYS)
    }
}

/// [`PageTable::try_for_each`], for visits that cannot fail.
pub(crate) fn for_each<T: PageTable>(
    table: &T,
    range: Range<usize>,
    mut visit: impl FnMut(Range<usize>, Pte, &mut T::Entry),
) {
    // The walk fails with what a visit fails with, and with nothing else.
    let _ = table.try_for_each(range, |at, pte, entry| {
        visit(at, pte, entry);
        Ok(())
    });
}

/// Puts an entry into an empty place, with a reference of its own if it is to hold one.
///
/// # Safety
/// If the entry is `counted`, somebody has a reference to its frame, and keeps it until this returns.
#[expect(unsafe_code, reason = "who has a reference cannot be checked")]
pub(crate) unsafe fn fill<T: PageTable>(table: &T, entry: &mut T::Entry, pte: Pte) {
    if pte.counted {
        // SAFETY: by this function's contract; the entry is made below, with its lock held.
        unsafe {
            table.machine().get_mapped(pte.pfn);
        }
    }
    entry.set(Some(pte));
}

/// Puts the reference that an entry held which is no longer in its place.
///
/// # Safety
/// The entry was made by [`fill`], and has been taken out of its place by the caller.
#[expect(unsafe_code, reason = "where an entry comes from cannot be checked")]
pub(crate) unsafe fn forget<T: PageTable>(table: &T, pte: Pte) {
    let machine = table.machine();
    machine.count(Event::Unmapped);
    if pte.counted {
        // SAFETY: the entry had a reference and was counted (`fill`), and is no longer there.
        unsafe {
            machine.put_mapped(pte.pfn);
        }
    }
}

/// Takes the large entry away that covers an address, if there is one.
pub(crate) fn drop_huge<T: PageTable>(table: &T, address: usize) {
    let taken = table.with_huge(address, |entry| {
        let pte = entry.pte();
        entry.set(None);
        pte
    });
    if let Some(pte) = taken.flatten() {
        // SAFETY: it has just been taken out.
        #[expect(unsafe_code, reason = "the entry is the caller's: see above")]
        unsafe {
            forget(table, pte);
        }
    }
}

impl<T: PageTable> Unmapping for T {
    /// A large entry goes as a whole.
    fn zap(&self, range: &Range<usize>, even_cows: bool) {
        for_each(self, range.clone(), |_, pte, entry| {
            if even_cows || !(pte.counted && self.machine().is_anonymous(pte.pfn)) {
                entry.set(None);
                // SAFETY: it has just been taken out.
                #[expect(unsafe_code, reason = "the entry is the caller's: see above")]
                unsafe {
                    forget(self, pte);
                }
            }
        });
    }

    /// Each page is locked meanwhile: a `page_mkwrite` that has noted a store with the page locked keeps it so until
    /// the entry is writable, and is not overtaken. Private copies stay as they are: they are their user's own.
    fn write_protect(&self, range: &Range<usize>) {
        let protect = |entry: &mut T::Entry, pte| entry.set(Some(Pte { writable: false, dirty: false, ..pte }));
        let mut pages = Vec::new();
        for_each(self, range.clone(), |at, pte, entry| {
            if !pte.counted {
                protect(entry, pte);
            } else if !self.machine().is_anonymous(pte.pfn) {
                // SAFETY: the entry has a reference as long as it is there, which its lock sees to.
                #[expect(unsafe_code, reason = "the reference is there: see above")]
                let page = unsafe {
                    self.machine().get(pte.pfn);
                    Page::adopt(self.machine().clone(), pte.pfn)
                };
                pages.push((at.start, page));
            }
        });
        // A page's lock is taken before an entry's, so each entry has to be looked at once more.
        for (address, page) in pages {
            page.lock();
            self.with(address, |entry| {
                if let Some(pte) = entry.pte().filter(|pte| pte.counted && pte.pfn == page.pfn()) {
                    protect(entry, pte);
                }
            });
            // SAFETY: it was locked above.
            #[expect(unsafe_code, reason = "the lock is held: see above")]
            unsafe {
                page.unlock();
            }
        }
    }

    /// Takes away a large entry that reaches over the address. It is special, so Linux does not split it either, but
    /// lets faults bring it back in parts (`__split_huge_pmd_locked`).
    fn split(&self, address: usize) {
        if address % Self::TABLE_SPAN != 0 {
            drop_huge(self, address);
        }
    }
}
