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
    Errno, PageCount, PageOffset, PageProt, Platform, VmOperations, entry,
    platform::{Cache, FaultCode, VmFlags},
};

use super::{
    File, Sim,
    hook::{self, Hook},
    insert::Area,
    pagetable::PageTables,
    platform::Fault,
};

const PAGE_SHIFT: u32 = Sim::PAGE_SHIFT;

/// The first address that is not the user's (`TASK_SIZE` of x86-64).
pub(super) const TASK_SIZE: usize = 0x7fff_ffff_f000;
/// Nothing is mapped below (`vm.mmap_min_addr`).
pub(super) const MMAP_MIN: usize = 0x1_0000;
/// Mappings are placed below this, from the top down.
const MMAP_BASE: usize = 0x7f00_0000_0000;

/// One mapping.
pub(super) struct Vma {
    number: u64,
    range: Range<usize>,
    pgoff: usize,
    flags: VmFlags,
    cache: Cache,
    file: File,
    operations: Option<Box<dyn Operations>>,
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

    /// `vm_page_prot`: a private mapping starts read-only, so that the first store is seen and makes a copy.
    pub(super) fn page_prot(&self) -> PageProt {
        let prot = PageProt::of_vma(self.flags.contains(VmFlags::SHARED | VmFlags::WRITE), Cache::WriteBack);
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
        }
    }

    /// Installs the driver's state. There was none.
    pub(super) fn establish<V: VmOperations<Platform = Sim>>(&mut self, state: Arc<V>) {
        self.operations = Some(Box::new(State(state)));
    }

    pub(super) fn fault_hook(&self) -> Option<FaultHook> {
        self.operations.as_ref().map(|operations| operations.fault_hook())
    }

    /// Drops the driver's state, if there is one (`vm_ops->close`). The pages are gone already.
    pub(super) fn close(&mut self) {
        let state = self.operations.take();
        hook::enter(Hook::Close, || drop(state));
    }

    /// Asks whether the mapping may be cut at an address (`vm_ops->may_split`).
    pub(super) fn may_split(&self, address: usize) -> Result<(), Errno> {
        let Some(operations) = &self.operations else { return Ok(()) };
        hook::enter(Hook::MaySplit, || operations.may_split(PageOffset::new(self.pgoff_at(address))))
    }

    /// Another VMA with the same file and state (`vm_area_dup`), for this range and what shows there from `pgoff` on.
    pub(super) fn duplicate(&self, range: Range<usize>, pgoff: usize) -> Self {
        Self {
            number: next_number(),
            range,
            pgoff,
            flags: self.flags,
            cache: self.cache,
            file: self.file.clone(),
            operations: self.operations.as_ref().map(|operations| operations.share()),
            copied: AtomicBool::new(self.copied()),
        }
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

/// `vm_ops` and `vm_private_data` in one: a driver's state, whose type only its hooks know.
trait Operations: Send + Sync {
    fn share(&self) -> Box<dyn Operations>;
    fn may_split(&self, at: PageOffset) -> Result<(), Errno>;
    fn fault_hook(&self) -> FaultHook;
}

struct State<V>(Arc<V>);

impl<V: VmOperations<Platform = Sim>> Operations for State<V> {
    fn share(&self) -> Box<dyn Operations> {
        Box::new(Self(Arc::clone(&self.0)))
    }

    fn may_split(&self, at: PageOffset) -> Result<(), Errno> {
        V::HOOKS.registered_may_split().map_or(Ok(()), |hook| hook(&self.0, at))
    }

    fn fault_hook(&self) -> FaultHook {
        // SAFETY: the copy is never dropped, so the count of references stays right; whoever runs the hook promises
        // that the VMA keeps its reference.
        #[expect(unsafe_code, reason = "the entry point wants a bitwise copy of the VMA's reference")]
        let state = ManuallyDrop::new(unsafe { ptr::read(&raw const self.0) });
        FaultHook {
            serve: Box::new(move |fault| {
                // SAFETY: passed on from `FaultHook::run`, the only caller.
                #[expect(unsafe_code, reason = "the promise is the caller's")]
                unsafe {
                    entry::fault::<V>(state, fault)
                }
            }),
        }
    }
}

/// A mapping's fault hook, ready to be called without a reference into the VMA: the hook may give up the lock that
/// keeps the VMA.
pub(super) struct FaultHook {
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
        hook::enter(Hook::Fault, || (self.serve)(fault))
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

    /// Adds a VMA, which overlaps no other, and links it with its object.
    pub(super) fn insert(&mut self, vma: Vma, tables: &Arc<PageTables>) {
        vma.file.mappings().link(&vma, tables);
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
        let mut mappings = upper.file.mappings();
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
            vma.file.mappings().link(vma, tables);
        }
    }

    pub(super) fn find_mut(&mut self, address: usize) -> Option<&mut Vma> {
        let (_, vma) = self.by_start.range_mut(..=address).next_back()?;
        vma.range.contains(&address).then_some(vma)
    }
}
