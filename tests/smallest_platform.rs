//! A platform that implements what it must and nothing else: pages can be inserted and handed back. What drivers of
//! frames, large entries, memory that moves and established mappings see on it is what [`Platform`] says.

#![expect(unsafe_code, reason = "a platform")]
#![expect(clippy::expect_used, reason = "a test fails by panicking, in its helpers too")]

use std::{
    any::Any,
    cell::{Cell, RefCell},
    collections::BTreeMap,
    marker::PhantomData,
    ops::Range,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use vmctx::{
    AccessCtx, Accessed, ByPrepare, Direction, Errno, FaultCtx, Frame, FrameRange, FrameSource, Hooks, HugeFaultCtx,
    HugeSize, Iomem, Kind, MapPagesCtx, Mapped, MaySleep, Mixed, MmapCtx, MmapFile, Normal, OutOfFrames, OutOfPage,
    PageCount, PageOffset, PageRange, PageRef, PfnMap, Platform, Prefault, PrepareCtx, PrepareFile, Prepared, Release,
    Remapped, SharedObject, UserAddr, VmFault, VmOperations, WaitQueue as _, WithoutFaults,
    entry::{self, Description},
    kind::FilledLater,
    platform::{AccessBuffer, AccessedVma, FaultCode, FaultFlags, VmFlags},
};
use vmctx_sim::Sim;

/// The platform.
enum Small {}

/// A page whose bytes nobody looks at, and its lock.
#[derive(Clone, Debug)]
struct SmallPage(Arc<AtomicBool>);

impl SmallPage {
    fn new() -> Self {
        Self(Arc::new(AtomicBool::new(false)))
    }

    fn lock(&self) {
        while self.0.swap(true, Ordering::Acquire) {
            thread::yield_now();
        }
    }

    fn unlock(&self) {
        self.0.store(false, Ordering::Release);
    }
}

impl PageRef for SmallPage {
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), OutOfPage> {
        Err(OutOfPage { offset, len: into.len() })
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), OutOfPage> {
        Err(OutOfPage { offset, len: from.len() })
    }
}

/// Frames that a driver has and this platform cannot map.
#[derive(Clone)]
struct Bar;

// SAFETY: nothing maps these frames.
unsafe impl FrameSource for Bar {
    type Platform = Small;

    fn base(&self) -> u64 {
        0
    }

    fn count(&self) -> PageCount {
        HugeSize::Pmd.page_count(Small::PAGE_SHIFT)
    }
}

impl Iomem for Bar {
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), OutOfFrames> {
        Err(OutOfFrames { offset, len: into.len() })
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), OutOfFrames> {
        Err(OutOfFrames { offset, len: from.len() })
    }
}

fn one_frame() -> Frame<'static, Small> {
    Bar.frame(PageOffset::ZERO).expect("the first of many")
}

fn all_frames() -> FrameRange<'static, Small> {
    Bar.range(PageOffset::ZERO, Bar.count()).expect("as many as there are")
}

/// What is mapped at which address.
type Table = BTreeMap<usize, SmallPage>;

fn insert(table: &mut Table, address: usize, page: &SmallPage) -> Result<(), Errno> {
    assert_eq!(address % PAGE, 0, "a page is inserted at a page's address");
    if table.contains_key(&address) {
        return Err(Errno::EBUSY);
    }
    table.insert(address, page.clone());
    Ok(())
}

const PAGE: usize = Small::PAGE_SIZE;
/// The mapping: as long as a large entry, so that there could be one.
const RANGE: Range<usize> = 0x4000_0000..0x4020_0000;

struct SmallVma {
    flags: VmFlags,
    table: Table,
    state: Option<Arc<dyn Any + Send + Sync>>,
}

#[derive(Default)]
struct SmallFault {
    flags: FaultFlags,
    table: RefCell<Table>,
    delivered: Cell<Option<SmallPage>>,
}

/// What there are none of here.
#[derive(Clone)]
enum Never {}

// SAFETY: a VMA and a fault are made in this file and live as long as the hook that is called with them; a table holds
// what was inserted, and is dropped before the state.
unsafe impl Platform for Small {
    const PAGE_SHIFT: u32 = 12;
    type Page = SmallPage;
    type Memory = ();
    type Iomem = Bar;
    type WaitQueue = <Sim as Platform>::WaitQueue;
    type RwLock<T: Send + Sync + 'static> = <Sim as Platform>::RwLock<T>;
    type Mutex<T: Send + 'static> = <Sim as Platform>::Mutex<T>;
    type SpinLock<T: Send + 'static> = <Sim as Platform>::SpinLock<T>;
    type Object = Never;
    type Handle = ();
    type Caller = ();
    // Which addresses were zapped.
    type EstablishedVma = RefCell<Vec<Range<usize>>>;
    type Ref<T: Send + Sync + 'static> = Arc<T>;
    type Vma = SmallVma;
    type Fault = SmallFault;

