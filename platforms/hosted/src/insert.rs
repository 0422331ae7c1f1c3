//! What drivers insert: the rules of `vm_insert_page`, `insert_pfn`, `vm_insert_mixed` and `remap_pfn_range`.

use std::ops::{Deref, Range};

use vmctx::{Errno, FrameRange, PageProt, platform::VmFlags};

use crate::{
    answers::Event,
    atomic::inserted_at,
    machine::{FrameKind, Machine},
    object::Unmapping,
    paged::{MachineOf, Paged},
    paging::{Entry, PageTable, Pte, fill},
    vma::Vma,
};

/// The part of an address space that belongs to one VMA, as insertions see it.
pub(crate) struct Area<'a, P: Paged> {
    pub(crate) table: &'a P::Table,
    bounds: Bounds,
}

/// The same without the page tables.
#[derive(Clone)]
pub(crate) struct Bounds {
    pub(crate) range: Range<usize>,
    pub(crate) flags: VmFlags,
    /// `vm_page_prot`
    pub(crate) prot: PageProt,
    /// Not `PROT_NONE`.
    pub(crate) accessible: bool,
    /// Page tables that are missing are made, which may sleep.
    pub(crate) makes_tables: bool,
    /// Whether the driver has a `pfn_mkwrite`.
    pub(crate) told_of_frames: bool,
    /// Whose mapping it is: see [`Machine::note_insertion`].
    pub(crate) user: u64,
}

impl Bounds {
    /// Where the driver of a mapping may insert.
    pub(crate) fn of<P: Paged>(vma: &Vma<P>) -> Self {
        Self {
            range: vma.range(),
            flags: vma.flags(),
            prot: vma.page_prot(),
            accessible: vma.is_accessible(),
            makes_tables: true,
            told_of_frames: vma.registered().pfn_mkwrite,
            user: vma.user(),
        }
    }

    /// The same, in which tables that are missing are not made: under RCU.
    pub(crate) fn without_new_tables(&self) -> Self {
        Self { makes_tables: false, ..self.clone() }
    }

    /// The area, in these page tables.
    pub(crate) fn within<P: Paged>(self, table: &P::Table) -> Area<'_, P> {
        Area { table, bounds: self }
    }
}

impl<P: Paged> Deref for Area<'_, P> {
    type Target = Bounds;

    fn deref(&self) -> &Bounds {
        &self.bounds
    }
}

impl<'a, P: Paged> Area<'a, P> {
    /// Where the driver of a mapping may insert.
    pub(crate) fn of(vma: &'a Vma<P>) -> Self {
        Bounds::of(vma).within::<P>(vma.table())
    }

    fn machine(&self) -> &MachineOf<P> {
        self.table.machine()
    }

    /// `vm_insert_page`. The checks come in Linux's order; what Linux has a `BUG_ON` for is EINVAL.
    #[inline(always)]
    pub(crate) fn insert_page(&self, address: usize, page: &P::Page) -> Result<(), Errno> {
        self.check_page(address)?;
        if !page.is_of(self.machine()) {
            return Err(Errno::EINVAL);
        }
        self.insert_counted(address, page.pfn(), false)
    }

    /// `vm_insert_page` of the zero page: special, nothing is counted, never writable.
    pub(crate) fn insert_zero_page(&self, address: usize) -> Result<(), Errno> {
        self.check_page(address)?;
        if !self.zero_page_allowed() {
            return Err(Errno::EINVAL);
        }
        let pfn = self.machine().zero_page();
        self.put(address, Pte { writable: false, ..self.entry(pfn, self.prot, false) }, false)
    }

    /// `vm_insert_mixed`, and `vmf_insert_mixed_mkwrite`: a page is counted, a device's frame is not.
    pub(crate) fn insert_mixed(&self, address: usize, pfn: u64, mkwrite: bool) -> Result<(), Errno> {
        match self.machine().kind(pfn) {
            Some(FrameKind::Zero) if mkwrite => Err(Errno::EINVAL),
            Some(FrameKind::Zero) => self.insert_zero_page(address),
            Some(FrameKind::Ram) => {
                self.check_page(address)?;
                self.insert_ram(address, pfn, mkwrite)
            }
            Some(FrameKind::Device) => {
                self.check_page(address)?;
                self.put(address, self.entry(pfn, self.prot, false), mkwrite)
            }
            None => Err(Errno::EINVAL),
        }
    }

