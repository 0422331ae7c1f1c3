//! What one fault keeps while its hook runs, and what its tokens have to work out.

use core::cell::Cell;

use crate::{
    answer::{VmFault, answer, code_of},
    flags::{FaultCode, FaultFlags, VmFlags},
    frame::Frame,
    platform::Platform,
    prefault::Prefault,
    shared_object::SharedObject,
    units::{HugeSize, PageCount, PageOffset, PageRange},
};

/// What one fault keeps on the stack of its [entry point](crate::entry). The token borrows it.
pub(crate) struct FaultFrame<'a, P: Platform> {
    pub(crate) fault: P::Fault,
    pub(crate) state: &'a dyn Pin,
    /// Whether the driver has said that the fault had to wait for I/O.
    pub(crate) major: Cell<bool>,
    /// How large an entry a `huge_fault` is asked for.
    pub(crate) huge: HugeSize,
    /// Whether the driver has registered a hook that is told of first stores to what this hook inserts: in a fault to a
    /// page, in a huge fault to anything.
    pub(crate) told_of_stores: bool,
    /// Whether the mapping's state has named the object that it shows, which was compared with the file's.
    pub(crate) names_object: bool,
    /// Where that object begins in the file: page offsets count from there.
    pub(crate) base: PageOffset,
    /// The page offsets that a `map_pages` is asked for.
    pub(crate) window: PageRange,
    /// Whether a `map_pages` has filled the slot of the fault.
    pub(crate) filled: Cell<bool>,
}

/// Takes a reference to the mapping's state that lasts until the hook has returned.
pub(crate) trait Pin {
    fn pin(&self);
}

impl<'a, P: Platform> FaultFrame<'a, P> {
    pub(crate) fn new(fault: P::Fault, state: &'a dyn Pin) -> Self {
        Self {
            fault,
            state,
            major: Cell::new(false),
            huge: HugeSize::Pmd,
            told_of_stores: false,
            names_object: false,
            base: PageOffset::ZERO,
            window: PageRange::default(),
            filled: Cell::new(false),
        }
    }

    pub(crate) fn is_write(&self) -> bool {
        P::fault_flags(&self.fault).contains(FaultFlags::WRITE)
    }

    pub(crate) fn is_user(&self) -> bool {
        P::fault_flags(&self.fault).contains(FaultFlags::USER)
    }

    pub(crate) fn is_shared(&self) -> bool {
        P::fault_vma_flags(&self.fault).contains(VmFlags::MAYSHARE)
    }

    /// The page of the object that was touched.
    pub(crate) fn pgoff(&self) -> PageOffset {
        P::fault_pgoff(&self.fault).counted_from(self.base)
    }

    /// The page of the object that the first slot of the mapping shows.
    pub(crate) fn first_pgoff(&self) -> PageOffset {
        P::fault_vma_pgoff(&self.fault).counted_from(self.base)
    }

    /// Whether users can store to a page that this fault inserts, now or after an mprotect, and nobody is told.
    #[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
    pub(crate) fn stores_untold(&self) -> bool {
        let can_store = P::fault_vma_flags(&self.fault).contains(VmFlags::SHARED | VmFlags::MAYWRITE);
        can_store && !self.told_of_stores
    }

    /// The offsets at which the mapping has a slot.
    pub(crate) fn pgoff_range(&self) -> PageRange {
        let first = self.first_pgoff();
        PageRange::new(first, PageOffset::new(first.index().saturating_add(self.slots())))
    }

    /// How many slots the mapping has.
    fn slots(&self) -> usize {
        let vma = P::fault_vma_range(&self.fault);
        vma.end.saturating_sub(vma.start) >> P::PAGE_SHIFT
    }

    /// The address of the page that was touched.
    pub(crate) fn page_address(&self) -> usize {
        P::fault_address(&self.fault) & !(P::PAGE_SIZE - 1)
    }