    fn share<T: Send + Sync + 'static>(value: T, _: MaySleep<'_>) -> Result<Arc<T>, Errno> {
        Ok(Arc::new(value))
    }

    fn page_pfn(_: &SmallPage) -> u64 {
        0
    }

    fn unmap_mapping_range(mappings: &Never, _: PageOffset, _: PageCount, _: MaySleep<'_>) {
        match *mappings {}
    }

    fn vma_range(_: &SmallVma) -> Range<usize> {
        RANGE
    }

    fn vma_pgoff(_: &SmallVma) -> PageOffset {
        PageOffset::ZERO
    }

    fn vma_flags(vma: &SmallVma) -> VmFlags {
        vma.flags
    }

    fn vma_change_flags(vma: &mut SmallVma, set: VmFlags, clear: VmFlags) {
        vma.flags = (vma.flags | set).without(clear);
    }

    fn establish<V: VmOperations<Platform = Self>>(vma: &mut SmallVma, state: Arc<V>) -> Result<(), Errno> {
        if !vma.flags.intersects(VmFlags::SPECIAL) {
            return Err(Errno::EINVAL);
        }
        vma.state = Some(state);
        Ok(())
    }

    fn vm_insert_page(vma: &mut SmallVma, address: usize, page: &SmallPage) -> Result<(), Errno> {
        insert(&mut vma.table, address, page)
    }

    // With all its bits, as Linux has it.
    fn fault_address(_: &SmallFault) -> usize {
        RANGE.start + 5
    }

    fn fault_pgoff(_: &SmallFault) -> PageOffset {
        PageOffset::ZERO
    }

    fn fault_flags(fault: &SmallFault) -> FaultFlags {
        FaultFlags::USER | fault.flags
    }

    fn fault_vma_range(_: &SmallFault) -> Range<usize> {
        RANGE
    }

    fn fault_vma_pgoff(_: &SmallFault) -> PageOffset {
        PageOffset::ZERO
    }

    fn fault_vma_flags(_: &SmallFault) -> VmFlags {
        VmFlags::READ | VmFlags::SHARED | VmFlags::MAYSHARE
    }

    fn vmf_insert_page(fault: &SmallFault, address: usize, page: &SmallPage) -> FaultCode {
        FaultCode::from_insertion(insert(&mut fault.table.borrow_mut(), address, page))
    }

    fn deliver(fault: &SmallFault, page: SmallPage) {
        fault.delivered.set(Some(page));
    }

    fn lock_page(_: &SmallFault, page: &SmallPage) {
        page.lock();
    }

    fn unlock_page(_: &SmallFault, page: &SmallPage) {
        page.unlock();
    }

    fn release(_: &SmallFault) {}

    fn fault_page(_: &SmallFault) -> SmallPage {
        SmallPage::new()
    }

    fn caller_lock_page((): &(), page: &SmallPage) {
        page.lock();
    }

    fn caller_unlock_page((): &(), page: &SmallPage) {
        page.unlock();
    }

    fn established_zap(vma: &Self::EstablishedVma, addresses: Range<usize>) {
        vma.borrow_mut().push(addresses);
    }
}

fn may_sleep<'a>() -> MaySleep<'a> {
    // SAFETY: a test may sleep.
    unsafe { entry::may_sleep() }
}

/// A file with this mmap hook.
struct File(for<'m> fn(MmapCtx<'m, Small>) -> Result<Mapped<'m>, Errno>);

impl MmapFile for File {
    type Platform = Small;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Small>) -> Result<Mapped<'m>, Errno> {
        (self.0)(ctx)
    }
}

fn mmap(hook: for<'m> fn(MmapCtx<'m, Small>) -> Result<Mapped<'m>, Errno>) -> Result<Table, Errno> {
    let flags = VmFlags::READ | VmFlags::SHARED | VmFlags::MAYREAD | VmFlags::MAYSHARE;
    let mut vma = SmallVma { flags, table: Table::new(), state: None };
    // SAFETY: nobody else has this VMA.
    let mapped = unsafe { entry::mmap(&File(hook), &mut vma) };
    mapped.map(|()| vma.table)
}

/// What a mmap with this hook fails with.
fn refused(hook: for<'m> fn(MmapCtx<'m, Small>) -> Result<Mapped<'m>, Errno>) -> Errno {
    mmap(hook).expect_err("a mapping of what the platform has not")
}