    /// `vmf_mixed_mkwrite`: nothing is inserted where nothing is.
    pub(crate) fn make_mixed_writable(&self, address: usize, pfn: u64) {
        self.table.with(address, |entry| {
            if let Some(present) = entry.pte().filter(|present| present.pfn == pfn) {
                entry.set(Some(self.make_writable(present)));
            }
        });
    }

    /// `vmf_insert_pfn_prot`.
    pub(crate) fn insert_pfn(&self, address: usize, pfn: u64, prot: PageProt) -> Result<(), Errno> {
        let wanted = self.flags.contains(VmFlags::PFNMAP) && !self.flags.contains(VmFlags::MIXEDMAP);
        if !wanted || self.flags.is_cow() {
            return Err(Errno::EINVAL);
        }
        self.check_address(address)?;
        self.insert_special(address, pfn, prot)
    }

    /// `vmf_insert_pfn_pmd` and `vmf_insert_pfn_pud`: large entries of frames, no references taken. A store also makes
    /// one writable that is there already with the same frames.
    pub(crate) fn insert_huge(&self, address: usize, frames: FrameRange<'_, P>, write: bool) -> Result<(), Errno> {
        let kinds = (self.flags.contains(VmFlags::PFNMAP), self.flags.contains(VmFlags::MIXEDMAP));
        if !matches!(kinds, (true, false) | (false, true)) || (kinds.0 && self.flags.is_cow()) {
            return Err(Errno::EINVAL);
        }
        self.check_address(address)?;
        let machine = self.machine();
        let first = frames.first().pfn();
        let pages = frames.count().get();
        let fits = self.range.end - address >= pages * P::PAGE_SIZE;
        if !fits || !machine.are_there(first, pages) {
            return Err(Errno::EINVAL);
        }
        let pte = self.entry(first, self.prot, false);
        let pte = if write { self.make_writable(pte) } else { pte };
        let inserted = self.table.insert_huge(address, pages * P::PAGE_SIZE / P::Table::TABLE_SPAN, pte, write);
        match inserted {
            Ok(()) => machine.count(Event::HugeInsertion),
            Err(_) => machine.count(Event::AlreadyPresent),
        }
        inserted
    }

    /// `remap_pfn_range`, flags apart: all of the frames or none.
    pub(crate) fn remap(&self, address: usize, frames: FrameRange<'_, P>) -> Result<(), Errno> {
        let count = frames.count().get();
        let end = count.checked_mul(P::PAGE_SIZE).and_then(|bytes| bytes.checked_add(address));
        let range = address..end.ok_or(Errno::EINVAL)?;
        // Linux keeps a copy-on-write mapping of frames only if it is whole.
        if self.flags.is_cow() && range != self.range {
            return Err(Errno::EINVAL);
        }
        let first = frames.first().pfn();
        for (pfn, at) in (first..).zip(range.clone().step_by(P::PAGE_SIZE)) {
            let inserted = self.check_address(at).and_then(|()| self.insert_special(at, pfn, self.prot));
            if let Err(errno) = inserted {
                self.table.zap(&(address..at), true);
                return Err(errno);
            }
        }
        Ok(())
    }

    /// What every insertion of pages begins with: the address, and whether the mapping can have pages.
    fn check_page(&self, address: usize) -> Result<(), Errno> {
        self.check_address(address)?;
        // Linux sets the flag here if the lock allows it, and has a BUG_ON if not. The tokens have set it before.
        if self.flags.contains(VmFlags::MIXEDMAP) && !self.flags.contains(VmFlags::PFNMAP) {
            Ok(())
        } else {
            Err(Errno::EINVAL)
        }
    }

    /// What every insertion begins with. The machine may let it fail before it does anything.
    fn check_address(&self, address: usize) -> Result<(), Errno> {
        self.machine().before_insertion()?;
        if self.range.contains(&address) { Ok(()) } else { Err(Errno::EFAULT) }
    }

