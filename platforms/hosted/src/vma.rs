//! Mappings of one address space: `vm_area_struct`, the ordered map of them, and the mmap lock.

use std::{
    collections::BTreeMap,
    ops::Range,
    ptr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use vmctx::{
    Errno, PageOffset, PageProt, Platform, VmOperations,
    platform::{AccessBuffer, AccessedVma, Cache, VmFlags},
};

use crate::{
    hook::{self, Hook},
    object::{Object, Place, Unmapping},
    operations::{FaultCall, FaultHook, Operations, Registered, State, StateId},
    panics::Panics,
    shared::{AnyState, Ref},
    trace,
    tree::Tree,
};

/// A platform that is an ordinary program: what its VMAs are made of.
pub trait Hosted: Platform {
    /// An open file. Clones are the same one.
    type File: Clone;
    /// What the pages of a VMA are entered into: the address space's page tables, or a table for each mapping.
    type Table: Unmapping;

    /// Where the file's object is mapped.
    fn mappings(file: &Self::File) -> &Object;
}

/// One mapping: a part of what one mmap has made, all with the same rights.
pub struct Vma<P: Hosted> {
    number: u64,
    range: Range<usize>,
    pgoff: usize,
    flags: VmFlags,
    cache: Cache,
    file: P::File,
    table: Arc<P::Table>,
    operations: Option<Box<dyn Operations<P>>>,
    /// The address of the state that was established, to be compared; zero before.
    state: usize,
    registered: Registered,
    is_live: bool,
    /// Whether there may be private copies (`anon_vma`). An atomic, because faults set it, which hold the mmap lock for
    /// read.
    copied: AtomicBool,
}

impl<P: Hosted> Vma<P> {
    /// A mapping that is being made, at these addresses, in bytes, with page `pgoff` of the object first.
    #[must_use]
    pub fn new(range: Range<usize>, pgoff: usize, flags: VmFlags, file: P::File, table: Arc<P::Table>) -> Self {
        Self {
            number: next_number(),
            range,
            pgoff,
            flags,
            cache: Cache::WriteBack,
            file,
            table,
            operations: None,
            state: 0,
            registered: Registered::default(),
            is_live: true,
            copied: AtomicBool::new(false),
        }
    }

    /// A number that no other VMA has: what the list of its object's mappings knows it by, wherever it moves.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Whose mapping it is, of all that are there: those with one state are one user's.
    pub(crate) fn user(&self) -> u64 {
        // One bit tells numbers of mappings and addresses of states apart.
        match self.state {
            0 => self.number.wrapping_mul(2).wrapping_add(1),
            address => (address as u64).wrapping_mul(2),
        }
    }

    /// `vm_start`: its first address.
    #[must_use]
    pub fn start(&self) -> usize {
        self.range.start
    }

    /// `vm_start..vm_end`
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    /// `vm_pgoff`: the page of the object that shows at its start, counted in pages.
    #[must_use]
    pub fn pgoff(&self) -> usize {
        self.pgoff
    }

    /// How many pages it has (`vma_pages`).
    #[must_use]
    pub fn pages(&self) -> usize {
        self.range.len() >> P::PAGE_SHIFT
    }

    /// The page of the object that shows at an address, which has to lie in the mapping.
    #[must_use]
    pub fn pgoff_at(&self, address: usize) -> usize {
        self.pgoff + ((address - self.range.start) >> P::PAGE_SHIFT)
    }

    /// `vm_flags`
    #[must_use]
    pub fn flags(&self) -> VmFlags {
        self.flags
    }

    /// `vm_flags_mod`: sets flags, then clears others.
    pub fn change_flags(&mut self, set: VmFlags, clear: VmFlags) {
        self.flags = (self.flags | set).without(clear);
    }

    /// How what is inserted from now on is cached.
    pub fn set_cache(&mut self, cache: Cache) {
        self.cache = cache;
    }

    /// `vm_file`: the open file that it is a mapping of, and keeps open.
    #[must_use]
    pub fn file(&self) -> &P::File {
        &self.file
    }

    /// What its pages are entered into.
    #[must_use]
    pub fn table(&self) -> &Arc<P::Table> {
        &self.table
    }

    /// Which optional hooks the driver has.
    #[must_use]
    pub fn registered(&self) -> Registered {
        self.registered
    }

    /// `vm_page_prot`: a private mapping starts read-only, so that the first store is seen and makes a copy; and so
    /// does a shared one whose driver is told of first stores (`vma_wants_writenotify`).
    #[must_use]
    pub fn page_prot(&self) -> PageProt {
        let writable = self.flags.contains(VmFlags::SHARED | VmFlags::WRITE) && !self.registered().told_of_stores;
        let prot = PageProt::of_vma(writable, Cache::WriteBack);
        match self.cache {
            Cache::WriteBack => prot,
            Cache::WriteCombine => prot.write_combine(),
            Cache::Noncached => prot.noncached(),
        }
    }

    /// Whether there may be private copies (`anon_vma`), if it is the platform that makes them.
    #[must_use]
    pub fn is_copied(&self) -> bool {
        self.copied.load(Ordering::Relaxed)
    }

    /// There may be private copies from now on.
    pub fn set_copied(&self) {
        self.copied.store(true, Ordering::Relaxed);
    }

    /// Whether the user may read: any protection but `PROT_NONE` allows that, as on x86.
    #[must_use]
    pub fn is_accessible(&self) -> bool {
        self.flags.intersects(VmFlags::READ | VmFlags::WRITE | VmFlags::EXEC)
    }

    /// Whether the user may load, or store.
    #[must_use]
    pub fn allows(&self, write: bool) -> bool {
        if write { self.flags.contains(VmFlags::WRITE) } else { self.is_accessible() }
    }

    /// Puts it on the list of its object's mappings, where it is now, and nowhere else.
    pub fn link(&self) {
        P::mappings(&self.file).lock().link(self.number, self.place());
    }

    /// Takes it off the list of its object's mappings: its entries have to be gone, or nobody unmaps them.
    pub fn unlink(&self) {
        P::mappings(&self.file).lock().unlink(self.pgoff, self.number);
    }

    pub(crate) fn place(&self) -> Place {
        Place {
            table: Arc::<P::Table>::clone(&self.table),
            page_shift: P::PAGE_SHIFT,
            start: self.range.start,
            pgoff: self.pgoff,
            pages: self.pages(),
        }
    }

    /// Installs the driver's state. There was none. The driver is told of the VMA (`vm_ops->open`).
    ///
    /// # Errors
    /// EINVAL without a flag that keeps the VMA from being merged ([`VmFlags::SPECIAL`]); what the driver refuses with.
    /// The state is dropped.
    pub fn establish<V: VmOperations<Platform = P>>(&mut self, state: Ref<V>) -> Result<(), Errno>
    where
        P: Platform<Ref<V> = Ref<V>>,
    {
        if !self.flags.intersects(VmFlags::SPECIAL) {
            return Err(Errno::EINVAL);
        }
        let state = State(state);
        self.registered = state.registered();
        self.tell_of(&state)?;
        self.state = ptr::from_ref(state.state_ref()).cast::<()>().addr();
        self.operations = Some(Box::new(state));
        Ok(())
    }

    /// Tells the driver of the VMA (`vm_ops->open`).
    fn tell_of(&self, operations: &dyn Operations<P>) -> Result<(), Errno> {
        let open = || hook::enter(Hook::Open, || operations.open());
        if self.registered.open { trace::call(Hook::Open, self.start(), self.shown(), open) } else { open() }
    }

    /// The pages of the object that show.
    fn shown(&self) -> Range<usize> {
        self.pgoff..self.pgoff + self.pages()
    }

    /// The state that comes is told of first stores: what is entered from now on is not writable.
    pub fn tell_of_stores(&mut self) {
        self.registered.told_of_stores = true;
    }

    /// Whether its driver has agreed to it: not a copy whose open hook has failed.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.is_live
    }

    /// Whether a driver's state was established.
    #[must_use]
    pub fn has_operations(&self) -> bool {
        self.operations.is_some()
    }

    /// One of the driver's hooks, if it is there.
    #[must_use]
    pub fn hook(&self, call: FaultCall) -> Option<FaultHook<P>> {
        self.operations.as_ref()?.hook(call)
    }

    /// Asks the driver for a debugger's bytes (`vm_ops->access`), through [`entry::access`](vmctx::entry::access). Zero
    /// bytes where the hook is not registered.
    ///
    /// # Errors
    /// As there.
    ///
    /// # Safety
    /// `reached` describes this VMA, whose mmap lock is held, for read at least, until this returns.
    #[expect(unsafe_code, reason = "the lock cannot be checked here")]
    pub unsafe fn access(
        &self,
        reached: &dyn AccessedVma,
        address: usize,
        buffer: AccessBuffer<'_>,
    ) -> Result<usize, Errno> {
        let Some(operations) = &self.operations else { return Ok(0) };
        // SAFETY: by this function's contract; the operations are this VMA's.
        let access = || hook::enter(Hook::Access, || unsafe { operations.access(reached, address, buffer) });
        let page = self.pgoff_at(address);
        if self.registered.access { trace::call(Hook::Access, address, page..page + 1, access) } else { access() }
    }

    /// The driver's state, if there is one.
    #[must_use]
    pub fn state(&self) -> Option<Arc<AnyState>> {
        self.operations.as_ref().map(|operations| operations.state())
    }

    /// The driver's state, if it is a `V`.
    #[must_use]
    pub fn state_as<V: 'static>(&self) -> Option<&V> {
        self.operations.as_ref()?.state_ref().downcast_ref()
    }

    /// The VMA's place among those with its state.
    fn state_key(&self) -> Option<(usize, usize, usize)> {
        let state = StateId::of(self.operations.as_ref()?.state_ref());
        Some((state.address(), self.pgoff, self.range.start))
    }

    /// Whether this is the VMA's state.
    #[must_use]
    pub fn has_state(&self, state: StateId) -> bool {
        self.operations.as_ref().is_some_and(|operations| StateId::of(operations.state_ref()) == state)
    }

    /// Tells the driver that the VMA goes (`vm_ops->close`), if it was told that it came, and drops its state. The
    /// pages are gone already. A panic of the one does not keep the other from running.
    pub fn close(&mut self) {
        let mut panics = Panics::default();
        self.close_and_catch(&mut panics);
        panics.resume();
    }

    /// Closes all of them, as [`close`](Self::close) does. A panic of one driver does not keep the others from being
    /// told.
    pub fn close_all(vmas: &mut [Self]) {
        let mut panics = Panics::default();
        for vma in vmas {
            vma.close_and_catch(&mut panics);
        }
        panics.resume();
    }

    fn close_and_catch(&mut self, panics: &mut Panics) {
        let Some(operations) = self.operations.take() else { return };
        let (start, shown) = (self.start(), self.shown());
        hook::enter(Hook::Close, || {
            if self.is_live && self.registered.close {
                panics.catch(|| trace::call(Hook::Close, start, shown, || operations.close()));
            }
            panics.catch(|| drop(operations));
        });
    }

    /// Asks the driver whether the mapping may be cut at an address (`vm_ops->may_split`).
    ///
    /// # Errors
    /// What it refuses with.
    pub fn may_split(&self, address: usize) -> Result<(), Errno> {
        let Some(operations) = &self.operations else { return Ok(()) };
        let at = self.pgoff_at(address);
        let may_split = || hook::enter(Hook::MaySplit, || operations.may_split(PageOffset::new(at)));
        if self.registered.may_split { trace::call(Hook::MaySplit, address, at..at, may_split) } else { may_split() }
    }

    /// Another VMA with the same file and state (`vm_area_dup`), for this range and what shows there from `pgoff` on.
    /// The driver is told (`vm_ops->open`), and may not agree: the VMA is then not [live](Self::is_live), and nothing
    /// may be mapped there.
    #[must_use]
    pub fn duplicate(&self, range: Range<usize>, pgoff: usize, table: &Arc<P::Table>) -> Self {
        let mut twin = Self {
            number: next_number(),
            range,
            pgoff,
            flags: self.flags,
            cache: self.cache,
            file: self.file.clone(),
            table: Arc::clone(table),
            operations: self.operations.as_ref().map(|operations| operations.share()),
            state: self.state,
            registered: self.registered,
            is_live: false,
            copied: AtomicBool::new(self.copied.load(Ordering::Relaxed)),
        };
        twin.is_live =
            self.is_live && twin.operations.as_deref().is_none_or(|operations| twin.tell_of(operations).is_ok());
        twin
    }
}