fn three_pages() -> [SmallPage; 3] {
    [SmallPage::new(), SmallPage::new(), SmallPage::new()]
}

/// A mapping of this kind with this fault hook.
struct State<M: Kind>(for<'f> fn(FaultCtx<'f, Small, M>) -> VmFault<'f>);

impl<M: Kind> VmOperations for State<M> {
    type Platform = Small;
    type Kind = M;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Small, M>) -> VmFault<'f> {
        (self.0)(ctx)
    }
}

fn fault<M: Kind>(hook: for<'f> fn(FaultCtx<'f, Small, M>) -> VmFault<'f>) -> FaultCode {
    fault_with(FaultFlags::NONE, hook)
}

fn fault_with<M: Kind>(flags: FaultFlags, hook: for<'f> fn(FaultCtx<'f, Small, M>) -> VmFault<'f>) -> FaultCode {
    // SAFETY: the fault is served here, of a mapping with this state.
    unsafe { entry::fault::<State<M>>(&Arc::new(State(hook)), SmallFault { flags, ..SmallFault::default() }) }
}

/// G12: a locked page that is not handed back is unlocked when it is dropped.
#[test]
fn a_page_that_is_dropped_is_unlocked() {
    let code = fault::<Normal>(|ctx| {
        let page = SmallPage::new();
        drop(ctx.lock_page(&page));
        let was_locked = page.0.load(Ordering::SeqCst);
        assert!(!was_locked, "still locked");
        ctx.deliver(page)
    });
    assert_eq!(code, FaultCode::NONE);
}

/// G12: the lock is given up once, and of nobody who must not wait.
#[test]
fn a_lock_is_given_up_where_the_fault_may_be_retried() {
    let released = |flags: FaultFlags| {
        fault_with::<Mixed>(flags, |ctx| match ctx.release() {
            Release::Released(released) => released.retry(),
            Release::NoWait(answer) => answer,
            Release::Keep(ctx) => ctx.fail(Errno::EBUSY),
        })
    };
    let may_retry = FaultFlags::ALLOW_RETRY;
    assert_eq!(released(FaultFlags::NONE), FaultCode::SIGBUS);
    assert_eq!(released(may_retry), FaultCode::RETRY);
    assert_eq!(released(may_retry | FaultFlags::TRIED), FaultCode::SIGBUS);
    let kept = |flags: FaultFlags| {
        fault_with::<Mixed>(flags, |ctx| match ctx.release() {
            Release::NoWait(answer) => answer,
            Release::Released(released) => {
                let _retry = released.retry();
                unreachable!("a lock that must not be given up")
            }
            Release::Keep(ctx) => ctx.fail(Errno::EBUSY),
        })
    };
    assert_eq!(kept(may_retry | FaultFlags::RETRY_NOWAIT), FaultCode::RETRY);
    assert_eq!(kept(may_retry | FaultFlags::RETRY_NOWAIT | FaultFlags::TRIED), FaultCode::SIGBUS);
}

#[test]
fn a_driver_of_pages_lacks_nothing() {
    let full = mmap(|ctx| {
        let mut ctx = ctx.writable().without_faults::<Mixed>()?;
        while !ctx.is_full() {
            ctx = ctx.insert_page(&SmallPage::new())?;
        }
        ctx.finish()
    });
    assert_eq!(full.map(|table| table.len()), Ok(RANGE.len() / PAGE));
    assert_eq!(fault::<Mixed>(|ctx| ctx.insert_page(&SmallPage::new())), FaultCode::NOPAGE);
    assert_eq!(fault::<Normal>(|ctx| ctx.deliver(SmallPage::new())), FaultCode::NONE);
    let locked = fault::<Normal>(|ctx| {
        let page = ctx.lock_page(&SmallPage::new());
        ctx.deliver_locked(page)
    });
    assert_eq!(locked, FaultCode::LOCKED);
}

#[test]
fn pages_come_from_elsewhere_and_faults_do_not_wait() {
    assert_eq!(Small::alloc_page(&(), may_sleep()).err(), Some(Errno::ENOSYS));
    let queue = <Sim as Platform>::WaitQueue::new(may_sleep()).unwrap();
    assert_eq!(Small::wait(&SmallFault::default(), &queue, 0), Err(Errno::ENOSYS));
    assert!(!Small::fault_page_prot(&SmallFault::default()).is_writable(), "the mapping is not");
}

