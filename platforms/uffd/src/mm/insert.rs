//! What drivers may insert: the rules of `vm_insert_page`, `insert_pfn`, `vm_insert_mixed` and `remap_pfn_range`.

use std::{cell::Cell, iter, ops::Range};

use vmctx::{Errno, FrameRange, PageProt, platform::VmFlags};

use crate::{
    kernel::{
        fill::FillError,
        sys::{HUGE_PAGES, PAGE_SHIFT, PAGE_SIZE},
    },
    memory::{Page, frames::FrameKind},
    statistics::Counters,
    table::{page_table::Table, pte::Pte},
    uffd::Uffd,
};

use super::vma::{EstablishedVma, Vma};

/// Where the driver of a VMA may insert: the VMA's part of a table.
pub(crate) struct Area<'a> {
    pub(crate) table: &'a Table,
    pub(crate) range: Range<usize>,
    pub(crate) flags: VmFlags,
    /// The page of the object that it begins with.
    pub(crate) pgoff: usize,
    /// `vm_page_prot`
    pub(crate) prot: PageProt,
    /// Whether the driver has a `pfn_mkwrite`.
    told_of_frames: bool,
    /// Whether it has a hook that is told of first stores, to pages or to frames.
    told_of_stores: bool,
    counters: &'a Counters,
    /// Counted here first, and added to the counters once for many insertions.
    inserted: Cell<u64>,
    already_present: Cell<u64>,
}

impl Drop for Area<'_> {
    fn drop(&mut self) {
        self.count();
    }
}

impl<'a> Area<'a> {
    /// Where the driver of a VMA of this table may insert.
    #[inline]
    pub(crate) fn new(vma: &Vma, table: &'a Table, counters: &'a Counters) -> Self {
        Self {
            table,
            counters,
            range: vma.range(),
            flags: vma.flags(),
            prot: vma.page_prot(),
            pgoff: vma.pgoff(),
            told_of_frames: vma.registered().pfn_mkwrite,
            told_of_stores: vma.registered().page_mkwrite || vma.registered().pfn_mkwrite,
            inserted: Cell::new(0),
            already_present: Cell::new(0),
        }
    }

    /// Where the driver of an established mapping may insert at an address.
    pub(crate) fn of_mapped(mapped: &'a EstablishedVma, address: usize) -> Result<Self, Errno> {
        let vma = mapped.vma_at(address).ok_or(Errno::EFAULT)?;
        Ok(Self::new(vma, vma.table(), vma.table().counters()))
    }

    /// The page of the object that shows at an address of it.
    pub(crate) fn pgoff_at(&self, address: usize) -> usize {
        self.pgoff + ((address - self.range.start) >> PAGE_SHIFT)
    }

    /// Tells the kernel what was inserted at these addresses.
    #[inline]
    pub(crate) fn install(&self, addresses: &Range<usize>) -> Result<(), FillError> {
        self.count();
        self.table.install(iter::once(addresses), self.flags, false)
    }

    /// Whether first stores are told to the driver, or noted.
    #[inline]
    pub(crate) fn notes_stores(&self) -> bool {
        (self.told_of_stores || self.table.tracks) && self.flags.contains(VmFlags::SHARED)
    }

    /// Whether an entry with these rights can be stored to at once.
    #[inline]
    fn is_writable(&self, prot: PageProt) -> bool {
        prot.is_writable() && !self.table.tracks
    }

    #[inline]
    fn count(&self) {
        let (inserted, already_present) = (self.inserted.take(), self.already_present.take());
        if inserted != 0 {
            self.counters.add(|of| &of.inserted, inserted);
        }
        if already_present != 0 {
            self.counters.add(|of| &of.already_present, already_present);
        }
    }

    #[inline]
    fn fill(&self, address: usize, pte: Pte) -> Result<(), Errno> {
        if self.table.huge {
            // The kernel is told of nothing that is smaller than a large page.
            return Err(Errno::EINVAL);
        }
        let filled = self.table.fill(address, pte);
        match filled {
            Ok(()) => self.inserted.set(self.inserted.get() + 1),
            Err(Errno::EBUSY) => self.already_present.set(self.already_present.get() + 1),
            Err(_) => {}
        }
        filled
    }

