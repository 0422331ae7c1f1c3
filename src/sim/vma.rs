//! Mappings of one address space: `vm_area_struct`, and the ordered map of them.

use std::{
    collections::BTreeMap,
    mem::ManuallyDrop,
    ops::Range,
    ptr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use crate::{
    Errno, HugeSize, PageCount, PageOffset, PageProt, Platform, VmOperations, entry,
    platform::{Cache, FaultCode, VmFlags},
};

use super::{
    File, Sim,
    established::AnyState,
    hook::{self, Hook},
    insert::Area,
    pagetable::{LEAF_SPAN, PageTables},
    platform::Fault,
};

const PAGE_SHIFT: u32 = Sim::PAGE_SHIFT;

/// The first address that is not the user's (`TASK_SIZE` of x86-64).
pub(super) const TASK_SIZE: usize = 0x7fff_ffff_f000;
/// Nothing is mapped below (`vm.mmap_min_addr`).
pub(super) const MMAP_MIN: usize = 0x1_0000;
/// Mappings are placed below this, from the top down.
const MMAP_BASE: usize = 0x7f00_0000_0000;

/// What the driver's open and close hooks know of a VMA.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Life {
    /// It is being made by mmap. If that fails, there was none.
    New,
    Live,
    /// The open hook has failed: nothing is mapped, and nothing ever will be.
    Dead,
}

/// One mapping.
pub(super) struct Vma {
    number: u64,
    range: Range<usize>,
    pgoff: usize,
    flags: VmFlags,
    cache: Cache,
    file: File,
    operations: Option<Box<dyn Operations>>,
    life: Life,
    // Whether there may be private copies (`anon_vma`). Set under the mmap lock held for read.
    copied: AtomicBool,
}

impl Vma {
    pub(super) fn new(range: Range<usize>, pgoff: usize, flags: VmFlags, file: File) -> Self {
        Self {
            number: next_number(),
            range,
            pgoff,
            flags,
            cache: Cache::WriteBack,
            file,
            operations: None,
            life: Life::New,
            copied: AtomicBool::new(false),
        }
    }

    /// Its name among the mappings of its object; changes with nothing.
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

    pub(super) fn copied(&self) -> bool {
        self.copied.load(Ordering::Relaxed)
    }

    pub(super) fn set_copied(&self) {
        self.copied.store(true, Ordering::Relaxed);
    }

    /// The part of the object that shows.
    fn shown(&self) -> Range<PageOffset> {
        PageOffset::new(self.pgoff)..PageOffset::new(self.pgoff + self.pages())
    }

    /// Which optional hooks the driver has.
    pub(super) fn registered(&self) -> Registered {
        self.operations.as_ref().map_or(Registered::default(), |operations| operations.registered())
    }

    /// `vm_page_prot`: a private mapping starts read-only, so that the first store is seen and makes a copy; and so does
    /// a shared one whose driver is told of first stores (`vma_wants_writenotify`).
    pub(super) fn page_prot(&self) -> PageProt {
        let writable = self.flags.contains(VmFlags::SHARED | VmFlags::WRITE) && !self.registered().told_of_stores;
        let prot = PageProt::of_vma(writable, Cache::WriteBack);
        match self.cache {
            Cache::WriteBack => prot,
            Cache::WriteCombine => prot.write_combine(),
            Cache::Noncached => prot.noncached(),
        }
    }

    /// Whether the user may read: any protection but `PROT_NONE` allows that, as on x86.
    pub(super) fn is_accessible(&self) -> bool {
        self.flags.intersects(VmFlags::READ | VmFlags::WRITE | VmFlags::EXEC)
    }

    pub(super) fn allows(&self, write: bool) -> bool {
        if write { self.flags.contains(VmFlags::WRITE) } else { self.is_accessible() }
    }

    /// Where its driver may insert.
    pub(super) fn area(&self, tables: &Arc<PageTables>) -> Area {
        Area {
            tables: Arc::clone(tables),
            range: self.range(),
            flags: self.flags,
            prot: self.page_prot(),
            accessible: self.is_accessible(),
            makes_tables: true,
            told_of_frames: self.registered().pfn_mkwrite,
        }
    }

    /// Installs the driver's state. There was none.
    pub(super) fn establish<V: VmOperations<Platform = Sim>>(&mut self, state: Arc<V>) {
        self.operations = Some(Box::new(State(state)));
    }

    /// The mmap hook has made it.
    pub(super) fn begin(&mut self) {
        self.life = Life::Live;
    }

    /// Whether its driver has agreed to it: not a copy whose open hook has failed.
    pub(super) fn is_live(&self) -> bool {
        self.life == Life::Live
    }

    /// One of the driver's hooks, if it is there.
    pub(super) fn hook(&self, ask: Ask) -> Option<FaultHook> {
        self.operations.as_ref()?.hook(ask)
    }