    /// The address of a slot of the mapping, whichever it is.
    pub(crate) fn slot(&self, at: PageOffset) -> Result<usize, Prefault> {
        let first = self.first_pgoff();
        let slot = at.checked_since(first).map_or(usize::MAX, PageCount::get);
        if slot >= self.slots() {
            return Err(Prefault::OutsideMapping);
        }
        // Does not wrap: the slot is one of the VMA's.
        Ok(P::fault_vma_range(&self.fault).start.wrapping_add(slot << P::PAGE_SHIFT))
    }

    /// The address of a slot of the mapping that is not the fault's own.
    pub(crate) fn neighbour(&self, at: PageOffset) -> Result<usize, Prefault> {
        if at == self.pgoff() {
            return Err(Prefault::TheFaultItself);
        }
        self.slot(at)
    }

    /// Which page of that object the mapping shows at `at`, if an unmapping of the object reaches what this fault
    /// inserts there.
    pub(crate) fn page_of(&self, object: &SharedObject<P>, at: PageOffset) -> Option<PageCount> {
        // Both count from a place of their own in the file.
        let in_file = self.base.checked_add(PageCount::new(at.index()))?;
        object.page_at(in_file).filter(|_| self.names_object && P::fault_is_of(&self.fault, &object.raw))
    }

    /// Those of `pages` that belong into slots of the mapping other than the fault's, if the first of `pages` belongs
    /// at `at` and the others follow it. They are given in two parts, before the fault's slot and behind it, each with
    /// the address of its first page. A part can be empty, and its address then means nothing.
    pub(crate) fn neighbours<'p>(&self, at: PageOffset, pages: &'p [P::Page]) -> [(usize, &'p [P::Page]); 2] {
        let start = P::fault_vma_range(&self.fault).start;
        // Counted from the start of the file, as the platform does: one addition here, and no subtraction below.
        let at = PageOffset::new(self.base.index().saturating_add(at.index()));
        let first = P::fault_vma_pgoff(&self.fault);
        // Cut off what lies before the mapping, then what lies behind it.
        let outside = first.checked_since(at).map_or(0, PageCount::get);
        let slot = at.checked_since(first).map_or(0, PageCount::get);
        let pages = pages.get(outside..).unwrap_or_default();
        let pages = pages.get(..self.slots().saturating_sub(slot)).unwrap_or(pages);
        // Leave the page out that belongs into the fault's own slot.
        let own = P::fault_pgoff(&self.fault).checked_since(at.max(first)).map_or(usize::MAX, PageCount::get);
        let (before, rest) = pages.split_at(own.min(pages.len()));
        let behind = rest.get(1..).unwrap_or_default();
        // Does not wrap where it is used: a part that is not empty has only slots of the VMA's.
        let address = |slot: usize| start.wrapping_add(slot << P::PAGE_SHIFT);
        [(address(slot), before), (address(slot.saturating_add(before.len()).saturating_add(1)), behind)]
    }

    /// Makes the entry of the page that was touched writable and dirty, if it is of this frame.
    #[track_caller]
    pub(crate) fn insert_mixed_mkwrite(&self, frame: Frame<'_, P>) -> FaultCode {
        P::vmf_mixed_mkwrite(&self.fault, frame.pfn())
    }

    /// An answer to this fault.
    pub(crate) fn answer<'f>(&self, code: FaultCode) -> VmFault<'f> {
        answer(code, P::fault_serial(&self.fault))
    }

    /// What the platform is told. An answer to another fault, which only unsound code can bring here, is not believed.
    pub(crate) fn conclude(&self, answer: VmFault<'_>) -> FaultCode {
        let Some(code) = code_of(answer, P::fault_serial(&self.fault)) else {
            return FaultCode::SIGBUS | FaultCode::FOREIGN;
        };
        let code = code.without(FaultCode::ALREADY_PRESENT);
        if self.major.get() { code | FaultCode::MAJOR } else { code }
    }
}
