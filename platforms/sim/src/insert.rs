//! What drivers insert: the rules of `vm_insert_page`, `insert_pfn`, `vm_insert_mixed` and `remap_pfn_range`.

use std::{ops::Range, sync::Arc};

use vmctx::{
    Errno, FrameRange, PageProt, Platform,
    platform::{FaultCode, VmFlags},
};
use vmctx_hosted::PageTable;

use super::{
    Page, Sim,
    inject::Site,
    memory::FrameKind,
    pagetable::{LEAF_SPAN, PageTables, Pte, Slot},
};

/// The part of an address space that belongs to one VMA, as insertions see it.
#[derive(Clone)]
pub(super) struct Area {
    pub(super) tables: Arc<PageTables>,
    pub(super) range: Range<usize>,
    pub(super) flags: VmFlags,
    /// `vm_page_prot`
    pub(super) prot: PageProt,
    /// Not `PROT_NONE`.
    pub(super) accessible: bool,
    /// Page tables that are missing are made, which may sleep.
    pub(super) makes_tables: bool,
    /// Whether the driver has a `pfn_mkwrite`.
    pub(super) told_of_frames: bool,
}

impl Area {
    /// `vm_insert_page`. The checks come in Linux's order; what Linux has a `BUG_ON` for is EINVAL.
    pub(super) fn insert_page(&self, address: usize, page: &Page) -> Result<(), Errno> {
        self.check(address)?;
        if !page.is_of(self.tables.machine()) {
            return Err(Errno::EINVAL);
        }
        self.insert_counted(address, page.pfn(), false)
    }

    /// `vm_insert_page` of the zero page: special, nothing is counted, never writable.
    pub(super) fn insert_zero_page(&self, address: usize) -> Result<(), Errno> {
        self.check(address)?;
        if !self.zero_page_allowed() {
            return Err(Errno::EINVAL);
        }
        let pfn = self.tables.machine().memory().zero_page();
        self.put(address, self.entry(pfn, self.prot.read_only(), false), false)
    }

    /// `vm_insert_mixed`, and `vmf_insert_mixed_mkwrite`: a page is counted, a device's frame is not.
    pub(super) fn insert_mixed(&self, address: usize, pfn: u64, mkwrite: bool) -> Result<(), Errno> {
        match self.tables.machine().memory().kind(pfn) {
            Some(FrameKind::Zero) if mkwrite => Err(Errno::EINVAL),
            Some(FrameKind::Zero) => self.insert_zero_page(address),
            Some(FrameKind::Ram) => {
                self.check(address)?;
                self.insert_free_or_counted(address, pfn, mkwrite)
            }
            Some(FrameKind::Device) => {
                self.check(address)?;
                self.put(address, self.entry(pfn, self.prot, false), mkwrite)
            }
            None => Err(Errno::EINVAL),
        }
    }

    /// `vmf_insert_pfn_prot`.
    pub(super) fn insert_pfn(&self, address: usize, pfn: u64, prot: PageProt) -> Result<(), Errno> {
        let wanted = self.flags.contains(VmFlags::PFNMAP) && !self.flags.contains(VmFlags::MIXEDMAP);
        if !wanted || self.flags.is_cow() {
            return Err(Errno::EINVAL);
        }
        self.strike(address)?;
        self.insert_special(address, pfn, prot)
    }

    /// `vmf_insert_pfn_pmd` and `vmf_insert_pfn_pud`: huge entries of frames, no references taken. A store also makes
    /// one writable that is there already with the same frames.
    pub(super) fn insert_huge(&self, address: usize, frames: FrameRange<'_, Sim>, write: bool) -> Result<(), Errno> {
        let kinds = (self.flags.contains(VmFlags::PFNMAP), self.flags.contains(VmFlags::MIXEDMAP));
        if !matches!(kinds, (true, false) | (false, true)) || (kinds.0 && self.flags.is_cow()) {
            return Err(Errno::EINVAL);
        }
        self.strike(address)?;
        let machine = self.tables.machine();
        let first = frames.first().pfn();
        let pages = frames.count().get();
        let fits = self.range.end - address >= pages * Sim::PAGE_SIZE;
        if !fits || !machine.memory().are_there(first, pages) {
            return Err(Errno::EINVAL);
        }
        let pte = self.entry(first, self.prot, false);
        let pte = if write { self.make_writable(pte) } else { pte };
        let inserted = self.tables.insert_huge(address, pages * Sim::PAGE_SIZE / LEAF_SPAN, pte, write);
        match inserted {
            Ok(()) => machine.counters().huge_insertions.count(),
            Err(_) => machine.counters().already_present.count(),
        }
        inserted
    }

    /// `remap_pfn_range`, flags apart: all of the frames or none.
    pub(super) fn remap(&self, address: usize, frames: FrameRange<'_, Sim>) -> Result<(), Errno> {
        let count = frames.count().get();
        let end = count.checked_mul(Sim::PAGE_SIZE).and_then(|bytes| bytes.checked_add(address));
        let range = address..end.ok_or(Errno::EINVAL)?;
        // Linux keeps a copy-on-write mapping of frames only if it is whole.
        if self.flags.is_cow() && range != self.range {
            return Err(Errno::EINVAL);
        }
        let first = frames.first().pfn();
        for (pfn, at) in (first..).zip(range.clone().step_by(Sim::PAGE_SIZE)) {
            let inserted = self.strike(at).and_then(|()| self.insert_special(at, pfn, self.prot));
            if let Err(errno) = inserted {
                self.tables.zap(&(address..at), true);
                return Err(errno);
            }
        }
        Ok(())
    }