    /// `vm_insert_page`
    #[inline]
    pub(crate) fn insert_page(&self, address: usize, page: &Page) -> Result<(), Errno> {
        self.check(address)?;
        if !self.table.memory().owns(page) {
            return Err(Errno::EINVAL);
        }
        self.put(address, self.entry(page.pfn(), self.prot, true), false)
    }

    /// Inserts pages into slots that lie together, where these are free. Gives back how many.
    pub(crate) fn insert_where_free(&self, address: usize, pages: &[Page]) -> usize {
        if self.check(address).is_err() || self.table.huge {
            return 0;
        }
        let memory = self.table.memory();
        let frames = pages.iter().map(|page| memory.owns(page).then(|| page.pfn()));
        let (inserted, already_present) = self.table.fill_free(address, frames, self.entry(0, self.prot, true));
        self.inserted.set(self.inserted.get() + inserted as u64);
        self.already_present.set(self.already_present.get() + already_present as u64);
        inserted
    }

    /// `vm_insert_page` of the zero page: nothing is counted, never writable.
    pub(crate) fn insert_zero_page(&self, address: usize) -> Result<(), Errno> {
        self.check(address)?;
        if !self.zero_page_allowed() {
            return Err(Errno::EINVAL);
        }
        let zero_page = self.table.memory().zero_page();
        self.put(address, Pte { writable: false, ..self.entry(zero_page, self.prot, false) }, false)
    }

    /// `vm_insert_mixed`, and `vmf_insert_mixed_mkwrite`: a page is counted, a device's frame is not.
    pub(crate) fn insert_mixed(&self, address: usize, pfn: u64, mkwrite: bool) -> Result<(), Errno> {
        match self.table.memory().kind(pfn) {
            Some(FrameKind::Zero) if mkwrite => Err(Errno::EINVAL),
            Some(FrameKind::Zero) => self.insert_zero_page(address),
            Some(FrameKind::Ram) => {
                self.check(address)?;
                let _page = self.table.memory().get_unless_free(pfn).ok_or(Errno::EINVAL)?;
                self.put(address, self.entry(pfn, self.prot, true), mkwrite)
            }
            Some(FrameKind::Device) => {
                self.check(address)?;
                self.put(address, self.entry(pfn, self.prot, false), mkwrite)
            }
            None => Err(Errno::EINVAL),
        }
    }

    /// `vmf_insert_pfn_prot`
    pub(crate) fn insert_pfn(&self, address: usize, pfn: u64, prot: PageProt) -> Result<(), Errno> {
        let wanted = self.flags.contains(VmFlags::PFNMAP) && !self.flags.contains(VmFlags::MIXEDMAP);
        if !wanted || self.flags.is_cow() {
            return Err(Errno::EINVAL);
        }
        if !self.range.contains(&address) {
            return Err(Errno::EFAULT);
        }
        self.insert_special(address, pfn, prot)
    }

    /// `remap_pfn_range`, flags apart: all of the frames or none.
    pub(crate) fn remap(&self, address: usize, frames: FrameRange<'_, Uffd>) -> Result<(), Errno> {
        let end = frames.count().get().checked_mul(PAGE_SIZE).and_then(|bytes| bytes.checked_add(address));
        let range = address..end.filter(|end| *end <= self.range.end).ok_or(Errno::EINVAL)?;
        // Linux keeps a copy-on-write mapping of frames only if it is whole.
        if self.flags.is_cow() && range != self.range {
            return Err(Errno::EINVAL);
        }
        for (pfn, at) in (frames.first().pfn()..).zip(range.clone().step_by(PAGE_SIZE)) {
            if let Err(errno) = self.insert_special(at, pfn, self.prot) {
                self.table.zap(&(address..at));
                return Err(errno);
            }
        }
        Ok(())
    }

    /// `vmf_insert_pfn_pmd`: a large page, without a reference. The address is aligned to one, as its first frame is, and all
    /// of it lies in the mapping.
    pub(crate) fn insert_huge(&self, address: usize, frames: FrameRange<'_, Uffd>) -> Result<(), Errno> {
        let (first, memory) = (frames.first().pfn(), self.table.memory());
        let kinds = (self.flags.contains(VmFlags::PFNMAP), self.flags.contains(VmFlags::MIXEDMAP));
        let is_there = memory.kind(first) == Some(FrameKind::Device) && frames.count().get() == HUGE_PAGES;
        if !self.table.huge || !is_there || kinds.0 == kinds.1 {
            return Err(Errno::EINVAL);
        }
        let large_page = (0..HUGE_PAGES).map(|page| Some(first + page as u64));
        // Either all are there or none.
        let (inserted, _) = self.table.fill_free(address, large_page, self.entry(0, self.prot, false));
        let counter = if inserted == 0 { &self.already_present } else { &self.inserted };
        counter.set(counter.get() + 1);
        if inserted == 0 { Err(Errno::EBUSY) } else { Ok(()) }
    }