#[test]
fn many_pages_go_in_one_after_the_other() {
    let table = mmap(|ctx| Ok(ctx.writable().without_faults::<Mixed>()?.insert_pages(&three_pages())?.fill_later()));
    let addresses: Vec<usize> = table.unwrap_or_default().into_keys().collect();
    assert_eq!(addresses, [RANGE.start, RANGE.start + PAGE, RANGE.start + 2 * PAGE]);

    // At mmap the first that cannot go in is the end, and those before it are counted.
    let mut vma = SmallVma { flags: VmFlags::MIXEDMAP, table: Table::new(), state: None };
    assert_eq!(Small::vm_insert_page(&mut vma, RANGE.start + PAGE, &SmallPage::new()), Ok(()));
    assert_eq!(Small::vm_insert_pages(&mut vma, RANGE.start, &three_pages()), Err((Errno::EBUSY, 1)));

    // Around a fault those behind it go in all the same.
    let code = fault::<Mixed>(|mut ctx| {
        for (first, filled) in [(1, 1), (5, 6), (9, 11)] {
            assert_eq!(ctx.prefault_page(PageOffset::new(filled), &SmallPage::new()), Prefault::Inserted);
            assert_eq!(ctx.prefault_pages(PageOffset::new(first), &three_pages()), PageCount::new(2));
        }
        ctx.insert_page(&SmallPage::new())
    });
    assert_eq!(code, FaultCode::NOPAGE);
}

#[test]
fn frames_are_enosys_at_mmap() {
    assert_eq!(
        refused(|ctx| ctx.writable().without_faults::<PfnMap>()?.insert_pfn(one_frame())?.finish()),
        Errno::ENOSYS
    );
    assert_eq!(refused(|ctx| ctx.writable().without_faults::<PfnMap>()?.remap(all_frames())?.finish()), Errno::ENOSYS);
    assert_eq!(
        refused(|ctx| ctx.writable().without_faults::<Remapped>()?.remap_from_first(all_frames())),
        Errno::ENOSYS
    );
    assert_eq!(refused(|ctx| ctx.writable().without_faults::<Remapped>()?.remap_at_pgoff(all_frames())), Errno::ENOSYS);
    assert_eq!(
        refused(|ctx| ctx.writable().without_faults::<Mixed>()?.insert_mixed(one_frame())?.finish()),
        Errno::ENOSYS
    );
    assert_eq!(refused(|ctx| ctx.writable().without_faults::<Mixed>()?.insert_zero_page()?.finish()), Errno::ENOSYS);
}

#[test]
fn frames_are_a_sigbus_in_a_fault() {
    assert_eq!(fault::<PfnMap>(|ctx| ctx.insert_pfn(one_frame())), FaultCode::SIGBUS);
    let recached = fault::<PfnMap>(|ctx| {
        let prot = ctx.page_prot().noncached();
        ctx.insert_pfn_prot(one_frame(), prot)
    });
    assert_eq!(recached, FaultCode::SIGBUS);
    assert_eq!(fault::<Mixed>(|ctx| ctx.insert_mixed(one_frame())), FaultCode::SIGBUS);
    assert_eq!(fault::<Mixed>(|ctx| ctx.insert_mixed_mkwrite(one_frame())), FaultCode::SIGBUS);
    assert_eq!(fault::<Mixed>(|ctx| ctx.insert_zero_page()), FaultCode::SIGBUS);
}

#[test]
fn frames_around_a_fault_are_refused() {
    let code = fault::<PfnMap>(|mut ctx| {
        assert_eq!(ctx.prefault_pfn(PageOffset::new(1), one_frame()), Prefault::Refused);
        ctx.fail(Errno::ENXIO)
    });
    assert_eq!(code, FaultCode::SIGBUS);
    let code = fault::<Mixed>(|mut ctx| {
        assert_eq!(ctx.prefault_mixed(PageOffset::new(1), one_frame()), Prefault::Refused);
        ctx.insert_page(&SmallPage::new())
    });
    assert_eq!(code, FaultCode::NOPAGE);
}

/// A driver of large entries, which maps what is at hand, too.
struct Large;

impl Large {
    fn huge_fault<'f>(&'f self, ctx: HugeFaultCtx<'f, Small, Mixed>) -> VmFault<'f> {
        let mut is_asked = false;
        let answer = ctx.insert_huge_with(|_, entry| {
            is_asked = true;
            entry.in_extent(entry.range().start, all_frames())
        });
        assert!(is_asked, "all of the entry lies in the mapping");
        answer
    }