    /// Addresses, flags and what was injected: what every insertion of pages begins with.
    fn check(&self, address: usize) -> Result<(), Errno> {
        self.strike(address)?;
        // Linux sets the flag here if the lock allows it, and has a BUG_ON if not. The tokens have set it before.
        if self.flags.contains(VmFlags::MIXEDMAP) && !self.flags.contains(VmFlags::PFNMAP) {
            Ok(())
        } else {
            Err(Errno::EINVAL)
        }
    }

    fn strike(&self, address: usize) -> Result<(), Errno> {
        self.tables.machine().injections().strike(Site::Insertion)?;
        if self.range.contains(&address) { Ok(()) } else { Err(Errno::EFAULT) }
    }

    /// A frame without a reference. Holes, and frames of other machines, lead nowhere (`pfn_modify_allowed`); and the
    /// zero page stays zero, even under `/dev/mem`.
    fn insert_special(&self, address: usize, pfn: u64, prot: PageProt) -> Result<(), Errno> {
        match self.tables.machine().memory().kind(pfn) {
            None => return Err(Errno::EINVAL),
            Some(FrameKind::Zero) if !self.zero_page_allowed() => return Err(Errno::EINVAL),
            Some(_) => {}
        }
        self.put(address, self.entry(pfn, prot, false), false)
    }

    /// A frame of RAM by number, which may be free for all the caller knows.
    fn insert_free_or_counted(&self, address: usize, pfn: u64, mkwrite: bool) -> Result<(), Errno> {
        let machine = self.tables.machine();
        if !machine.memory().get_unless_free(pfn) {
            return Err(Errno::EINVAL);
        }
        let page = Page::adopt(machine.clone(), pfn);
        self.insert_counted(address, page.pfn(), mkwrite)
    }

    /// A page to which the caller has a reference; the entry takes one of its own.
    fn insert_counted(&self, address: usize, pfn: u64, mkwrite: bool) -> Result<(), Errno> {
        if self.tables.machine().memory().is_anonymous(pfn) {
            return Err(Errno::EINVAL);
        }
        self.put(address, self.entry(pfn, self.prot, true), mkwrite)
    }

    /// `vm_mixed_zeropage_allowed`: nobody may ever write to it, or the driver replaces it before that. Linux allows the
    /// latter only where `get_user_pages` does not come.
    fn zero_page_allowed(&self) -> bool {
        self.flags.is_cow()
            || !self.flags.intersects(VmFlags::WRITE | VmFlags::MAYWRITE)
            || (self.told_of_frames && self.flags.contains(VmFlags::IO))
    }

    fn entry(&self, pfn: u64, prot: PageProt, counted: bool) -> Pte {
        Pte {
            pfn,
            accessible: self.accessible,
            writable: prot.is_writable(),
            dirty: false,
            counted,
            cache: prot.cache(),
        }
    }

    /// Puts an entry where none is. With `mkwrite` it is writable and dirty at once, and so is one of the same frame
    /// that is there already.
    fn put(&self, address: usize, pte: Pte, mkwrite: bool) -> Result<(), Errno> {
        let machine = self.tables.machine();
        let put = self.with_slot(address, |slot| match slot.pte() {
            None => {
                let pte = if mkwrite { self.make_writable(pte) } else { pte };
                fill(&self.tables, slot, pte);
                Ok(())
            }
            Some(present) => {
                if mkwrite && present.pfn == pte.pfn {
                    slot.set(Some(self.make_writable(present)));
                }
                Err(Errno::EBUSY)
            }
        });
        let put = put.and_then(|put| put);
        match put {
            Ok(()) => machine.counters().insertions.count(),
            Err(Errno::EBUSY) => machine.counters().already_present.count(),
            Err(_) => {}
        }
        put
    }

    /// Looks at a slot, for which there is a table or one is made.
    fn with_slot<R>(&self, address: usize, change: impl FnOnce(&mut Slot) -> R) -> Result<R, Errno> {
        if self.makes_tables {
            self.tables.with_table(address, change)
        } else {
            let missing = if self.tables.huge(address).is_some() { Errno::EBUSY } else { Errno::ENOMEM };
            self.tables.with(address, change).ok_or(missing)
        }
    }

    /// `maybe_mkwrite`. The object's own memory never becomes writable through a private mapping, which would be
    /// Linux's answer here: it trusts the file system not to ask.
    fn make_writable(&self, pte: Pte) -> Pte {
        let writable = pte.writable || self.flags.contains(VmFlags::SHARED | VmFlags::WRITE);
        Pte { writable, dirty: true, ..pte }
    }
}

/// Puts an entry into an empty slot, with a reference of its own if it is to hold one.
pub(super) fn fill(tables: &PageTables, slot: &mut Slot, pte: Pte) {
    if pte.counted {
        tables.machine().memory().get(pte.pfn);
        tables.machine().memory().count_mapping(pte.pfn, true);
    }
    slot.set(Some(pte));
}

/// What an insertion of a frame means in a fault. Linux says SIGBUS for whatever is not allowed, OOM without a table.
pub(super) fn code(inserted: Result<(), Errno>) -> FaultCode {
    FaultCode::from_insertion(inserted)
}