    /// A frame without a reference. Holes, and frames of other machines, lead nowhere (`pfn_modify_allowed`); and the
    /// zero page stays zero, even under `/dev/mem`.
    fn insert_special(&self, address: usize, pfn: u64, prot: PageProt) -> Result<(), Errno> {
        match self.machine().kind(pfn) {
            None => return Err(Errno::EINVAL),
            Some(FrameKind::Zero) if !self.zero_page_allowed() => return Err(Errno::EINVAL),
            Some(_) => {}
        }
        self.put(address, self.entry(pfn, prot, false), false)
    }

    /// A frame of RAM by number: the driver may not have a reference, so it can be free.
    fn insert_ram(&self, address: usize, pfn: u64, mkwrite: bool) -> Result<(), Errno> {
        let machine = self.machine();
        if !machine.get_unless_free(pfn) {
            return Err(Errno::EINVAL);
        }
        let inserted = self.insert_counted(address, pfn, mkwrite);
        // SAFETY: the reference that was just got.
        #[expect(unsafe_code, reason = "the reference is there: see above")]
        unsafe {
            machine.put(pfn);
        }
        inserted
    }

    /// A page, of which the caller has a reference. The entry takes one of its own.
    #[inline(always)]
    fn insert_counted(&self, address: usize, pfn: u64, mkwrite: bool) -> Result<(), Errno> {
        if self.machine().is_anonymous(pfn) {
            return Err(Errno::EINVAL);
        }
        self.note(pfn);
        self.put(address, self.entry(pfn, self.prot, true), mkwrite)
    }

    /// A page is about to be inserted, where this thread has said.
    pub(crate) fn note(&self, pfn: u64) {
        if let Some(inserted) = inserted_at() {
            self.machine().note_insertion(pfn, self.user, inserted);
        }
    }

    /// `vm_mixed_zeropage_allowed`: nobody may ever write to it, or the driver replaces it before that. Linux allows
    /// the latter only where `get_user_pages` does not come.
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
    // Where it is known what is put, and whether with `mkwrite`, this is half as long.
    #[inline(always)]
    fn put(&self, address: usize, pte: Pte, mkwrite: bool) -> Result<(), Errno> {
        let machine = self.machine();
        let put = self.with_entry(address, |entry| match entry.pte() {
            None => {
                let pte = if mkwrite { self.make_writable(pte) } else { pte };
                // SAFETY: only `insert_counted` makes an entry that is counted, and its caller has the page.
                #[expect(unsafe_code, reason = "the reference is there: see above")]
                unsafe {
                    fill(self.table, entry, pte);
                }
                Ok(())
            }
            Some(present) => {
                if mkwrite && present.pfn == pte.pfn {
                    entry.set(Some(self.make_writable(present)));
                }
                Err(Errno::EBUSY)
            }
        });
        let put = put.and_then(|put| put);
        match put {
            Ok(()) => machine.count(Event::Insertion),
            Err(Errno::EBUSY) => machine.count(Event::AlreadyPresent),
            Err(_) => {}
        }
        put
    }

    /// Looks at the entry of an address. A table that is missing is made, or is an error if that is not allowed.
    #[inline(always)]
    fn with_entry<R>(
        &self,
        address: usize,
        change: impl FnOnce(&mut <P::Table as PageTable>::Entry) -> R,
    ) -> Result<R, Errno> {
        if self.makes_tables {
            self.table.with_table(address, change)
        } else {
            let missing = if self.table.huge(address).is_some() { Errno::EBUSY } else { Errno::ENOMEM };
            self.table.with(address, change).ok_or(missing)
        }
    }

    /// `maybe_mkwrite`. The object's own memory never becomes writable through a private mapping, which would be
    /// Linux's answer here: it trusts the file system not to ask.
    fn make_writable(&self, pte: Pte) -> Pte {
        let writable = pte.writable || self.flags.contains(VmFlags::SHARED | VmFlags::WRITE);
        Pte { writable, dirty: true, ..pte }
    }
}