    fn map_pages<'f>(&'f self, mut ctx: MapPagesCtx<'f, Small, Mixed>) -> VmFault<'f> {
        assert_eq!(ctx.prefault_page(ctx.pgoff(), &SmallPage::new()), Prefault::Refused);
        assert_eq!(ctx.prefault_mixed(ctx.pgoff(), one_frame()), Prefault::Refused);
        ctx.finish()
    }
}

impl VmOperations for Large {
    type Platform = Small;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.huge_fault(Self::huge_fault).map_pages(Self::map_pages);
}

#[test]
fn a_large_entry_falls_back() {
    // SAFETY: the fault is served here, of a mapping with this state.
    let code = unsafe { entry::huge_fault::<Large>(&Arc::new(Large), SmallFault::default(), HugeSize::Pmd) };
    assert_eq!(code, FaultCode::FALLBACK);
}

#[test]
fn what_map_pages_offers_is_left_to_the_fault_hook() {
    let window = PageRange::new(PageOffset::ZERO, PageOffset::new(16));
    // SAFETY: as above; nothing here sleeps.
    let code = unsafe { entry::map_pages::<Large>(&Arc::new(Large), SmallFault::default(), window) };
    assert_eq!(code, FaultCode::NONE);
}

#[test]
fn cache_attributes_and_encryption_change_nothing() {
    let table = mmap(|ctx| {
        let ctx = ctx.noncached().write_combine().decrypted().writable().without_faults::<Mixed>()?;
        Ok(ctx.insert_page(&SmallPage::new())?.fill_later())
    });
    assert_eq!(table.map(|table| table.len()), Ok(1));
}

#[test]
fn flags_reach_the_vma_those_of_the_upper_half_too() {
    fn flags(hook: for<'m> fn(MmapCtx<'m, Small>) -> Result<Mapped<'m>, Errno>) -> VmFlags {
        let rights = VmFlags::READ | VmFlags::WRITE | VmFlags::MAYREAD | VmFlags::MAYWRITE;
        let flags = rights | VmFlags::SHARED | VmFlags::MAYSHARE;
        let mut vma = SmallVma { flags, table: Table::new(), state: None };
        // SAFETY: nobody else has this VMA.
        assert_eq!(unsafe { entry::mmap(&File(hook), &mut vma) }, Ok(()));
        vma.flags
    }
    let whatever = flags(|ctx| Ok(ctx.allow_any_uncached().writable().without_faults::<Mixed>()?.fill_later()));
    assert!(whatever.contains(VmFlags::ALLOW_ANY_UNCACHED | VmFlags::WRITE | VmFlags::MAYWRITE));
    assert_eq!(VmFlags::ALLOW_ANY_UNCACHED.bits(), 1 << 39, "as Linux counts");
    let dropped = flags(|ctx| Ok(ctx.drop_write().without_faults::<Mixed>()?.fill_later()));
    assert!(!dropped.intersects(VmFlags::WRITE | VmFlags::MAYWRITE | VmFlags::ALLOW_ANY_UNCACHED));
}

/// The core sets one of the flags that a platform looks for.
#[test]
fn a_state_of_any_kind_has_a_vma_that_is_not_merged() {
    fn established<M: Kind + FilledLater>() -> Result<usize, Errno> {
        mmap(|ctx| Ok(ctx.writable().establish(State::<M>(|ctx| ctx.fail(Errno::ENXIO)))?.fill_later()))
            .map(|table| table.len())
    }
    assert_eq!((established::<Normal>(), established::<Mixed>(), established::<PfnMap>()), (Ok(0), Ok(0), Ok(0)));
    let grown = mmap(|ctx| {
        Ok(ctx.writable().establish(State::<Mixed>(|ctx| ctx.fail(Errno::ENXIO)))?.may_expand().fill_later())
    });
    assert_eq!(grown.map(|table| table.len()), Ok(0));

    let state = Arc::new(State::<Mixed>(|ctx| ctx.fail(Errno::ENXIO)));
    let mut vma = SmallVma { flags: VmFlags::READ | VmFlags::SHARED, table: Table::new(), state: None };
    assert_eq!(Small::establish(&mut vma, Arc::clone(&state)), Err(Errno::EINVAL));
    assert!(vma.state.is_none() && Arc::strong_count(&state) == 1);
}

/// A file that describes its mappings, of this kind.
struct Described<M>(PhantomData<fn(M) -> M>);

impl<M: Kind + FilledLater> PrepareFile for Described<M> {
    type Platform = Small;
    type Ops = State<M>;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, Small>) -> Result<Prepared<'m, Small, M>, Errno> {
        ctx.writable().by_faults()
    }

    fn mapped(&self, _: PageRange, may_sleep: MaySleep<'_>) -> Result<Arc<State<M>>, Errno> {
        Small::share(State(|ctx| ctx.fail(Errno::ENXIO)), may_sleep)
    }
}

