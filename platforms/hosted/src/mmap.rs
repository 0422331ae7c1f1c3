//! `mmap` and `munmap`.

use std::{ops::Range, sync::Arc};

use vmctx::{
    Errno, FrameRange, PageOffset, Platform, PrepareHook, UserAddr, VmOperations,
    entry::{self, Action, Description},
    platform::{Cache, VmFlags},
};

use crate::{
    atomic::might_sleep,
    error::SyscallError,
    established::Handle,
    file::{File, OpenMode},
    gap,
    hook::{self, Hook},
    insert::Area,
    machine::{Machine, MmapOrder},
    map::Map,
    mm::Mm,
    mmap_lock::MmapLock,
    object::{Insertions, Object, Unmapping},
    paged::Paged,
    panics::ClosedFiles,
    process::{Process, page_align},
    report::MightSleep,
    shared::Ref,
    trace,
    vma::{self, Hosted, Space, Vma, Vmas},
};

/// A mapping that is being made: the platform's [`Vma`](vmctx::Platform::Vma). Made by this crate alone; to have one is
/// the proof that the mmap hook runs, with the mmap lock held for write.
///
/// Its methods are the raw operations of [`Platform`] that they name, under the conditions that stand there.
pub struct NewVma<P: Paged> {
    vma: Vma<P>,
    /// None where the VMA is on its object's list already.
    insertions: Option<Insertions>,
    space: Arc<MmapLock<P>>,
}

impl<P: Paged> NewVma<P> {
    /// `vma_range`
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.vma.range()
    }

    /// `vma_pgoff`
    #[must_use]
    pub fn pgoff(&self) -> PageOffset {
        PageOffset::new(self.vma.pgoff())
    }

    /// `vma_flags`
    #[must_use]
    pub fn flags(&self) -> VmFlags {
        self.vma.flags()
    }

    /// `vma_change_flags`
    pub fn change_flags(&mut self, set: VmFlags, clear: VmFlags) {
        self.vma.change_flags(set, clear);
    }

    /// `vma_set_cache`
    pub fn set_cache(&mut self, cache: Cache) {
        self.vma.set_cache(cache);
    }

    /// `establish`
    ///
    /// # Errors
    /// As [`Platform::establish`](vmctx::Platform::establish).
    pub fn establish<V: VmOperations<Platform = P>>(&mut self, state: Ref<V>) -> Result<(), Errno>
    where
        P: Platform<Ref<V> = Ref<V>>,
    {
        self.vma.establish(state)
    }

    /// `vma_is_of`
    #[must_use]
    pub fn is_of(&self, object: &Object) -> bool {
        P::mappings(self.vma.file()).is(object)
    }

    /// `vma_tells_of_stores`
    pub fn tell_of_stores(&mut self) {
        self.vma.tell_of_stores();
    }

    /// `vma_handle`
    #[must_use]
    pub fn handle(&self) -> Option<Handle<P>> {
        Handle::new(&self.space, &self.vma)
    }

    /// `vm_insert_page`
    ///
    /// # Errors
    /// As [`Platform::vm_insert_page`](vmctx::Platform::vm_insert_page).
    #[track_caller]
    pub fn insert_page(&mut self, address: usize, page: &P::Page) -> Result<(), Errno> {
        self.insert(address, 1, |area| area.insert_page(address, page))
    }

    /// `vm_insert_zero_page`
    ///
    /// # Errors
    /// As [`Platform::vm_insert_zero_page`](vmctx::Platform::vm_insert_zero_page).
    #[track_caller]
    pub fn insert_zero_page(&mut self, address: usize) -> Result<(), Errno> {
        self.insert(address, 1, |area| area.insert_zero_page(address))
    }

    /// `vm_insert_mixed`
    ///
    /// # Errors
    /// As [`Platform::vm_insert_mixed`](vmctx::Platform::vm_insert_mixed).
    #[track_caller]
    pub fn insert_mixed(&mut self, address: usize, pfn: u64) -> Result<(), Errno> {
        self.insert(address, 1, |area| area.insert_mixed(address, pfn, false))
    }

    /// `remap_pfn_range`
    ///
    /// # Errors
    /// As [`Platform::remap_pfn_range`](vmctx::Platform::remap_pfn_range).
    #[track_caller]
    pub fn remap(&mut self, address: usize, frames: FrameRange<'_, P>) -> Result<(), Errno> {
        let set = VmFlags::IO | VmFlags::PFNMAP | VmFlags::DONTEXPAND | VmFlags::DONTDUMP;
        self.vma.change_flags(set, VmFlags::NONE);
        self.insert(address, frames.count().get(), |area| area.remap(address, frames))
    }

    /// A driver inserts so many pages.
    #[track_caller]
    fn insert(
        &mut self,
        address: usize,
        pages: usize,
        insert: impl FnOnce(&Area<'_, P>) -> Result<(), Errno>,
    ) -> Result<(), Errno> {
        might_sleep(MightSleep::Insertion);
        insert(&Area::of(&self.vma))?;
        if let Some(insertions) = &mut self.insertions {
            let first = self.vma.pgoff_at(address);
            insertions.note(first..first + pages);
        }
        Ok(())
    }
}

