//! A platform with page tables of its own.

use vmctx::Platform;

use crate::{machine::Page, paging::PageTable, vma::Hosted};

/// The machine of a platform's address spaces.
pub type MachineOf<P> = <<P as Hosted>::Table as PageTable>::Machine;

/// A platform with page tables of its own, whose faults this crate serves: a [`Process`](crate::Process) of it is mapped,
/// touched and forked as on Linux.
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