/// Pages that are there at once, and more of them, if the mapping grows.
struct Grows([SmallPage; 3]);

impl PrepareFile for Grows {
    type Platform = Small;
    type Ops = State<Mixed>;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, Small>) -> Result<Prepared<'m, Small, Mixed>, Errno> {
        Ok(ctx.writable().fill_from_first(&self.0)?.may_expand())
    }

    fn mapped(&self, _: PageRange, may_sleep: MaySleep<'_>) -> Result<Arc<State<Mixed>>, Errno> {
        Small::share(State(|ctx| ctx.fail(Errno::ENXIO)), may_sleep)
    }
}

/// Frames that are mapped at once.
struct Whole(Bar);

impl PrepareFile for Whole {
    type Platform = Small;
    type Ops = WithoutFaults<Small, Remapped>;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, Small>) -> Result<Prepared<'m, Small, Remapped>, Errno> {
        let frames = self.0.range(PageOffset::ZERO, ctx.page_count()).ok_or(Errno::ENXIO)?;
        ctx.writable().remap_from_first(frames)
    }

    fn mapped(&self, _: PageRange, may_sleep: MaySleep<'_>) -> Result<Arc<Self::Ops>, Errno> {
        Small::share(WithoutFaults::new(), may_sleep)
    }
}

/// A mapping of three pages as a kernel with prepare hooks is asked for it.
fn three_pages_wanted() -> Description {
    let flags = VmFlags::READ | VmFlags::WRITE | VmFlags::MAYREAD | VmFlags::MAYWRITE;
    let range = RANGE.start..RANGE.start + 3 * PAGE;
    Description::new::<Small>(range, PageOffset::ZERO, flags | VmFlags::SHARED | VmFlags::MAYSHARE)
        .expect("whole pages")
}

/// Linux looks for a neighbour to merge a VMA with as soon as its prepare hook has returned.
#[test]
fn a_described_mapping_of_any_kind_is_not_merged() {
    fn flags(file: impl PrepareFile<Platform = Small>) -> VmFlags {
        let file = ByPrepare(file);
        let hook = file.prepare_hook().expect("a file that describes its mappings");
        // SAFETY: nothing is mapped, so there is no lock.
        let described = unsafe { entry::mmap_prepare(&hook, three_pages_wanted()) };
        described.expect("a mapping that is not refused").description().flags()
    }
    let never_longer = [
        flags(Described::<Normal>(PhantomData)),
        flags(Described::<Mixed>(PhantomData)),
        flags(Described::<PfnMap>(PhantomData)),
        flags(Whole(Bar)),
    ];
    for flags in never_longer {
        assert!(flags.contains(VmFlags::DONTEXPAND), "{flags:?}");
    }
    let grows = flags(Grows(three_pages()));
    assert!(grows.intersects(VmFlags::SPECIAL) && !grows.contains(VmFlags::DONTEXPAND), "{grows:?}");
}

#[test]
fn a_description_is_of_whole_pages() {
    for (range, pgoff, errno) in [
        (RANGE.start..RANGE.start, 0, Errno::EINVAL),
        (RANGE.start..RANGE.start + 1, 0, Errno::EINVAL),
        (RANGE.start + 1..RANGE.end, 0, Errno::EINVAL),
        (Range { start: RANGE.end, end: RANGE.start }, 0, Errno::EINVAL),
        (RANGE, usize::MAX, Errno::EOVERFLOW),
    ] {
        let described = Description::new::<Small>(range, PageOffset::new(pgoff), VmFlags::NONE);
        assert_eq!(described.err(), Some(errno));
    }
}

#[test]
fn a_description_is_carried_out_by_a_mmap_hook_where_there_is_none_of_its_own() {
    let mut vma =
        SmallVma { flags: VmFlags::READ | VmFlags::SHARED | VmFlags::MAYSHARE, table: Table::new(), state: None };
    // SAFETY: nobody else has this VMA.
    let mapped = unsafe { entry::mmap(&ByPrepare(Described::<Mixed>(PhantomData)), &mut vma) };
    assert_eq!((mapped, vma.state.is_some(), vma.flags.contains(VmFlags::MIXEDMAP)), (Ok(()), true, true));
    // Frames by number are what this platform lacks.
    let mut vma = SmallVma { state: None, ..vma };
    // SAFETY: as before.
    let mapped = unsafe { entry::mmap(&ByPrepare(Whole(Bar)), &mut vma) };
    assert_eq!((mapped, vma.state.is_some()), (Err(Errno::ENOSYS), false));
}