/// Where a mapping goes (`__get_unmapped_area`).
fn place<P: Paged>(map: &Map, vmas: &Vmas<P>, first: usize, len: usize) -> Result<Range<usize>, Errno> {
    if len > P::TASK_SIZE {
        return Err(Errno::ENOMEM);
    }
    let Some(at) = map.address() else {
        let start = gap::find(vmas, len, first)?;
        return Ok(start..start + len);
    };
    let start = at.get();
    if start > P::TASK_SIZE - len {
        return Err(Errno::ENOMEM);
    }
    if start % P::PAGE_SIZE != 0 {
        return Err(Errno::EINVAL);
    }
    if start < P::MMAP_MIN {
        return Err(Errno::EPERM);
    }
    let range = start..start + len;
    if vmas.intersecting(&range).is_some() { Err(Errno::EEXIST) } else { Ok(range) }
}

/// `vm_flags`, and what the file's mode forbids.
fn flags(map: &Map, mode: OpenMode) -> Result<VmFlags, Errno> {
    let mut flags = map.flags();
    if map.is_shared() && !mode.writes() {
        if flags.contains(VmFlags::WRITE) {
            return Err(Errno::EACCES);
        }
        flags = flags.without(VmFlags::MAYWRITE | VmFlags::SHARED);
    }
    if mode.reads() { Ok(flags) } else { Err(Errno::EACCES) }
}

/// Leaves nothing of a mapping whose hook failed, or panicked: no entries, no place on its object's list, no page
/// tables.
struct Undo<'a, P: Paged> {
    mm: &'a Mm<P>,
    space: &'a Space<P>,
    range: Range<usize>,
    /// Its object, the first page that it shows, and its number.
    linked: Option<(Object, usize, u64)>,
}

impl<P: Paged> Undo<'_, P> {
    fn disarm(mut self) {
        self.range.end = self.range.start;
        self.linked = None;
    }
}

impl<P: Paged> Drop for Undo<'_, P> {
    fn drop(&mut self) {
        self.mm.table().zap(&self.range, true);
        if let Some((object, pgoff, number)) = &self.linked {
            object.lock().unlink(*pgoff, *number);
        }
        self.mm.free_tables(self.space, &self.range);
    }
}

impl<P: Paged + Hosted<File = File<P>> + Platform<Vma = NewVma<P>>> Process<P> {
    /// Maps a part of a file, and calls its driver's mmap hook for that. Gives back where it is.
    ///
    /// Follows `do_mmap`, check by check.
    ///
    /// # Errors
    /// EINVAL for no bytes at all, an offset or an address that is not a page's; ENOMEM for more bytes than there are
    /// addresses, and when there are [too many mappings](Machine::max_mappings); EOVERFLOW if the object's last
    /// byte could not be counted; EEXIST where something is mapped already; EPERM below the lowest address that can
    /// be mapped; EACCES for a file that was not opened for reading, or not for the writing that a shared mapping is
    /// to do; and what the mmap hook or the open hook fails with. Afterwards nothing is left of a mapping that failed.
    #[track_caller]
    pub fn mmap(&self, file: &File<P>, map: Map) -> Result<UserAddr, SyscallError> {
        let first = map.first_page(P::PAGE_SHIFT)?;
        let mut lock = self.mm().write_lock()?;
        if map.bytes() == 0 {
            return Err(Errno::EINVAL.into());
        }
        let len = page_align::<P>(map.bytes()).ok_or(Errno::ENOMEM)?;
        first.checked_add(len >> P::PAGE_SHIFT).ok_or(Errno::EOVERFLOW)?;
        if lock.vmas().len() > self.machine().max_mappings() {
            return Err(Errno::ENOMEM.into());
        }
        let range = place(&map, lock.vmas(), first, len)?;
        // `file_mmap_ok`: the object's bytes are counted in as many bits as addresses.
        if first > (usize::MAX - len) >> P::PAGE_SHIFT {
            return Err(Errno::EOVERFLOW.into());
        }
        let flags = flags(&map, file.mode())?;
        let prepares = file.driver().prepare_hook().filter(|_| self.machine().mmap_order() == MmapOrder::Prepare);
        let vma = match prepares {
            Some(hook) => self.map_described(file, &hook, &lock, range.clone(), first, flags)?,
            None => self.map_by_hook(file, &lock, range.clone(), first, flags)?,
        };
        lock.vmas.put(vma);
        Ok(UserAddr::new(range.start))
    }