    #[inline]
    fn check(&self, address: usize) -> Result<(), Errno> {
        if !self.range.contains(&address) {
            return Err(Errno::EFAULT);
        }
        if self.flags.contains(VmFlags::MIXEDMAP) && !self.flags.contains(VmFlags::PFNMAP) {
            Ok(())
        } else {
            Err(Errno::EINVAL)
        }
    }

    /// Inserts a frame without a reference. Holes are refused (`pfn_modify_allowed`), and so is the zero page where
    /// somebody could write to it.
    fn insert_special(&self, address: usize, pfn: u64, prot: PageProt) -> Result<(), Errno> {
        match self.table.memory().kind(pfn) {
            None => return Err(Errno::EINVAL),
            Some(FrameKind::Zero) if !self.zero_page_allowed() => return Err(Errno::EINVAL),
            Some(_) => {}
        }
        self.put(address, self.entry(pfn, prot, false), false)
    }

    /// `vm_mixed_zeropage_allowed`
    fn zero_page_allowed(&self) -> bool {
        self.flags.is_cow()
            || !self.flags.intersects(VmFlags::WRITE | VmFlags::MAYWRITE)
            || (self.told_of_frames && self.flags.contains(VmFlags::IO))
    }

    #[inline]
    fn entry(&self, pfn: u64, prot: PageProt, counted: bool) -> Pte {
        Pte { pfn, writable: self.is_writable(prot), counted }
    }

    /// Puts an entry where none is. With `mkwrite` the entry is writable at once; if the same frame is there already,
    /// its entry becomes so.
    #[inline]
    fn put(&self, address: usize, pte: Pte, mkwrite: bool) -> Result<(), Errno> {
        let makes_writable = mkwrite && self.flags.contains(VmFlags::SHARED | VmFlags::WRITE);
        let pte = Pte { writable: pte.writable || makes_writable, ..pte };
        let put = self.fill(address, pte);
        if put.is_err() && mkwrite {
            self.make_writable(address, pte.pfn);
        }
        put
    }

    /// `vmf_mixed_mkwrite`: makes an entry writable that is of this frame, and inserts nothing.
    pub(crate) fn make_writable(&self, address: usize, pfn: u64) {
        if self.flags.contains(VmFlags::SHARED | VmFlags::WRITE) {
            self.table.make_writable(address, pfn);
            let _ = self.table.unprotect(address);
        }
    }

    /// Maps a page that a fault hook has handed back (`finish_fault`).
    pub(crate) fn map_delivered(&self, address: usize, page: &Page, write: bool) -> Result<(), Errno> {
        if !self.table.memory().owns(page) {
            return Err(Errno::EINVAL);
        }
        let writable = self.is_writable(self.prot) || (write && self.flags.contains(VmFlags::SHARED | VmFlags::WRITE));
        let filled = self.fill(address, Pte { pfn: page.pfn(), writable, counted: true });
        self.count();
        filled
    }
}

/// Inserts pages one after the other. If one cannot be inserted, says how many were before.
pub(crate) fn insert_pages(area: &Area<'_>, address: usize, pages: &[Page]) -> Result<(), (Errno, usize)> {
    for (done, page) in pages.iter().enumerate() {
        area.insert_page(address.saturating_add(done << PAGE_SHIFT), page).map_err(|errno| (errno, done))?;
    }
    Ok(())
}

/// Inserts at an address of an established mapping, and tells the kernel.
pub(crate) fn insert_mapped(
    mapped: &EstablishedVma,
    address: usize,
    insert: impl FnOnce(&Area<'_>) -> Result<(), Errno>,
) -> Result<(), Errno> {
    let area = Area::of_mapped(mapped, address)?;
    insert(&area)?;
    area.install(&(address..address + PAGE_SIZE)).map_err(|error| error.errno())
}
