//! Page table entries: x86-64's, with room for all that `vmctx-hosted` keeps in one.

use memory_addr::PhysAddr;
use page_table_multiarch::{GenericPTE, MappingFlags};
use vmctx::platform::Cache;
use vmctx_hosted::Pte;

use crate::PAGE_SHIFT;

// The bits of an entry where x86-64 has them; `COUNTED` is one that it leaves to the kernel.
const PRESENT: usize = 1 << 0;
const WRITABLE: usize = 1 << 1;
const USER: usize = 1 << 2;
const WRITE_COMBINE: usize = 1 << 3;
const NONCACHED: usize = 1 << 4;
const DIRTY: usize = 1 << 6;
const HUGE: usize = 1 << 7;
const COUNTED: usize = 1 << 9;
const FLAGS: usize = 0xfff;

/// An entry. Its `MappingFlags` are its low bits as they are: the named flags have none for a dirty page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bits(usize);

impl GenericPTE for Bits {
    fn new_page(paddr: PhysAddr, flags: MappingFlags, is_huge: bool) -> Self {
        Self(paddr.as_usize() | flags.bits() | if is_huge { HUGE } else { 0 })
    }

    fn new_table(paddr: PhysAddr) -> Self {
        Self(paddr.as_usize() | PRESENT)
    }

    fn paddr(&self) -> PhysAddr {
        PhysAddr::from(self.0 & !FLAGS)
    }

    fn flags(&self) -> MappingFlags {
        MappingFlags::from_bits_retain(self.0 & FLAGS & !HUGE)
    }

    fn set_paddr(&mut self, paddr: PhysAddr) {
        *self = Self::new_page(paddr, self.flags(), self.is_huge());
    }

    fn set_flags(&mut self, flags: MappingFlags, is_huge: bool) {
        *self = Self::new_page(self.paddr(), flags, is_huge);
    }

    fn bits(self) -> usize {
        self.0
    }

    fn is_unused(&self) -> bool {
        self.0 == 0
    }

    fn is_present(&self) -> bool {
        self.0 & PRESENT != 0
    }

    fn is_huge(&self) -> bool {
        self.0 & HUGE != 0
    }

    fn clear(&mut self) {
        self.0 = 0;
    }
}

/// Where an entry leads to, and its flags.
pub(crate) fn to_bits(pte: Pte) -> (PhysAddr, MappingFlags) {
    let cache = match pte.cache {
        Cache::WriteBack => 0,
        Cache::WriteCombine => WRITE_COMBINE,
        Cache::Noncached => NONCACHED,
    };
    let set = [(pte.accessible, USER), (pte.writable, WRITABLE), (pte.dirty, DIRTY), (pte.counted, COUNTED)];
    let set = set.iter().filter(|(is_set, _)| *is_set).fold(PRESENT | cache, |all, (_, bit)| all | bit);
    (PhysAddr::from((pte.pfn as usize) << PAGE_SHIFT), MappingFlags::from_bits_retain(set))
}

/// What [`to_bits`] was given.
pub(crate) fn from_bits(paddr: PhysAddr, flags: MappingFlags) -> Pte {
    let has = |bit| flags.bits() & bit != 0;
    let cache = match (has(WRITE_COMBINE), has(NONCACHED)) {
        (true, _) => Cache::WriteCombine,
        (_, true) => Cache::Noncached,
        _ => Cache::WriteBack,
    };
    let (pfn, accessible, writable) = (paddr.as_usize() as u64 >> PAGE_SHIFT, has(USER), has(WRITABLE));
    Pte { pfn, accessible, writable, dirty: has(DIRTY), counted: has(COUNTED), cache }
}