impl<P: Hosted> Drop for Vma<P> {
    fn drop(&mut self) {
        self.close();
    }
}

pub(crate) fn next_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// The VMAs of one address space, in order.
pub struct Vmas<P: Hosted> {
    by_start: BTreeMap<usize, Vma<P>>,
    /// The same VMAs, by where they begin. Each reaches as far as there is room below it, in bytes.
    room: Tree<usize, ()>,
    /// Where those VMAs begin that have a driver's state, by the state's address, the page that shows first, and once
    /// more where they begin. Each reaches to the page behind the last that shows.
    by_state: Tree<(usize, usize, usize), ()>,
}

impl<P: Hosted> Default for Vmas<P> {
    fn default() -> Self {
        Self { by_start: BTreeMap::new(), room: Tree::default(), by_state: Tree::default() }
    }
}

impl<P: Hosted> Vmas<P> {
    /// All of them, in the order of their addresses.
    #[must_use]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Vma<P>> {
        self.by_start.values()
    }

    /// How many there are (`map_count`).
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_start.len()
    }

    /// Whether nothing is mapped.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_start.is_empty()
    }

    /// The VMA that an address lies in.
    #[inline]
    #[must_use]
    pub fn find(&self, address: usize) -> Option<&Vma<P>> {
        let (_, vma) = self.by_start.range(..=address).next_back()?;
        vma.range.contains(&address).then_some(vma)
    }

    /// The same, to be changed.
    pub fn find_mut(&mut self, address: usize) -> Option<&mut Vma<P>> {
        let (_, vma) = self.by_start.range_mut(..=address).next_back()?;
        vma.range.contains(&address).then_some(vma)
    }

    /// Adds a VMA, which overlaps no other, and links it with its object.
    pub fn insert(&mut self, vma: Vma<P>) {
        vma.link();
        self.put(vma);
    }

    /// Adds a VMA, which overlaps no other and has been linked.
    pub(crate) fn put(&mut self, vma: Vma<P>) {
        let range = vma.range();
        self.note_state(&vma);
        self.by_start.insert(range.start, vma);
        self.note_room(range.start);
        self.note_room_behind(range.end);
    }

    /// A VMA comes.
    fn note_state(&mut self, vma: &Vma<P>) {
        if let Some(key) = vma.state_key() {
            self.by_state.insert(key, vma.pgoff + vma.pages(), ());
        }
    }

    /// What lies below the VMA that begins at `start` has changed.
    fn note_room(&mut self, start: usize) {
        let below = self.by_start.range(..start).next_back().map_or(0, |(_, vma)| vma.range.end);
        self.room.insert(start, start - below, ());
    }

    /// What ends at an address, or has ended there, has changed.
    fn note_room_behind(&mut self, end: usize) {
        if let Some((start, _)) = self.by_start.range(end..).next() {
            self.note_room(*start);
        }
    }

    /// Where the highest room for so many bytes ends, below `end`.
    pub(crate) fn highest_room(&self, end: usize, len: usize) -> Option<usize> {
        let end = end.checked_sub(1).and_then(|last| self.find(last)).map_or(end, Vma::start);
        let below = self.by_start.range(..end).next_back().map_or(0, |(_, vma)| vma.range.end);
        if end - below >= len { Some(end) } else { self.room.last(&end, len).map(|(start, _)| *start) }
    }

    /// The VMAs that have this state and show any of these pages of the object, by the page that shows first: the first
    /// of them that is `wanted`, which is asked in order.
    pub(crate) fn find_with_state(
        &self,
        state: StateId,
        pages: &Range<usize>,
        mut wanted: impl FnMut(&Vma<P>) -> bool,
    ) -> Option<&Vma<P>> {
        let address = state.address();
        let keys = (address, 0, 0)..(address, pages.end, 0);
        let found = self.by_state.find(&keys, pages.start, |(.., start), ()| {
            self.by_start.get(start).is_some_and(|vma| vma.has_state(state) && wanted(vma))
        });
        self.by_start.get(&found?.0.2)
    }

    /// The first VMA that has something of a range.
    #[must_use]
    pub fn intersecting(&self, range: &Range<usize>) -> Option<&Vma<P>> {
        // `find_vma`: the one that the range begins in, or the next one.
        let next = || self.by_start.range(range.start..).next().map(|(_, vma)| vma);
        self.find(range.start).or_else(next).filter(|vma| vma.range.start < range.end)
    }

    /// Cuts the VMA that an address lies in, in two, so that one begins there. Nothing where one does, or where none
    /// is.
    ///
    /// # Errors
    /// What `may_split` refuses with.
    pub fn split(&mut self, address: usize) -> Result<(), Errno> {
        let Some(vma) = self.find_mut(address).filter(|vma| vma.range.start != address) else { return Ok(()) };
        vma.may_split(address)?;
        let upper = vma.duplicate(address..vma.range.end, vma.pgoff_at(address), &vma.table);
        vma.range.end = address;
        vma.table.split(address);
        if !upper.is_live() {
            upper.table.zap(&upper.range, true);
        }
        // Both with the lock held once, so that whoever unmaps pages of the object finds all of them.
        let mut mappings = P::mappings(&upper.file).lock();
        mappings.link(vma.number, vma.place());
        mappings.link(upper.number, upper.place());
        drop(mappings);
        let (lower, reach) = (vma.state_key(), vma.pgoff + vma.pages());
        if let Some(key) = lower {
            self.by_state.insert(key, reach, ());
        }
        self.put(upper);
        Ok(())
    }

    /// Takes out the VMAs that lie in a range; they have been split at its ends.
    pub fn take(&mut self, range: &Range<usize>) -> Vec<Vma<P>> {
        let starts: Vec<usize> = self.by_start.range(range.clone()).map(|(start, _)| *start).collect();
        let taken: Vec<_> = starts.into_iter().filter_map(|start| self.by_start.remove(&start)).collect();
        for vma in &taken {
            self.room.remove(&vma.range.start);
            if let Some(key) = vma.state_key() {
                self.by_state.remove(&key);
            }
        }
        self.note_room_behind(range.start);
        taken
    }
}

/// An address space, as the mmap lock protects it.
pub struct Space<P: Hosted> {
    /// What is mapped.
    pub vmas: Vmas<P>,
    /// The process has exited, or the session was stopped: nothing is mapped any more.
    pub stopped: bool,
}

impl<P: Hosted> Default for Space<P> {
    fn default() -> Self {
        Self { vmas: Vmas::default(), stopped: false }
    }
}

impl<P: Hosted> Space<P> {
    /// What is mapped.
    #[must_use]
    pub fn vmas(&self) -> &Vmas<P> {
        &self.vmas
    }

    /// Whether the process has exited, or the session was stopped.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.stopped
    }
}
