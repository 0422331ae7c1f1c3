//! The machine: memory, limits, what is counted and what goes wrong.

use std::{
    cell::Cell,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering},
    },
};

use vmctx::{Errno, MaySleep, PageCount, entry, platform::FaultFlags};
use vmctx_hosted::{Counts, Event, FrameKind, Holds, MmapOrder, Page, Report, Reports, Sharded, Traces};

use crate::{
    inject::{Injected, Injection, Injections, Site},
    memory::PhysicalMemory,
    pool::{Place, Pool},
    stats::{Counters, Statistics},
};

/// How much a machine has, and how much it puts up with.
///
/// ```
/// use vmctx::PageCount;
/// use vmctx_sim::{Limits, Machine};
///
/// let small = Machine::with_limits(Limits { frames: PageCount::new(2), ..Limits::default() });
/// let _pages = (small.alloc_page().unwrap(), small.alloc_page().unwrap());
/// assert!(small.alloc_page().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Frames of RAM: 65536 (256 MiB) by default, 4194304 (16 GiB) at most. They cost memory only once touched.
    pub frames: PageCount,
    /// Page tables of all processes together; one maps 512 pages (2 MiB), aligned. 4096 by default. Only the lowest
    /// level is counted.
    pub page_tables: usize,
    /// Mappings that one process can have (`vm.max_map_count`): 65530 by default.
    pub mappings: usize,
    /// How many times one access may be repeated with nothing changed, before it is
    /// [reported](vmctx_hosted::AccessError::RefaultsForever): 1000 by default.
    pub refaults: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { frames: PageCount::new(0x1_0000), page_tables: 4096, mappings: 65530, refaults: 1000 }
    }
}

/// A computer: physical memory, and whatever runs on it. The platform's [`Memory`](vmctx::Platform::Memory).
///
/// Clones are the same machine. Machines have nothing in common, so tests with one each do not see each other: pages
/// and frames of another machine are refused. A frame's number is never another frame's, also when its machine is gone.
/// So a program has numbers for 2^28 - 1 machines. One that is made after those has no memory:
/// [`alloc_page`](Self::alloc_page) and [`device_memory`](Self::device_memory) are ENOMEM.
#[derive(Clone)]
pub struct Machine {
    pub(crate) parts: Arc<Parts>,
}

pub(crate) struct Parts {
    limits: Limits,
    memory: PhysicalMemory,
    page_tables: AtomicUsize,
    counters: Sharded<Counters>,
    injections: Injections,
    compat: AtomicBool,
    pub(crate) pool: Pool,
    pub(crate) reports: Reports,
    pub(crate) holds: Holds,
    pub(crate) traces: Traces,
}

impl Machine {
    /// A machine with the default [`Limits`].
    #[must_use]
    pub fn new() -> Self {
        Self::with_limits(Limits::default())
    }

    /// A machine with limits of your own.
    #[must_use]
    pub fn with_limits(limits: Limits) -> Self {
        Self {
            parts: Arc::new(Parts {
                limits,
                memory: PhysicalMemory::new(limits.frames.get()),
                page_tables: AtomicUsize::new(0),
                counters: Sharded::default(),
                injections: Injections::default(),
                compat: AtomicBool::new(false),
                pool: Pool::default(),
                reports: Reports::default(),
                holds: Holds::default(),
                traces: Traces::default(),
            }),
        }
    }

    /// A fresh page of zeros, as a driver allocates one.
    ///
    /// # Errors
    /// ENOMEM when the machine's frames are all in use, or by [injection](Injection::FrameAllocation).
    #[track_caller]
    pub fn alloc_page(&self) -> Result<Page<Self>, Errno> {
        Page::alloc(self)
    }

    /// The right to sleep, for whoever sets up a device or a test. Not for hooks: their tokens give it, or do not.
    #[must_use]
    pub fn may_sleep(&self) -> MaySleep<'_> {
        self.follow_this_thread();
        // SAFETY: threads of the host may sleep.
        #[expect(unsafe_code, reason = "nothing sees what this is called from")]
        unsafe {
            entry::may_sleep()
        }
    }

    /// Orders an error. It happens once. What is given back says whether it has.
    #[expect(clippy::must_use_candidate, reason = "most tests see it by what comes of it")]
    pub fn inject(&self, injection: Injection) -> Injected {
        self.parts.injections.order(injection)
    }

    /// Cancels the errors that were ordered and have not happened.
    pub fn clear_injections(&self) {
        self.parts.injections.clear();
    }

    /// How files with a [prepare hook](vmctx::PrepareFile) are mapped from now on: as a kernel does that has such hooks,
    /// if nothing is said. A driver's test does it both ways.
    pub fn set_mmap_order(&self, order: MmapOrder) {
        self.parts.compat.store(order == MmapOrder::Compat, Ordering::Relaxed);
    }

    /// What has happened so far, and what is in use.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        let mut sum = self.counted();
        sum.frames_in_use = self.parts.memory.frames_in_use();
        sum.references = self.parts.memory.references_held();
        sum.page_tables_in_use = self.parts.page_tables.load(Ordering::Relaxed);
        sum
    }

    /// What has happened so far, without what is in use.
    fn counted(&self) -> Statistics {
        let mut sum = Statistics::default();
        for counters in self.parts.counters.all() {
            counters.add_to(&mut sum);
        }
        sum
    }

    /// What this thread does wrong from now on is reported here, and it is held here.
    pub(crate) fn follow_this_thread(&self) {
        self.parts.reports.follow_this_thread();
        self.parts.holds.follow_this_thread();
        self.parts.traces.follow_this_thread();
    }

    pub(crate) fn memory(&self) -> &PhysicalMemory {
        &self.parts.memory
    }

    /// One more page table.
    pub(crate) fn charge_page_table(&self) -> Result<(), Errno> {
        self.parts.injections.strike(Site::PageTableAllocation)?;
        let limit = self.parts.limits.page_tables;
        let more = |used: usize| (used < limit).then_some(used + 1);
        match self.parts.page_tables.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more) {
            Ok(_) => Ok(()),
            Err(_) => Err(Errno::ENOMEM),
        }
    }

    #[cold]
    fn note_watched(&self, pfn: u64, user: u64, inserted: Place) {
        if let Some(first) = self.parts.pool.insert(pfn, user, inserted, || self.memory().mappings(pfn) != 0) {
            self.parts.reports.add(Report::PageOfTwoUsers { first, second: inserted });
        }
    }

    pub(crate) fn uncharge_page_table(&self) {
        self.parts.page_tables.fetch_sub(1, Ordering::Relaxed);
    }
}

