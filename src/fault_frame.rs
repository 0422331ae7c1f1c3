//! What one fault keeps while its hook runs.

use core::{cell::Cell, ops::Range};

use crate::{
    answer::{VmFault, answer, code_of},
    flags::FaultCode,
    platform::Platform,
    prefault::Prefault,
    units::{HugeSize, PageCount, PageOffset},
};

/// What one fault keeps on the stack of [`entry::fault`](crate::entry::fault).
pub(crate) struct FaultFrame<'a, P: Platform> {
    pub(crate) fault: P::Fault,
    pub(crate) state: &'a dyn Pin,
    pub(crate) major: Cell<bool>,
    /// How large an entry a `huge_fault` is asked for.
    pub(crate) huge: HugeSize,
    /// Whether a hook is told of first stores.
    pub(crate) told_of_stores: bool,
    /// What a `map_pages` is asked for.
    pub(crate) window: Range<PageOffset>,
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
            window: PageOffset::ZERO..PageOffset::ZERO,
            filled: Cell::new(false),
        }
    }

    /// An answer to this fault.
    pub(crate) fn answer<'f>(&self, code: FaultCode) -> VmFault<'f> {
        answer(code, P::fault_serial(&self.fault))
    }

    /// The address of the page that was touched.
    pub(crate) fn page_address(&self) -> usize {
        P::fault_address(&self.fault) & !(P::PAGE_SIZE - 1)
    }

    /// The address of another slot of the mapping than the fault's.
    pub(crate) fn neighbour(&self, at: PageOffset) -> Result<usize, Prefault> {
        if at == P::fault_pgoff(&self.fault) {
            return Err(Prefault::TheFaultItself);
        }
        self.slot(at)
    }

    /// The address of any slot of the mapping.
    pub(crate) fn slot(&self, at: PageOffset) -> Result<usize, Prefault> {
        let range = P::fault_vma_range(&self.fault);
        let first = P::fault_vma_pgoff(&self.fault);
        let slot = at.checked_since(first).map_or(usize::MAX, PageCount::get);
        if slot >= range.end.saturating_sub(range.start) >> P::PAGE_SHIFT {
            return Err(Prefault::OutsideMapping);
        }
        // Inside the VMA, because `slot` is below its length.
        Ok(range.start.wrapping_add(slot << P::PAGE_SHIFT))
    }

    /// Those of `pages`, the first of which belongs at `at`, that have a slot of the mapping, but not the fault's: in
    /// two parts, before that slot and behind it, each with the address of its first. A part can be empty.
    pub(crate) fn neighbours<'p>(&self, at: PageOffset, pages: &'p [P::Page]) -> [(usize, &'p [P::Page]); 2] {
        let range = P::fault_vma_range(&self.fault);
        let first = P::fault_vma_pgoff(&self.fault);
        let slots = range.end.saturating_sub(range.start) >> P::PAGE_SHIFT;
        let outside = first.checked_since(at).map_or(0, PageCount::get);
        let slot = at.checked_since(first).map_or(0, PageCount::get);
        let pages = pages.get(outside..).unwrap_or_default();
        let pages = pages.get(..slots.saturating_sub(slot)).unwrap_or(pages);
        let own = P::fault_pgoff(&self.fault).checked_since(at.max(first)).map_or(usize::MAX, PageCount::get);
        let (before, rest) = pages.split_at(own.min(pages.len()));
        let behind = rest.get(1..).unwrap_or_default();
        // Inside the VMA, because a part that is not empty has only slots below its length.
        let address = |slot: usize| range.start.wrapping_add(slot << P::PAGE_SHIFT);
        [(address(slot), before), (address(slot.saturating_add(before.len()).saturating_add(1)), behind)]
    }

    /// What the platform is told, after a check that the answer is this fault's.
    pub(crate) fn conclude(&self, answer: VmFault<'_>) -> FaultCode {
        let Some(code) = code_of(answer, P::fault_serial(&self.fault)) else {
            return FaultCode::SIGBUS | FaultCode::FOREIGN;
        };
        let code = code.without(FaultCode::ALREADY_PRESENT);
        if self.major.get() { code | FaultCode::MAJOR } else { code }
    }
}
