//! Mappings, in order, and the drivers' hooks behind them.

use std::{
    any::Any,
    collections::BTreeMap,
    mem::ManuallyDrop,
    ops::Range,
    ptr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    Errno, PageOffset, PageProt, VmOperations, entry,
    platform::{Cache, FaultCode, VmFlags},
};

use super::{
    File, Uffd,
    hook::{self, Hook},
    platform::Fault,
    sys::PAGE_SHIFT,
    table::Table,
};

/// A state as whoever does not know its type has it.
pub(super) type AnyState = dyn Any + Send + Sync;

/// One mapping: a part of what one mmap has made, all with the same rights.
pub(super) struct Vma {
    number: u64,
    range: Range<usize>,
    pgoff: usize,
    flags: VmFlags,
    cache: Cache,
    file: File,
    table: Arc<Table>,
    operations: Option<Box<dyn Operations>>,
    registered: Registered,
    is_live: bool,
}

impl Vma {
    /// A mapping that is being made.
    pub(super) fn new(table: Arc<Table>, pgoff: usize, flags: VmFlags, file: File) -> Self {
        let range = table.range();
        let cache = Cache::WriteBack;
        Self {
            number: next_number(),
            range,
            pgoff,
            flags,
            cache,
            file,
            table,
            operations: None,
            registered: Registered::default(),
            is_live: false,
        }
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn start(&self) -> usize {
        self.range.start
    }

    pub(super) fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    pub(super) fn pgoff(&self) -> usize {
        self.pgoff
    }

    pub(super) fn pages(&self) -> usize {
        self.range.len() >> PAGE_SHIFT
    }

    /// The page of the object that shows at an address of the mapping.
    pub(super) fn pgoff_at(&self, address: usize) -> usize {
        self.pgoff + ((address - self.range.start) >> PAGE_SHIFT)
    }

    pub(super) fn flags(&self) -> VmFlags {
        self.flags
    }

    pub(super) fn change_flags(&mut self, set: VmFlags, clear: VmFlags) {
        self.flags = (self.flags | set).without(clear);
    }

    pub(super) fn set_cache(&mut self, cache: Cache) {
        self.cache = cache;
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    pub(super) fn table(&self) -> &Arc<Table> {
        &self.table
    }

    fn shown(&self) -> Range<PageOffset> {
        PageOffset::new(self.pgoff)..PageOffset::new(self.pgoff + self.pages())
    }

    pub(super) fn registered(&self) -> Registered {
        self.registered
    }

    /// `vm_page_prot`: a private mapping starts read-only, and so does a shared one whose driver is told of first stores.
    /// The cache attribute is what the driver asked for, and is not what it gets.
    pub(super) fn page_prot(&self) -> PageProt {
        let writable = self.flags.contains(VmFlags::SHARED | VmFlags::WRITE) && !self.registered().told_of_stores;
        let prot = PageProt::of_vma(writable, Cache::WriteBack);
        match self.cache {
            Cache::WriteBack => prot,
            Cache::WriteCombine => prot.write_combine(),
            Cache::Noncached => prot.noncached(),
        }
    }

    /// What the kernel is told of the rights.
    pub(super) fn kernel_prot(&self) -> libc::c_int {
        kernel_prot(self.flags)
    }

    /// Whether stores must be seen before they happen: to tell a driver, or to find private copies.
    pub(super) fn protects(&self) -> bool {
        !self.flags.contains(VmFlags::MAYSHARE)
            || self.registered().told_of_stores
            || self.flags.contains(VmFlags::PFNMAP)
    }

    pub(super) fn establish<V: VmOperations<Platform = Uffd>>(&mut self, state: Arc<V>) {
        let state = State(state);
        self.registered = state.registered();
        self.operations = Some(Box::new(state));
    }

    /// The mmap hook has made it.
    pub(super) fn begin(&mut self) {
        self.is_live = true;
    }

    /// Whether its driver has agreed to it: not a part whose open hook has failed.
    pub(super) fn is_live(&self) -> bool {
        self.is_live
    }

    pub(super) fn has_operations(&self) -> bool {
        self.operations.is_some()
    }

    /// One of the driver's hooks, if it is there.
    pub(super) fn hook(&self, ask: Ask) -> Option<FaultHook> {
        self.operations.as_ref()?.hook(ask)
    }

    pub(super) fn state(&self) -> Option<Arc<AnyState>> {
        self.operations.as_ref().map(|operations| operations.state())
    }

    pub(super) fn state_as<V: 'static>(&self) -> Option<&V> {
        self.operations.as_ref()?.state_ref().downcast_ref()
    }

    pub(super) fn has_state(&self, state: *const AnyState) -> bool {
        self.operations.as_ref().is_some_and(|operations| ptr::addr_eq(operations.state_ref(), state))
    }

    /// Tells the driver that the VMA goes (`vm_ops->close`), if it was told that it came, and drops its state. The pages
    /// are gone already.
    pub(super) fn close(&mut self) {
        let Some(operations) = self.operations.take() else { return };
        hook::enter(Hook::Close, || {
            if self.is_live {
                operations.close(self.shown());
            }
            drop(operations);
        });
    }

    fn may_split(&self, address: usize) -> Result<(), Errno> {
        let Some(operations) = &self.operations else { return Ok(()) };
        hook::enter(Hook::MaySplit, || operations.may_split(PageOffset::new(self.pgoff_at(address))))
    }

    /// The part from an address on, as a VMA of its own (`vm_area_dup`). The driver is told (`vm_ops->open`), and may
    /// not agree: then nothing may be mapped there.
    fn cut(&mut self, address: usize) -> Self {
        let mut upper = Self {
            number: next_number(),
            range: address..self.range.end,
            pgoff: self.pgoff_at(address),
            flags: self.flags,
            cache: self.cache,
            file: self.file.clone(),
            table: Arc::clone(&self.table),
            operations: self.operations.as_ref().map(|operations| operations.share()),
            registered: self.registered,
            is_live: false,
        };
        self.range.end = address;
        let shown = upper.shown();
        let open = |operations: &dyn Operations| hook::enter(Hook::Open, || operations.open(shown));
        upper.is_live = self.is_live && upper.operations.as_deref().is_none_or(|operations| open(operations).is_ok());
        upper
    }
}

impl Drop for Vma {
    fn drop(&mut self) {
        self.close();
    }
}

/// `PROT_*` of these flags.
pub(super) fn kernel_prot(flags: VmFlags) -> libc::c_int {
    [(VmFlags::READ, libc::PROT_READ), (VmFlags::WRITE, libc::PROT_WRITE), (VmFlags::EXEC, libc::PROT_EXEC)]
        .into_iter()
        .filter(|(flag, _)| flags.contains(*flag))
        .fold(libc::PROT_NONE, |prot, (_, bit)| prot | bit)
}

fn next_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Which hooks a driver has, of those that change what is done.
#[derive(Clone, Copy, Default)]
pub(super) struct Registered {
    pub(super) page_mkwrite: bool,
    pub(super) pfn_mkwrite: bool,
    pub(super) map_pages: bool,
    pub(super) told_of_stores: bool,
}

/// What a driver is asked in a fault. There are no large entries here, so `huge_fault` is not.
pub(super) enum Ask {
    Fault,
    PageMkwrite,
    PfnMkwrite,
    MapPages(Range<PageOffset>),
}

impl Ask {
    pub(super) fn hook(&self) -> Hook {
        match self {
            Self::Fault => Hook::Fault,
            Self::PageMkwrite => Hook::PageMkwrite,
            Self::PfnMkwrite => Hook::PfnMkwrite,
            Self::MapPages(_) => Hook::MapPages,
        }
    }
}

/// `vm_ops` and `vm_private_data` in one: a driver's state, whose type only its hooks know.
trait Operations: Send + Sync {
    fn share(&self) -> Box<dyn Operations>;
    fn state(&self) -> Arc<AnyState>;
    fn state_ref(&self) -> &AnyState;
    fn open(&self, shown: Range<PageOffset>) -> Result<(), Errno>;
    fn close(&self, shown: Range<PageOffset>);
    fn may_split(&self, at: PageOffset) -> Result<(), Errno>;
    fn registered(&self) -> Registered;
    fn hook(&self, ask: Ask) -> Option<FaultHook>;
}

struct State<V>(Arc<V>);

impl<V: VmOperations<Platform = Uffd>> Operations for State<V> {
    fn share(&self) -> Box<dyn Operations> {
        Box::new(Self(Arc::clone(&self.0)))
    }