    /// The driver's state, if there is one.
    pub(super) fn state(&self) -> Option<Arc<AnyState>> {
        self.operations.as_ref().map(|operations| operations.state())
    }

    /// The driver's state, if it is a `V`.
    pub(super) fn state_as<V: 'static>(&self) -> Option<&V> {
        self.operations.as_ref()?.state_ref().downcast_ref()
    }

    /// Whether this is the VMA's state.
    pub(super) fn has_state(&self, state: *const AnyState) -> bool {
        self.operations.as_ref().is_some_and(|operations| ptr::addr_eq(operations.state_ref(), state))
    }

    /// Tells the driver that the VMA goes (`vm_ops->close`), if it was told that it came, and drops its state. The pages
    /// are gone already.
    pub(super) fn close(&mut self) {
        let Some(operations) = self.operations.take() else { return };
        hook::enter(Hook::Close, || {
            if self.is_live() {
                operations.close(self.shown());
            }
            drop(operations);
        });
    }

    /// Asks whether the mapping may be cut at an address (`vm_ops->may_split`).
    pub(super) fn may_split(&self, address: usize) -> Result<(), Errno> {
        let Some(operations) = &self.operations else { return Ok(()) };
        hook::enter(Hook::MaySplit, || operations.may_split(PageOffset::new(self.pgoff_at(address))))
    }

    /// Another VMA with the same file and state (`vm_area_dup`), for this range and what shows there from `pgoff` on. The
    /// driver is told (`vm_ops->open`), and may not agree: then nothing may be mapped there.
    pub(super) fn duplicate(&self, range: Range<usize>, pgoff: usize) -> Self {
        let mut twin = Self {
            number: next_number(),
            range,
            pgoff,
            flags: self.flags,
            cache: self.cache,
            file: self.file.clone(),
            operations: self.operations.as_ref().map(|operations| operations.share()),
            life: Life::Dead,
            copied: AtomicBool::new(self.copied()),
        };
        let open = |operations: &dyn Operations| hook::enter(Hook::Open, || operations.open(twin.shown()));
        if self.is_live() && twin.operations.as_deref().is_none_or(|operations| open(operations).is_ok()) {
            twin.life = Life::Live;
        }
        twin
    }
}

impl Drop for Vma {
    fn drop(&mut self) {
        self.close();
    }
}

fn next_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Which hooks a driver has, of those that Linux looks for.
#[derive(Clone, Copy, Default)]
pub(super) struct Registered {
    pub(super) page_mkwrite: bool,
    pub(super) pfn_mkwrite: bool,
    pub(super) huge_fault: bool,
    pub(super) map_pages: bool,
    /// `vm_ops_needs_writenotify`
    pub(super) told_of_stores: bool,
}

/// What a driver is asked in a fault.
pub(super) enum Ask {
    Fault,
    PageMkwrite,
    PfnMkwrite,
    HugeFault(HugeSize),
    MapPages(Range<PageOffset>),
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

impl<V: VmOperations<Platform = Sim>> Operations for State<V> {
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
            huge_fault: V::HOOKS.registered_huge_fault().is_some(),
            map_pages: V::HOOKS.registered_map_pages().is_some(),
            told_of_stores: V::HOOKS.is_told_of_stores(),
        }
    }

    fn hook(&self, ask: Ask) -> Option<FaultHook> {
        let has = self.registered();
        let (hook, is_there) = match ask {
            Ask::Fault => (Hook::Fault, true),
            Ask::PageMkwrite => (Hook::PageMkwrite, has.page_mkwrite),
            Ask::PfnMkwrite => (Hook::PfnMkwrite, has.pfn_mkwrite),
            Ask::HugeFault(_) => (Hook::HugeFault, has.huge_fault),
            Ask::MapPages(_) => (Hook::MapPages, has.map_pages),
        };
        // SAFETY: the copy is never dropped, so the count of references stays right; whoever runs the hook promises
        // that the VMA keeps its reference.
        #[expect(unsafe_code, reason = "the entry points want a bitwise copy of the VMA's reference")]
        let state = ManuallyDrop::new(unsafe { ptr::read(&raw const self.0) });
        // SAFETY: passed on from `FaultHook::run`, the only caller.
        #[expect(unsafe_code, reason = "the promise is the caller's")]
        let serve = move |fault| unsafe {
            match ask {
                Ask::Fault => entry::fault::<V>(state, fault),
                Ask::PageMkwrite => entry::page_mkwrite::<V>(state, fault),
                Ask::PfnMkwrite => entry::pfn_mkwrite::<V>(state, fault),
                Ask::HugeFault(size) => entry::huge_fault::<V>(state, fault, size),
                Ask::MapPages(window) => entry::map_pages::<V>(state, fault, window),
            }
        };
        is_there.then(|| FaultHook { hook, serve: Box::new(serve) })
    }
}

