//! What mappings of a simulated address space have besides, and where they are put.

use std::{
    ops::Range,
    sync::{Arc, atomic::Ordering},
};

use vmctx::{Errno, PageCount, Platform, platform::VmFlags};
use vmctx_hosted::{Hosted, vma};

use super::{
    File, MappedVma, Mappings, Sim,
    insert::Area,
    pagetable::{LEAF_SPAN, PageTables},
};

pub(super) use vmctx_hosted::operations::Ask;

pub(super) type Vma = vma::Vma<Sim>;
pub(super) type Vmas = vma::Vmas<Sim>;

/// The first address that is not the user's (`TASK_SIZE` of x86-64).
pub(super) const TASK_SIZE: usize = 0x7fff_ffff_f000;
/// Nothing is mapped below (`vm.mmap_min_addr`).
pub(super) const MMAP_MIN: usize = 0x1_0000;
/// Mappings are placed below this, from the top down.
const MMAP_BASE: usize = 0x7f00_0000_0000;

impl Hosted for Sim {
    type File = File;
    type Table = PageTables;

    fn mappings(file: &File) -> &Mappings {
        file.mappings()
    }
}

/// What only a simulated address space asks a VMA for.
pub(super) trait SimVma {
    fn copied(&self) -> bool;
    fn set_copied(&self);
    fn is_accessible(&self) -> bool;
    fn allows(&self, write: bool) -> bool;
    fn area(&self) -> Area;
}

impl SimVma for Vma {
    fn copied(&self) -> bool {
        self.copied.load(Ordering::Relaxed)
    }

    fn set_copied(&self) {
        self.copied.store(true, Ordering::Relaxed);
    }

    /// Whether the user may read: any protection but `PROT_NONE` allows that, as on x86.
    fn is_accessible(&self) -> bool {
        self.flags().intersects(VmFlags::READ | VmFlags::WRITE | VmFlags::EXEC)
    }

    fn allows(&self, write: bool) -> bool {
        if write { self.flags().contains(VmFlags::WRITE) } else { self.is_accessible() }
    }

    /// Where its driver may insert.
    fn area(&self) -> Area {
        Area {
            tables: Arc::clone(self.table()),
            range: self.range(),
            flags: self.flags(),
            prot: self.page_prot(),
            accessible: self.is_accessible(),
            makes_tables: true,
            told_of_frames: self.registered().pfn_mkwrite,
        }
    }
}

/// Inserts at an address of a mapping.
pub(super) fn insert(
    vma: &MappedVma,
    address: usize,
    insert: impl FnOnce(&Area) -> Result<(), Errno>,
) -> Result<(), Errno> {
    insert(&vma.vma_at(address).ok_or(Errno::EFAULT)?.area())
}

/// Where mappings of a simulated address space are put.
pub(super) trait SimVmas {
    fn find_behind(&self, address: usize) -> Option<&Vma>;
    fn intersecting(&self, range: &Range<usize>) -> Option<&Vma>;
    fn find_gap(&self, len: usize) -> Result<usize, Errno>;
    fn find_aligned_gap(&self, len: usize, pgoff: usize) -> Result<usize, Errno>;
    fn put(&mut self, vma: Vma);
    fn split_within(&mut self, address: usize, limit: usize) -> Result<(), Errno>;
    fn extend(&mut self, start: usize, by: PageCount);
}

impl SimVmas for Vmas {
    /// The first VMA that ends behind an address (`find_vma`).
    fn find_behind(&self, address: usize) -> Option<&Vma> {
        self.find(address).or_else(|| self.by_start.range(address..).next().map(|(_, vma)| vma))
    }

    /// The first VMA that has something of a range.
    fn intersecting(&self, range: &Range<usize>) -> Option<&Vma> {
        self.find_behind(range.start).filter(|vma| vma.range().start < range.end)
    }

    /// Where to put a new mapping: as high as possible below the last one (`get_unmapped_area`).
    fn find_gap(&self, len: usize) -> Result<usize, Errno> {
        let mut end = MMAP_BASE;
        for vma in self.by_start.values().rev() {
            if vma.range().end <= end && end - vma.range().end >= len {
                break;
            }
            end = end.min(vma.range().start);
        }
        match end.checked_sub(len) {
            Some(start) if start >= MMAP_MIN => Ok(start),
            _ => Err(Errno::ENOMEM),
        }
    }

    /// The same, with addresses and the object's offsets alike modulo what a huge entry maps, if that can be worth it
    /// (`thp_get_unmapped_area`).
    fn find_aligned_gap(&self, len: usize, pgoff: usize) -> Result<usize, Errno> {
        let offset = pgoff.wrapping_mul(Sim::PAGE_SIZE) % LEAF_SPAN;
        let before = (LEAF_SPAN - offset) % LEAF_SPAN;
        if len < before + LEAF_SPAN {
            return self.find_gap(len);
        }
        let Ok(gap) = self.find_gap(len + LEAF_SPAN) else { return self.find_gap(len) };
        match offset.wrapping_sub(gap) % LEAF_SPAN {
            0 => Ok(gap + LEAF_SPAN),
            skipped => Ok(gap + skipped),
        }
    }

    /// Adds a VMA, which overlaps no other and has been linked.
    fn put(&mut self, vma: Vma) {
        self.by_start.insert(vma.start(), vma);
    }

    /// Cuts as [`split`](Self::split) does, if there are fewer than `limit` mappings.
    ///
    /// # Errors
    /// ENOMEM if not; what `may_split` refuses with.
    fn split_within(&mut self, address: usize, limit: usize) -> Result<(), Errno> {
        if self.len() >= limit && self.find(address).is_some_and(|vma| vma.start() != address) {
            return Err(Errno::ENOMEM);
        }
        self.split(address)
    }

    /// Makes the VMA that begins there longer.
    fn extend(&mut self, start: usize, by: PageCount) {
        if let Some(vma) = self.by_start.get_mut(&start) {
            vma.range.end += by.get() << Sim::PAGE_SHIFT;
            vma.file().mappings().lock().link(vma);
        }
    }
}
