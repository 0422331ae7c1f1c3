//! The machine: memory, limits, what is counted and what goes wrong.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering},
    },
};

use vmctx::{Errno, MaySleep, PageCount, entry, platform::FaultFlags};
use vmctx_hosted::{Counts, Event, FrameKind, Hold, Holds, MightSleep, MmapOrder, Page, Report, Reports};

use crate::{
    inject::{Injection, Injections, Site},
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
    parts: Arc<Parts>,
}

struct Parts {
    limits: Limits,
    memory: PhysicalMemory,
    page_tables: AtomicUsize,
    counters: Counters,
    injections: Injections,
    fault_serial: AtomicU32,
    compat: AtomicBool,
    pool: Pool,
    reports: Reports,
    holds: Holds,
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
                counters: Counters::default(),
                injections: Injections::default(),
                fault_serial: AtomicU32::new(0),
                compat: AtomicBool::new(false),
                pool: Pool::default(),
                reports: Reports::default(),
                holds: Holds::default(),
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

    /// Orders an error. It happens once.
    pub fn inject(&self, injection: Injection) {
        self.parts.injections.order(injection);
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
        Statistics {
            frames_in_use: self.parts.memory.frames_in_use(),
            references: self.parts.memory.references_held(),
            page_tables_in_use: self.parts.page_tables.load(Ordering::Relaxed),
            ..self.parts.counters.snapshot()
        }
    }

    /// What drivers have done wrong on this machine that had no consequences this time, in order; the same at the same
    /// places once. Drivers that are in order leave it empty. The processes'
    /// [`complaints`](vmctx_hosted::UserSide::complaints) are these reports, too, and take them away.
    ///
    /// ```
    /// use vmctx::{Platform, SpinLock};
    /// use vmctx_sim::{Machine, MightSleep, Report, Sim};
    ///
    /// let machine = Machine::new();
    /// let count = <Sim as Platform>::SpinLock::new(0, machine.may_sleep()).unwrap();
    /// let mut held = count.lock();
    /// *held += 1;
    /// let _page = machine.alloc_page();
    /// drop(held);
    /// let _page = machine.alloc_page();
    ///
    /// let reports = machine.reports();
    /// let [Report::SleptUnderSpinLock { taken, call: MightSleep::Allocation, called }] = &reports[..] else {
    ///     panic!("{reports:?}");
    /// };
    /// assert_eq!(taken.line() + 2, called.line());
    /// ```
    #[must_use]
    pub fn reports(&self) -> Vec<Report> {
        self.parts.reports.all()
    }

    /// Holds the next other thread of this machine's that comes to such a call, before it makes the call, with all the
    /// locks that it has: so that a test decides what happens meanwhile. It goes on when the value is dropped.
    ///
    /// Here a driver looks whether its memory is there, and inserts it without a lock in between:
    ///
    /// ```
    /// use std::{
    ///     sync::atomic::{AtomicBool, Ordering},
    ///     thread,
    /// };
    /// use vmctx::{Errno, FaultCtx, Mapped, Mixed, MmapCtx, MmapFile, PageCount, PageOffset, VmFault, VmOperations};
    /// use vmctx_sim::{Machine, Map, MightSleep, Page, Ref, Sim};
    ///
    /// struct Naive {
    ///     page: Page,
    ///     revoked: AtomicBool,
    /// }
    ///
    /// impl VmOperations for Naive {
    ///     type Platform = Sim;
    ///     type Kind = Mixed;
    ///
    ///     fn fault<'f>(&'f self, ctx: FaultCtx<'f, Sim, Mixed>) -> VmFault<'f> {
    ///         if self.revoked.load(Ordering::SeqCst) {
    ///             return ctx.fail(Errno::EIO);
    ///         }
    ///         ctx.insert_page(&self.page)
    ///     }
    /// }
    /// # struct Device(Ref<Naive>);
    /// # impl MmapFile for Device {
    /// #     type Platform = Sim;
    /// #     fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Sim>) -> Result<Mapped<'m>, Errno> {
    /// #         Ok(ctx.writable().establish_shared(self.0.clone())?.fill_later())
    /// #     }
    /// # }
    ///
    /// let machine = Machine::new();
    /// let state = Ref::new(Naive { page: machine.alloc_page().unwrap(), revoked: AtomicBool::new(false) });
    /// let file = machine.open(Device(state.clone()));
    /// let process = machine.process();
    /// let at = process.mmap(&file, Map::shared(4096)).unwrap();
    ///
    /// let hold = machine.hold(MightSleep::Insertion);
    /// thread::scope(|scope| {
    ///     let load = scope.spawn(|| process.thread().read_u8(at));
    ///     hold.reached();
    ///     state.revoked.store(true, Ordering::SeqCst);
    ///     file.unmap_mapping_range(PageOffset::ZERO, PageCount::ZERO, true);
    ///     hold.go_on();
    ///     load.join().unwrap().unwrap();
    /// });
    /// assert_eq!(process.mapped_pages(at, 4096), PageCount::new(1), "the bug: revoked, and mapped");
    /// ```
    pub fn hold(&self, call: MightSleep) -> Hold {
        self.parts.holds.hold(call)
    }

    /// These pages are of a driver's pool, which gives each of them to one user at a time: to the mappings of one state.
    /// From now on it is [reported](Report::PageOfTwoUsers) if one is inserted for a user while another has it mapped.
    ///
    /// A driver whose pool is of [`UniquePage`](vmctx::UniquePage) cannot do that.
    pub fn watch_pool(&self, pages: &[Page<Self>]) {
        self.parts.pool.watch(pages.iter().map(Page::pfn));
    }

    /// What this thread does wrong from now on is reported here, and it is held here.
    pub(crate) fn follow_this_thread(&self) {
        self.parts.reports.follow_this_thread();
        self.parts.holds.follow_this_thread();
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

    unsafe fn count_mapping(&self, pfn: u64, comes: bool) {
        self.memory().count_mapping(pfn, comes);
    }

    fn map_count(&self, pfn: u64) -> usize {
        self.memory().mappings(pfn)
    }

    fn note_insertion(&self, pfn: u64, user: u64, inserted: Place) {
        if let Some(first) = self.parts.pool.insert(pfn, user, inserted, || self.memory().mappings(pfn) != 0) {
            self.parts.reports.add(Report::PageOfTwoUsers { first, second: inserted });
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

    #[inline]
    fn count(&self, event: Event) {
        self.parts.counters.count(event);
    }

    fn counts(&self) -> Option<Counts> {
        let counted = self.statistics();
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
        self.parts.fault_serial.fetch_add(1, Ordering::Relaxed)
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