/// A hook that serves a fault, ready to be called without a reference into the VMA: it may give up the lock that keeps
/// the VMA.
pub(super) struct FaultHook {
    hook: Hook,
    serve: Box<dyn FnOnce(Fault) -> FaultCode>,
}

impl FaultHook {
    /// Calls it.
    ///
    /// # Safety
    /// `fault` is a fault of the VMA that the hook was taken from. It holds that VMA's mmap lock, for read, until it is
    /// released, and the lock has been held since the hook was taken.
    #[expect(unsafe_code, reason = "the lock cannot be checked here")]
    pub(super) unsafe fn run(self, fault: Fault) -> FaultCode {
        hook::enter(self.hook, || (self.serve)(fault))
    }
}

/// The VMAs of one address space, in order. It is what the mmap lock protects.
#[derive(Default)]
pub(super) struct Vmas {
    by_start: BTreeMap<usize, Vma>,
}

impl Vmas {
    pub(super) fn len(&self) -> usize {
        self.by_start.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Vma> {
        self.by_start.values()
    }

    /// The VMA that an address lies in.
    pub(super) fn find(&self, address: usize) -> Option<&Vma> {
        let (_, vma) = self.by_start.range(..=address).next_back()?;
        vma.range.contains(&address).then_some(vma)
    }

    /// The first VMA that ends behind an address (`find_vma`).
    pub(super) fn find_behind(&self, address: usize) -> Option<&Vma> {
        self.find(address).or_else(|| self.by_start.range(address..).next().map(|(_, vma)| vma))
    }

    /// The first VMA that has something of a range.
    pub(super) fn intersecting(&self, range: &Range<usize>) -> Option<&Vma> {
        self.find_behind(range.start).filter(|vma| vma.range.start < range.end)
    }

    /// Where to put a new mapping: as high as possible below the last one (`get_unmapped_area`).
    pub(super) fn find_gap(&self, len: usize) -> Result<usize, Errno> {
        let mut end = MMAP_BASE;
        for vma in self.by_start.values().rev() {
            if vma.range.end <= end && end - vma.range.end >= len {
                break;
            }
            end = end.min(vma.range.start);
        }
        match end.checked_sub(len) {
            Some(start) if start >= MMAP_MIN => Ok(start),
            _ => Err(Errno::ENOMEM),
        }
    }

    /// The same, with addresses and the object's offsets alike modulo what a huge entry maps, if that can be worth it
    /// (`thp_get_unmapped_area`).
    pub(super) fn find_aligned_gap(&self, len: usize, pgoff: usize) -> Result<usize, Errno> {
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

    /// Adds a VMA, which overlaps no other, and links it with its object.
    pub(super) fn insert(&mut self, vma: Vma, tables: &Arc<PageTables>) {
        vma.file.mappings().lock().link(&vma, tables);
        self.put(vma);
    }

    /// Adds a VMA, which overlaps no other and has been linked.
    pub(super) fn put(&mut self, vma: Vma) {
        self.by_start.insert(vma.range.start, vma);
    }

    /// Cuts the VMA that an address lies in, in two, if it does not begin there.
    ///
    /// # Errors
    /// What `may_split` refuses with; ENOMEM if there are `limit` mappings already.
    pub(super) fn split(&mut self, address: usize, limit: usize, tables: &Arc<PageTables>) -> Result<(), Errno> {
        let count = self.by_start.len();
        let Some(vma) = self.find_mut(address) else { return Ok(()) };
        if vma.range.start == address {
            return Ok(());
        }
        if count >= limit {
            return Err(Errno::ENOMEM);
        }
        vma.may_split(address)?;
        let upper = vma.duplicate(address..vma.range.end, vma.pgoff_at(address));
        vma.range.end = address;
        tables.split_huge(address);
        if !upper.is_live() {
            tables.zap(upper.range(), true);
        }
        let mut mappings = upper.file.mappings().lock();
        mappings.link(vma, tables);
        mappings.link(&upper, tables);
        drop(mappings);
        self.by_start.insert(address, upper);
        Ok(())
    }

    /// Takes out the VMAs that lie in a range; they have been split at its ends.
    pub(super) fn take(&mut self, range: &Range<usize>) -> Vec<Vma> {
        let starts: Vec<usize> = self.by_start.range(range.clone()).map(|(start, _)| *start).collect();
        starts.into_iter().filter_map(|start| self.by_start.remove(&start)).collect()
    }

    /// Makes the VMA that begins there longer.
    pub(super) fn extend(&mut self, start: usize, by: PageCount, tables: &Arc<PageTables>) {
        if let Some(vma) = self.by_start.get_mut(&start) {
            vma.range.end += by.get() << PAGE_SHIFT;
            vma.file.mappings().lock().link(vma, tables);
        }
    }

    pub(super) fn find_mut(&mut self, address: usize) -> Option<&mut Vma> {
        let (_, vma) = self.by_start.range_mut(..=address).next_back()?;
        vma.range.contains(&address).then_some(vma)
    }
}