    fn state(&self) -> Arc<AnyState> {
        Arc::clone(&self.0) as Arc<AnyState>
    }

    fn state_ref(&self) -> &AnyState {
        &*self.0
    }

    fn open(&self, shown: Range<PageOffset>) -> Result<(), Errno> {
        V::HOOKS.registered_open().map_or(Ok(()), |hook| hook(&self.0, shown))
    }

    fn close(&self, shown: Range<PageOffset>) {
        if let Some(hook) = V::HOOKS.registered_close() {
            hook(&self.0, shown);
        }
    }

    fn may_split(&self, at: PageOffset) -> Result<(), Errno> {
        V::HOOKS.registered_may_split().map_or(Ok(()), |hook| hook(&self.0, at))
    }

    fn registered(&self) -> Registered {
        Registered {
            page_mkwrite: V::HOOKS.registered_page_mkwrite().is_some(),
            pfn_mkwrite: V::HOOKS.registered_pfn_mkwrite().is_some(),
            map_pages: V::HOOKS.registered_map_pages().is_some(),
            told_of_stores: V::HOOKS.is_told_of_stores(),
        }
    }

    fn hook(&self, ask: Ask) -> Option<FaultHook> {
        let has = self.registered();
        let is_there = match ask {
            Ask::Fault => true,
            Ask::PageMkwrite => has.page_mkwrite,
            Ask::PfnMkwrite => has.pfn_mkwrite,
            Ask::MapPages(_) => has.map_pages,
        };
        if !is_there {
            return None;
        }
        // SAFETY: the copy is never dropped, so the count of references stays right; whoever runs the hook promises
        // that the VMA keeps its reference.
        let state = ManuallyDrop::new(unsafe { ptr::read(&raw const self.0) });
        let erased = Arc::into_raw(ManuallyDrop::into_inner(state)).cast::<()>();
        Some(FaultHook { ask, state: erased, serve: serve::<V> })
    }
}

/// Calls the hook of a state of type `V`.
///
/// # Safety
/// As [`FaultHook::run`], and `state` is of an `Arc<V>`.
unsafe fn serve<V: VmOperations<Platform = Uffd>>(state: *const (), ask: Ask, fault: Fault) -> FaultCode {
    // SAFETY: by this function's contract. The reference is the VMA's, and is not dropped.
    let state = ManuallyDrop::new(unsafe { Arc::from_raw(state.cast::<V>()) });
    // SAFETY: passed on from `FaultHook::run`, the only caller.
    unsafe {
        match ask {
            Ask::Fault => entry::fault::<V>(state, fault),
            Ask::PageMkwrite => entry::page_mkwrite::<V>(state, fault),
            Ask::PfnMkwrite => entry::pfn_mkwrite::<V>(state, fault),
            Ask::MapPages(window) => entry::map_pages::<V>(state, fault, window),
        }
    }
}

/// A hook that serves a fault, ready to be called without a reference into the VMA: it may give up the lock that keeps
/// the VMA.
pub(super) struct FaultHook {
    ask: Ask,
    state: *const (),
    serve: unsafe fn(*const (), Ask, Fault) -> FaultCode,
}

impl FaultHook {
    /// Calls it.
    ///
    /// # Safety
    /// `fault` is a fault of the VMA that the hook was taken from. It holds that VMA's mmap lock, for read, until it is
    /// released, and the lock has been held since the hook was taken.
    pub(super) unsafe fn run(self, fault: Fault) -> FaultCode {
        let Self { ask, state, serve } = self;
        // SAFETY: by this function's contract; the state and the function are of one type.
        hook::enter(ask.hook(), || unsafe { serve(state, ask, fault) })
    }
}

/// The VMAs of a session, in order. It is what the mmap lock protects.
#[derive(Default)]
pub(super) struct Vmas {
    by_start: BTreeMap<usize, Vma>,
}

impl Vmas {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Vma> {
        self.by_start.values()
    }