/// A file that is told of first stores itself, and is filled before there is a state.
struct Watched([SmallPage; 512]);

impl VmOperations for Watched {
    type Platform = Small;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.page_mkwrite(|_, ctx| ctx.allow());
}

impl PrepareFile for Watched {
    type Platform = Small;
    type Ops = Self;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, Small>) -> Result<Prepared<'m, Small, Mixed>, Errno> {
        ctx.writable().fill_from_first(&self.0)
    }

    fn mapped(&self, _: PageRange, _: MaySleep<'_>) -> Result<Arc<Self>, Errno> {
        Err(Errno::EIO)
    }
}

#[test]
fn stores_cannot_be_held_back_before_there_is_a_state() {
    let file = ByPrepare(Watched(std::array::from_fn(|_| SmallPage::new())));
    let mut vma =
        SmallVma { flags: VmFlags::READ | VmFlags::SHARED | VmFlags::MAYSHARE, table: Table::new(), state: None };
    // SAFETY: nobody else has this VMA.
    let mapped = unsafe { entry::mmap(&file, &mut vma) };
    assert_eq!((mapped, vma.table.len()), (Err(Errno::ENOSYS), 0));
}

#[test]
fn there_are_no_objects_to_revoke_access_to() {
    assert_eq!(SharedObject::<Small>::new(may_sleep()).err(), Some(Errno::ENOSYS));
}

#[test]
fn there_are_no_handles() {
    let errno = refused(|ctx| {
        let ctx = ctx.writable().establish(State::<Mixed>(|ctx| ctx.fail(Errno::ENXIO)))?;
        ctx.handle()?;
        Ok(ctx.fill_later())
    });
    assert_eq!(errno, Errno::EINVAL);
    assert_eq!(Small::lock_handle(&(), true).err(), Some(Errno::ENOSYS));
}

#[test]
fn established_mappings_cannot_be_reached() {
    let address = UserAddr::new(RANGE.start);
    // SAFETY: a test holds no mmap lock, runs no hook, and may sleep.
    let found =
        unsafe { entry::unlocked::<Small, _>((), |unlocked| unlocked.find::<State<Mixed>>(address).map(drop).err()) };
    assert_eq!(found, Some(Errno::ENOSYS));
}

/// Of a platform that can lock a mapping, and leaves out what can be done with it.
#[test]
fn what_a_locked_mapping_lacks_is_enosys() {
    let vma = RefCell::default();
    let page = SmallPage::new();
    assert_eq!(Small::established_insert_page(&vma, RANGE.start, &page), Err(Errno::ENOSYS));
    assert_eq!(Small::established_insert_pages(&vma, RANGE.start, &three_pages()), Err((Errno::ENOSYS, 0)));
    assert_eq!(Small::established_insert_zero_page(&vma, RANGE.start), Err(Errno::ENOSYS));
    assert_eq!(Small::established_insert_pfn(&vma, RANGE.start, 0), Err(Errno::ENOSYS));
    assert_eq!(Small::established_insert_mixed(&vma, RANGE.start, 0), Err(Errno::ENOSYS));
    assert!(Small::established_state::<State<Mixed>>(&vma).is_none());
    assert_eq!(Small::established_pgoff(&vma, UserAddr::new(RANGE.start)), None);
    assert_eq!(Small::established_slots(&vma, PageOffset::ZERO), None);

    Small::established_write_protect(&vma, RANGE);
    assert_eq!(*vma.borrow(), [RANGE], "it is zapped where it cannot be protected");
}

/// A mapping of which its platform says no more than it must, and whose access hook keeps a log.
struct SmallReach {
    flags: VmFlags,
    pgoff: PageOffset,
}

impl AccessedVma for SmallReach {
    fn range(&self) -> Range<usize> {
        RANGE
    }

    fn pgoff(&self) -> PageOffset {
        self.pgoff
    }

    fn flags(&self) -> VmFlags {
        self.flags
    }
}

/// What an access hook was told: the page, the byte in it, how many bytes, and whether to store.
type Told = (usize, usize, usize, bool);

#[derive(Default)]
struct Reached(Mutex<Vec<Told>>);

impl Reached {
    fn access<'a>(&'a self, ctx: AccessCtx<'a, Small, PfnMap>) -> Result<Accessed<'a>, Errno> {
        let told = (ctx.pgoff().index(), ctx.offset_in_page(), ctx.len(), ctx.is_write());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(told);
        match ctx.direction() {
            Direction::Read(into) => Ok(into.copy_from_slice(&[7; 2 * PAGE])),
            Direction::Write(from) => Ok(from.copy_to_slice(&mut [0; 2 * PAGE])),
        }
    }
}

