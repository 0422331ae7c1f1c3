//! A platform with page tables of its own.

use vmctx::{HugeSize, Platform};

use crate::{machine::Page, paging::PageTable, vma::Hosted};

/// The machine of a platform's address spaces.
pub type MachineOf<P> = <<P as Hosted>::Table as PageTable>::Machine;

/// A platform with page tables of its own, whose faults this crate serves: files are mapped into a
/// [`Process`](crate::Process) of it, which is touched and forked as on Linux.
///
/// There are 47 bits of addresses, as on x86-64, if nothing else is said.
pub trait Paged: Hosted<Table: PageTable> + Platform<Page = Page<MachineOf<Self>>> {
    /// The first address that is not the user's (`TASK_SIZE`), a page's.
    const TASK_SIZE: usize = (1 << 47) - Self::PAGE_SIZE;
    /// Nothing is mapped below (`vm.mmap_min_addr`), a page's address.
    const MMAP_MIN: usize = 0x1_0000;
    /// Mappings are placed below this, from the top down (`mmap_base`), a page's address.
    const MMAP_BASE: usize = 0x7f00_0000_0000;
}

/// What the constants of a platform have to be, looked at when its processes are compiled.
pub(crate) const fn check_constants<P: Paged>() {
    assert!(P::TASK_SIZE % P::PAGE_SIZE == 0, "TASK_SIZE is a page's address");
    assert!(P::MMAP_MIN % P::PAGE_SIZE == 0, "MMAP_MIN is a page's address");
    assert!(P::MMAP_BASE % P::PAGE_SIZE == 0, "MMAP_BASE is a page's address");
    assert!(P::MMAP_BASE <= P::TASK_SIZE, "MMAP_BASE is the user's");
    let span = P::Table::TABLE_SPAN;
    assert!(span.is_power_of_two() && span >= P::PAGE_SIZE, "TABLE_SPAN is a power of two, and no less than a page");
    let large = HugeSize::Pmd.page_count(P::PAGE_SHIFT).get() * P::PAGE_SIZE;
    assert!(!P::Table::HAS_HUGE || span == large, "TABLE_SPAN is what HugeSize::Pmd maps, with large entries");
}