    pub(super) fn len(&self) -> usize {
        self.by_start.len()
    }

    /// The VMA that an address lies in.
    pub(super) fn find(&self, address: usize) -> Option<&Vma> {
        let (_, vma) = self.by_start.range(..=address).next_back()?;
        vma.range.contains(&address).then_some(vma)
    }

    pub(super) fn find_mut(&mut self, address: usize) -> Option<&mut Vma> {
        let (_, vma) = self.by_start.range_mut(..=address).next_back()?;
        vma.range.contains(&address).then_some(vma)
    }

    /// Adds a VMA, which overlaps no other, and links it with its object.
    pub(super) fn insert(&mut self, vma: Vma) {
        vma.file.mappings().lock().link(&vma);
        self.by_start.insert(vma.range.start, vma);
    }

    /// Cuts the VMA that an address lies in, in two, if it does not begin there.
    ///
    /// # Errors
    /// What `may_split` refuses with.
    pub(super) fn split(&mut self, address: usize) -> Result<(), Errno> {
        let Some(vma) = self.find_mut(address).filter(|vma| vma.range.start != address) else { return Ok(()) };
        vma.may_split(address)?;
        let upper = vma.cut(address);
        if !upper.is_live() {
            upper.table.zap(&upper.range);
        }
        let mut mappings = upper.file.mappings().lock();
        mappings.link(vma);
        mappings.link(&upper);
        drop(mappings);
        self.by_start.insert(address, upper);
        Ok(())
    }

    /// Takes out the VMAs that lie in a range; they have been split at its ends.
    pub(super) fn take(&mut self, range: &Range<usize>) -> Vec<Vma> {
        let starts: Vec<usize> = self.by_start.range(range.clone()).map(|(start, _)| *start).collect();
        starts.into_iter().filter_map(|start| self.by_start.remove(&start)).collect()
    }
}