#[expect(unsafe_code, reason = "who has a reference cannot be checked here: the contracts are the trait's")]
impl vmctx_hosted::Machine for Machine {
    fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.parts, &other.parts)
    }

    fn kind(&self, pfn: u64) -> Option<FrameKind> {
        self.memory().kind(pfn)
    }

    fn are_there(&self, first: u64, count: usize) -> bool {
        self.memory().are_there(first, count)
    }

    fn zero_page(&self) -> u64 {
        self.memory().zero_page()
    }

    fn allocate(&self, anonymous: bool) -> Result<u64, Errno> {
        self.parts.injections.strike(Site::FrameAllocation)?;
        self.memory().allocate(anonymous)
    }

    fn is_anonymous(&self, pfn: u64) -> bool {
        self.memory().is_anonymous(pfn)
    }

    unsafe fn get(&self, pfn: u64) {
        self.memory().get(pfn);
    }

    fn get_unless_free(&self, pfn: u64) -> bool {
        self.memory().get_unless_free(pfn)
    }

    unsafe fn put(&self, pfn: u64) {
        self.memory().put(pfn);
    }

    fn references(&self, pfn: u64) -> usize {
        self.memory().references(pfn)
    }

    fn pages_in_use(&self) -> usize {
        self.memory().frames_in_use()
    }

    unsafe fn get_mapped(&self, pfn: u64) {
        self.memory().get_mapped(pfn);
    }

    unsafe fn put_mapped(&self, pfn: u64) {
        self.memory().put_mapped(pfn);
    }

    fn map_count(&self, pfn: u64) -> usize {
        self.memory().mappings(pfn)
    }

    #[inline]
    fn note_insertion(&self, pfn: u64, user: u64, inserted: Place) {
        if self.parts.pool.is_watched() {
            self.note_watched(pfn, user, inserted);
        }
    }

    fn lock(&self, pfn: u64) {
        self.memory().lock(pfn);
    }

    unsafe fn unlock(&self, pfn: u64) {
        self.memory().unlock(pfn);
    }

    fn read(&self, pfn: u64, offset: usize, into: &mut [u8]) -> bool {
        self.memory().read(pfn, offset, into)
    }

    fn write(&self, pfn: u64, offset: usize, from: &[u8]) -> bool {
        self.memory().write(pfn, offset, from)
    }

    fn copy(&self, from: u64, to: u64) {
        self.memory().copy(from, to);
    }

    #[inline(always)]
    fn count(&self, event: Event) {
        let (mine, alone) = self.parts.counters.mine_alone();
        mine.count(event, alone);
    }

    fn counts(&self) -> Option<Counts> {
        let counted = self.counted();
        Some(Counts {
            inserted: counted.insertions + counted.delivered,
            already_present: counted.already_present,
            handler_calls: counted.handler_calls,
            answers: counted.answers,
        })
    }

    fn reports(&self) -> Option<&Reports> {
        Some(&self.parts.reports)
    }

    fn holds(&self) -> Option<&Holds> {
        Some(&self.parts.holds)
    }

    fn traces(&self) -> Option<&Traces> {
        Some(&self.parts.traces)
    }

    #[inline]
    fn before_insertion(&self) -> Result<(), Errno> {
        self.parts.injections.strike(Site::Insertion)
    }

    fn fault_flags(&self, flags: FaultFlags) -> FaultFlags {
        let injections = &self.parts.injections;
        if injections.take(Injection::NoRetry) {
            flags.without(FaultFlags::ALLOW_RETRY)
        } else if injections.take(Injection::RetryNoWait) {
            flags | FaultFlags::RETRY_NOWAIT
        } else {
            flags
        }
    }

    fn next_fault(&self) -> u32 {
        /// How many numbers a thread takes at once.
        const BLOCK: u32 = 1 << 8;
        static NEXT: AtomicU32 = AtomicU32::new(0);
        thread_local! {
            static OF_THIS_THREAD: Cell<u32> = const { Cell::new(0) };
        }
        let serial = match OF_THIS_THREAD.get() {
            used_up if used_up % BLOCK == 0 => NEXT.fetch_add(BLOCK, Ordering::Relaxed),
            next => next,
        };
        OF_THIS_THREAD.set(serial.wrapping_add(1));
        serial
    }

    fn max_mappings(&self) -> usize {
        self.parts.limits.mappings
    }

    fn mmap_order(&self) -> MmapOrder {
        if self.parts.compat.load(Ordering::Relaxed) { MmapOrder::Compat } else { MmapOrder::Prepare }
    }

    fn before_vma(&self) -> Result<(), Errno> {
        self.parts.injections.strike(Site::VmaAllocation)
    }

    fn max_refaults(&self) -> usize {
        self.parts.limits.refaults
    }
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Machine").field("limits", &self.parts.limits).finish_non_exhaustive()
    }
}

impl Default for Machine {
    fn default() -> Self {
        Self::new()
    }
}