    /// `f_op->mmap`: the hook is handed a VMA that nobody else knows of.
    fn map_by_hook(
        &self,
        file: &File<P>,
        space: &Space<P>,
        range: Range<usize>,
        first: usize,
        flags: VmFlags,
    ) -> Result<Vma<P>, Errno> {
        let vma = Vma::new(range.clone(), first, flags, file.clone(), Arc::clone(self.mm().table()));
        let insertions = Some(Insertions::new(P::mappings(file), vma.number()));
        let mut new = NewVma { vma, insertions, space: Arc::clone(self.mm().space()) };
        let (start, pages) = (range.start, first..first + (range.len() >> P::PAGE_SHIFT));
        // Declared after the VMA, and so dropped before it: what was inserted goes before the state does.
        let undo = Undo { mm: self.mm(), space, range, linked: None };
        // SAFETY: the VMA is being made for this file; the caller has the mmap lock, for write.
        #[expect(unsafe_code, reason = "the lock is held: see above")]
        let mmap = || hook::enter(Hook::Mmap, || unsafe { entry::mmap(file.driver(), &mut new).map(drop) });
        trace::call(Hook::Mmap, start, pages, mmap)?;
        self.machine().before_vma()?;
        undo.disarm();
        new.vma.link();
        Ok(new.vma)
    }

    /// `f_op->mmap_prepare`: the hook describes a VMA that is made afterwards, and is on its object's list when it is
    /// filled (`__mmap_region`).
    #[track_caller]
    fn map_described(
        &self,
        file: &File<P>,
        hook: &PrepareHook<'_, P>,
        space: &Space<P>,
        range: Range<usize>,
        first: usize,
        flags: VmFlags,
    ) -> Result<Vma<P>, Errno> {
        let (start, pages) = (range.start, first..first + (range.len() >> P::PAGE_SHIFT));
        let wanted = Description::new::<P>(range.clone(), PageOffset::new(first), flags)?;
        // SAFETY: this is asked for of this file; the caller has the mmap lock, for write, until this returns.
        #[expect(unsafe_code, reason = "the lock is held: see above")]
        let prepare = || hook::enter(Hook::MmapPrepare, || unsafe { entry::mmap_prepare(hook, wanted) });
        let described = trace::call(Hook::MmapPrepare, range.start, pages.clone(), prepare)?;
        let description = described.description();
        // Linux looks now for a neighbour to merge it with, and finds none because of this.
        if !description.flags().intersects(VmFlags::SPECIAL) {
            return Err(Errno::EINVAL);
        }
        // Whoever unmaps the object between the hook and the list does not find what is mapped then.
        let mut described_only = Insertions::new(P::mappings(file), vma::next_number());
        if !matches!(described.action(), Action::ByFaults) {
            described_only.note(first..first + (range.len() >> P::PAGE_SHIFT));
        }
        might_sleep(MightSleep::Allocation);
        self.machine().before_vma()?;
        let mut vma = Vma::new(range.clone(), first, description.flags(), file.clone(), Arc::clone(self.mm().table()));
        vma.set_cache(description.cache());
        vma.link();
        drop(described_only);
        let linked = Some((P::mappings(file).clone(), vma.pgoff(), vma.number()));
        let mut new = NewVma { vma, insertions: None, space: Arc::clone(self.mm().space()) };
        // Declared after the VMA, and so dropped before it: what was inserted goes before the state does.
        let undo = Undo { mm: self.mm(), space, range, linked };
        // SAFETY: the VMA is of this file, was made as described, and is empty; the lock is held as before.
        #[expect(unsafe_code, reason = "the lock is held: see above")]
        unsafe {
            entry::fill(&described, &mut new)?;
            let mapped = || hook::enter(Hook::Mapped, || entry::mapped(hook, description.shown(), &mut new));
            trace::call(Hook::Mapped, start, pages, mapped)?;
        }
        undo.disarm();
        Ok(new.vma)
    }

    /// Takes mappings away, whole or in part. What is not mapped is no error.
    ///
    /// When it returns, no thread is in the middle of an access to what was there, and the states of mappings of which
    /// nothing is left, in any process, have been dropped.
    ///
    /// # Errors
    /// EINVAL for an address that is not a page's, for no bytes and for a range that leaves the address space; ENOMEM
    /// if cutting a mapping in two would make [too many](Machine::max_mappings); what `may_split` refuses a cut
    /// with. Nothing has been unmapped then.
    #[track_caller]
    pub fn munmap(&self, address: UserAddr, bytes: usize) -> Result<(), SyscallError> {
        // Declared before the lock, and so dropped after it.
        let mut files = ClosedFiles::default();
        let mut lock = self.mm().write_lock()?;
        let start = address.get();
        if start % P::PAGE_SIZE != 0 || start > P::TASK_SIZE || bytes > P::TASK_SIZE - start {
            return Err(Errno::EINVAL.into());
        }
        let range = start..start + page_align::<P>(bytes).ok_or(Errno::EINVAL)?;
        if range.is_empty() {
            return Err(Errno::EINVAL.into());
        }
        self.mm().unmap_range(&mut lock, &range, &mut files)?;
        Ok(())
    }
}