impl VmOperations for Reached {
    type Platform = Small;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> = Hooks::NONE.access(Self::access);
}

/// What a debugger's access comes to, and what its hook was told.
fn access(flags: VmFlags, address: usize, buffer: AccessBuffer<'_>) -> (Result<usize, Errno>, Vec<Told>) {
    let state = Reached::default();
    let vma = SmallReach { flags, pgoff: PageOffset::new(10) };
    // SAFETY: the mapping is of this state, and nobody else has it.
    let copied = unsafe { entry::access(&state, &vma, address, buffer) };
    (copied, state.0.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// G19: whatever a kernel asks for, the hook is asked for bytes of one page that lie in the mapping and may be reached.
#[test]
fn an_access_is_clamped_before_its_hook_sees_it() {
    const BOTH: VmFlags = VmFlags::from_bits(
        VmFlags::READ.bits() | VmFlags::WRITE.bits() | VmFlags::SHARED.bits() | VmFlags::MAYREAD.bits(),
    );
    let mut bytes = [0; 3 * PAGE];
    let last = RANGE.end - 1;
    let pages = RANGE.len() / PAGE;
    // Longer than the page, and then than the mapping.
    let read = access(BOTH, RANGE.start + 5, AccessBuffer::Read(&mut bytes));
    assert_eq!(read, (Ok(PAGE - 5), vec![(10, 5, PAGE - 5, false)]));
    assert!(bytes[..PAGE - 5].iter().all(|byte| *byte == 7) && bytes[PAGE - 5..].iter().all(|byte| *byte == 0));
    let told = (10 + pages - 1, PAGE - 1, 1, true);
    assert_eq!(access(BOTH, last, AccessBuffer::Write(&[1; 100])), (Ok(1), vec![told]));
    // A whole page is as much as there is.
    assert_eq!(access(BOTH, RANGE.start, AccessBuffer::Write(&[1; PAGE])), (Ok(PAGE), vec![(10, 0, PAGE, true)]));
    // Outside, and nothing.
    for address in [RANGE.end, RANGE.start - 1, 0, usize::MAX] {
        assert_eq!(access(BOTH, address, AccessBuffer::Read(&mut bytes)), (Err(Errno::EFAULT), vec![]));
        assert_eq!(access(BOTH, address, AccessBuffer::Write(&[1])), (Err(Errno::EFAULT), vec![]));
    }
    assert_eq!(access(BOTH, RANGE.start, AccessBuffer::Read(&mut [])), (Ok(0), vec![]));
    assert_eq!(access(BOTH, RANGE.start, AccessBuffer::Write(&[])), (Ok(0), vec![]));
    // No store without the right, nor where it would have to be copied; no load where there can be no right.
    for refused in [VmFlags::WRITE, VmFlags::SHARED] {
        let stored = access(BOTH.without(refused), RANGE.start, AccessBuffer::Write(&[1]));
        assert_eq!(stored, (Err(Errno::EFAULT), vec![]), "without {refused:?}");
    }
    let read = access(BOTH.without(VmFlags::MAYREAD), RANGE.start, AccessBuffer::Read(&mut [0]));
    assert_eq!(read, (Err(Errno::EFAULT), vec![]));
    let forced = access(BOTH.without(VmFlags::READ), RANGE.start, AccessBuffer::Read(&mut [0]));
    assert_eq!(forced, (Ok(1), vec![(10, 0, 1, false)]));
}

/// A mapping whose hook asks for what is mapped.
struct CopiesMapped;

impl VmOperations for CopiesMapped {
    type Platform = Small;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> = Hooks::NONE.access(|_, ctx| ctx.copy_mapped());
}

#[test]
fn what_is_mapped_cannot_be_copied_for_a_debugger() {
    let vma = SmallReach { flags: VmFlags::MAYREAD, pgoff: PageOffset::ZERO };
    // SAFETY: as above.
    let copied = unsafe { entry::access(&CopiesMapped, &vma, RANGE.start, AccessBuffer::Read(&mut [0])) };
    assert_eq!(copied, Err(Errno::ENOSYS));
    // And without a hook there are no bytes.
    let state = State::<PfnMap>(|ctx| ctx.fail(Errno::ENXIO));
    // SAFETY: as above.
    let copied = unsafe { entry::access(&state, &vma, RANGE.start, AccessBuffer::Read(&mut [0])) };
    assert_eq!(copied, Ok(0));
}
