//! A platform that does nothing and notes what it is told: what the core says to a platform while a mapping is made and
//! a fault is served, and what it never says because the request does not fit.

#![expect(unsafe_code, reason = "a platform")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::{
    cell::RefCell,
    ops::Range,
    rc::Rc,
    sync::{Arc, Mutex},
};

use vmctx::{
    Backing, ByPrepare, Errno, EstablishedCtx, FaultCtx, Frame, FrameRange, FrameSource, Hooks, HugeFaultCtx, HugeSize,
    Iomem, Mapped, MaySleep, Mixed, MmapCtx, MmapFile, OnePage, OutOfFrames, OutOfPage, PageCount, PageOffset,
    PageProt, PageRange, PageRef, PfnMap, Platform, Prefault, PrepareCtx, PrepareFile, Prepared, Remapped, Revocable,
    SharedObject, Spot, Switched, Table, UserAddr, VmFault, VmOperations, WithoutFaults, Wraps, entry,
    platform::{AccessBuffer, AccessedVma, Cache, FaultCode, FaultFlags, VmFlags},
};
use vmctx_sim::Sim;

/// The platform.
enum Told {}

/// A page that nobody looks at, with a number.
#[derive(Clone)]
struct Blank(u8);

impl PageRef for Blank {
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), OutOfPage> {
        Err(OutOfPage { offset, len: into.len() })
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), OutOfPage> {
        Err(OutOfPage { offset, len: from.len() })
    }
}

/// Device memory: so many frames, by the numbers from 1024 on.
#[derive(Clone)]
struct Bar(usize);

// SAFETY: nothing maps these frames.
unsafe impl FrameSource for Bar {
    type Platform = Told;

    fn base(&self) -> u64 {
        1024
    }

    fn count(&self) -> PageCount {
        PageCount::new(self.0)
    }
}

impl Iomem for Bar {
    /// Each byte is the sum of its page's number and of where it is in the page.
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), OutOfFrames> {
        for (byte, at) in into.iter_mut().zip(offset..) {
            *byte = u8::try_from(at / PAGE + at % PAGE).unwrap_or(u8::MAX);
        }
        Ok(())
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), OutOfFrames> {
        Err(OutOfFrames { offset, len: from.len() })
    }
}

const PAGE: usize = Told::PAGE_SIZE;
/// The mapping: four pages of the object, from its third on.
const RANGE: Range<usize> = 0x4000_0000..0x4000_4000;

const FOUR: [Blank; 4] = [Blank(1), Blank(2), Blank(3), Blank(4)];

/// An object: what was unmapped of it, from which page on, and how many.
type Unmapped = Arc<Mutex<Vec<(usize, usize)>>>;

/// What was told.
#[derive(Debug, Default)]
struct Notes {
    flags: VmFlags,
    /// The object of its file.
    object: Option<Unmapped>,
    decrypted: bool,
    /// Where, from which frame on, and how many.
    remapped: Vec<(usize, u64, usize)>,
    /// Where, and which pages.
    inserted: Vec<(usize, Vec<u8>)>,
}

/// The mapping in which faults happen: as long as a large entry.
const ENTRY: Range<usize> = 0x4000_0000..0x4020_0000;

/// A fault, and what is inserted for it: where, and how many pages; of a frame by number, whether it is writable.
#[derive(Default)]
struct Touch {
    flags: FaultFlags,
    vma: VmFlags,
    object: Option<Unmapped>,
    inserted: Rc<RefCell<Vec<(usize, usize)>>>,
}

/// A mapping of four pages of the object, from the third on, that has been cut: two lie together, and the others
/// elsewhere. What was inserted there and what was taken away: where, and how many pages.
#[derive(Clone, Default)]
struct Cut {
    inserted: Arc<Mutex<Vec<(usize, usize)>>>,
    zapped: Arc<Mutex<Vec<(usize, usize)>>>,
}

impl Cut {
    /// Where its halves are.
    const HALVES: [usize; 2] = [0x4000_0000, 0x5000_0000];
}

// SAFETY: a VMA is made in this file and lives as long as the hook that is called with it; nothing is mapped.
unsafe impl Platform for Told {
    const PAGE_SHIFT: u32 = 12;
    type Page = Blank;
    type Memory = ();
    type Iomem = Bar;
    type WaitQueue = <Sim as Platform>::WaitQueue;
    type RwLock<T: Send + Sync + 'static> = <Sim as Platform>::RwLock<T>;
    type Mutex<T: Send + 'static> = <Sim as Platform>::Mutex<T>;
    type SpinLock<T: Send + 'static> = <Sim as Platform>::SpinLock<T>;
    type Object = Unmapped;
    type Handle = ();
    type Caller = Cut;
    type EstablishedVma = Cut;
    type Ref<T: Send + Sync + 'static> = Arc<T>;
    type Vma = Notes;
    type Fault = Touch;

    fn share<T: Send + Sync + 'static>(value: T, _: MaySleep<'_>) -> Result<Arc<T>, Errno> {
        Ok(Arc::new(value))
    }

    fn page_pfn(_: &Blank) -> u64 {
        0
    }

    fn new_object(_: MaySleep<'_>) -> Result<Unmapped, Errno> {
        Ok(Unmapped::default())
    }

    fn unmap_mapping_range(object: &Unmapped, first: PageOffset, count: PageCount, _: MaySleep<'_>) {
        object.lock().unwrap().push((first.index(), count.get()));
    }

    fn vma_is_of(vma: &Notes, object: &Unmapped) -> bool {
        vma.object.as_ref().is_some_and(|own| Arc::ptr_eq(own, object))
    }

    fn vma_range(_: &Notes) -> Range<usize> {
        RANGE
    }

    fn vma_pgoff(_: &Notes) -> PageOffset {
        PageOffset::new(2)
    }

    fn vma_flags(vma: &Notes) -> VmFlags {
        vma.flags
    }

    fn vma_change_flags(vma: &mut Notes, set: VmFlags, clear: VmFlags) {
        vma.flags = (vma.flags | set).without(clear);
    }

    fn vma_set_decrypted(vma: &mut Notes) {
        vma.decrypted = true;
    }

    fn establish<V: VmOperations<Platform = Self>>(_: &mut Notes, _: Arc<V>) -> Result<(), Errno> {
        Ok(())
    }

    fn vm_insert_page(vma: &mut Notes, address: usize, page: &Blank) -> Result<(), Errno> {
        vma.inserted.push((address, vec![page.0]));
        Ok(())
    }

    fn vm_insert_pages(vma: &mut Notes, address: usize, pages: &[Blank]) -> Result<(), (Errno, usize)> {
        vma.inserted.push((address, pages.iter().map(|page| page.0).collect()));
        Ok(())
    }

    fn remap_pfn_range(vma: &mut Notes, address: usize, frames: FrameRange<'_, Self>) -> Result<(), Errno> {
        vma.remapped.push((address, frames.first().pfn(), frames.count().get()));
        Ok(())
    }

    fn fault_address(_: &Touch) -> usize {
        ENTRY.start + 3 * PAGE + 5
    }

    fn fault_pgoff(_: &Touch) -> PageOffset {
        PageOffset::new(3)
    }

    fn fault_flags(fault: &Touch) -> FaultFlags {
        fault.flags
    }

    fn fault_vma_range(_: &Touch) -> Range<usize> {
        ENTRY
    }

    fn fault_vma_pgoff(_: &Touch) -> PageOffset {
        PageOffset::ZERO
    }

    fn fault_vma_flags(fault: &Touch) -> VmFlags {
        fault.vma
    }

    fn fault_is_of(fault: &Touch, object: &Unmapped) -> bool {
        fault.object.as_ref().is_some_and(|own| Arc::ptr_eq(own, object))
    }

    fn vmf_insert_page(fault: &Touch, address: usize, _: &Blank) -> FaultCode {
        if fault.inserted.borrow().contains(&(address, 1)) {
            return FaultCode::from_insertion(Err(Errno::EBUSY));
        }
        fault.inserted.borrow_mut().push((address, 1));
        FaultCode::NOPAGE
    }

    fn vmf_insert_pfn(fault: &Touch, address: usize, _: u64, prot: Option<PageProt>) -> FaultCode {
        let prot = prot.unwrap_or_else(|| Self::fault_page_prot(fault));
        fault.inserted.borrow_mut().push((address, usize::from(prot.is_writable())));
        FaultCode::NOPAGE
    }

    fn vmf_insert_pfn_huge(fault: &Touch, address: usize, frames: FrameRange<'_, Self>) -> FaultCode {
        fault.inserted.borrow_mut().push((address, frames.count().get()));
        FaultCode::NOPAGE
    }

    fn deliver(_: &Touch, _: Blank) {}

    fn lock_page(_: &Touch, _: &Blank) {}

    fn unlock_page(_: &Touch, _: &Blank) {}

    fn release(_: &Touch) {}

    fn fault_page(_: &Touch) -> Blank {
        Blank(0)
    }

    fn caller_lock_page(_: &Cut, _: &Blank) {}

    fn caller_unlock_page(_: &Cut, _: &Blank) {}

    fn lock_at<V: VmOperations<Platform = Self>>(caller: &Cut, _: UserAddr) -> Result<Cut, Errno> {
        Ok(caller.clone())
    }

    fn established_slots(_: &Cut, from: PageOffset) -> Option<(PageOffset, Range<usize>)> {
        let found = from.index().max(2);
        let start = Cut::HALVES.get((found - 2) / 2)?;
        Some((PageOffset::new(found), start + found % 2 * PAGE..start + 2 * PAGE))
    }

    fn established_insert_pages(vma: &Cut, address: usize, pages: &[Blank]) -> Result<(), (Errno, usize)> {
        vma.inserted.lock().unwrap().push((address, pages.len()));
        Ok(())
    }

    fn established_zap(vma: &Cut, addresses: Range<usize>) {
        vma.zapped.lock().unwrap().push((addresses.start, addresses.len() / PAGE));
    }
}

/// A file with this mmap hook.
struct File(for<'m> fn(MmapCtx<'m, Told>) -> Result<Mapped<'m>, Errno>);

impl MmapFile for File {
    type Platform = Told;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Told>) -> Result<Mapped<'m>, Errno> {
        (self.0)(ctx)
    }
}

/// What a mmap of this file comes to, and what the platform was told meanwhile.
fn mmap_of<F: MmapFile<Platform = Told>>(file: &F) -> (Result<(), Errno>, Notes) {
    mmap_with(file, VmFlags::READ | VmFlags::SHARED | VmFlags::MAYREAD | VmFlags::MAYSHARE)
}

fn mmap_with<F: MmapFile<Platform = Told>>(file: &F, flags: VmFlags) -> (Result<(), Errno>, Notes) {
    let object = file.object().map(|object| object.platform_object().clone());
    let mut vma = Notes { flags, object, ..Notes::default() };
    // SAFETY: nobody else has this VMA.
    (unsafe { entry::mmap(file, &mut vma) }, vma)
}

fn mmap(hook: for<'m> fn(MmapCtx<'m, Told>) -> Result<Mapped<'m>, Errno>) -> (Result<(), Errno>, Notes) {
    mmap_of(&File(hook))
}

static BAR: Bar = Bar(8);

fn all_frames() -> FrameRange<'static, Told> {
    BAR.range(PageOffset::ZERO, PageCount::new(8)).unwrap()
}

fn frame(at: usize) -> Frame<'static, Told> {
    BAR.frame(PageOffset::new(at)).unwrap()
}

#[test]
fn memory_is_decrypted_where_the_driver_says_so() {
    let (mapped, notes) = mmap(|ctx| Ok(ctx.decrypted().without_faults::<PfnMap>()?.fill_later()));
    assert_eq!((mapped, notes.decrypted), (Ok(()), true));
    let (mapped, notes) = mmap(|ctx| Ok(ctx.noncached().without_faults::<PfnMap>()?.fill_later()));
    assert_eq!((mapped, notes.decrypted), (Ok(()), false));
}

/// `vm_iomap_memory` is decrypted, and begins at `pgoff`; `remap_pfn_range` is neither.
#[test]
fn the_whole_range_is_remapped_at_once() {
    let (mapped, notes) = mmap(|ctx| ctx.without_faults::<Remapped>()?.remap_at_pgoff(all_frames()));
    assert_eq!((mapped, notes.decrypted, notes.remapped), (Ok(()), true, vec![(RANGE.start, 1026, 4)]));
    let (mapped, notes) = mmap(|ctx| ctx.without_faults::<Remapped>()?.remap_from_first(all_frames()));
    assert_eq!((mapped, notes.decrypted, notes.remapped), (Ok(()), false, vec![(RANGE.start, 1024, 4)]));
}

#[test]
fn what_does_not_fit_never_reaches_the_platform() {
    let (mapped, notes) = mmap(|ctx| Ok(ctx.without_faults::<PfnMap>()?.remap(all_frames())?.fill_later()));
    assert_eq!((mapped, notes.remapped), (Err(Errno::EFAULT), vec![]));
    let (mapped, notes) = mmap(|ctx| {
        let ctx = ctx.without_faults::<PfnMap>()?.insert_pfn(frame(7))?;
        let four = all_frames().part(PageCount::new(1), PageCount::new(4)).ok_or(Errno::EINVAL)?;
        ctx.remap(four)?.finish()
    });
    assert_eq!((mapped, notes.remapped), (Err(Errno::EFAULT), vec![(RANGE.start, 1031, 1)]));
    let (mapped, notes) = mmap(|ctx| {
        let ctx = ctx.without_faults::<Mixed>()?.insert_page(&Blank(9))?;
        ctx.insert_pages(&FOUR)?.finish()
    });
    assert_eq!((mapped, notes.inserted), (Err(Errno::EFAULT), vec![(RANGE.start, vec![9])]));
    let (mapped, notes) = mmap(|ctx| {
        let ctx = ctx.without_faults::<Mixed>()?.insert_pages(&FOUR)?;
        ctx.insert_page(&Blank(9))?.finish()
    });
    assert_eq!((mapped, notes.inserted), (Err(Errno::EFAULT), vec![(RANGE.start, vec![1, 2, 3, 4])]));
    let (mapped, notes) = mmap(|ctx| {
        let ctx = ctx.without_faults::<Mixed>()?.insert_page(&Blank(9))?;
        ctx.insert_pages(&FOUR[1..])?.finish()
    });
    assert_eq!((mapped, notes.inserted), (Ok(()), vec![(RANGE.start, vec![9]), (RANGE.start + PAGE, vec![2, 3, 4])]));
}

/// `vm_map_pages` begins with the page at `pgoff`, and `vm_map_pages_zero` with the first.
#[test]
fn a_mapping_is_filled_from_its_offset_or_from_the_first_page() {
    let eight = || (0..8).map(Blank).collect::<Vec<_>>();
    let (mapped, notes) = mmap_of(&Pages(eight(), |ctx, pages| ctx.fill_at_pgoff(pages)));
    assert_eq!((mapped, notes.inserted), (Ok(()), vec![(RANGE.start, vec![2, 3, 4, 5])]));
    let (mapped, notes) = mmap_of(&Pages(eight(), |ctx, pages| ctx.fill_from_first(pages)));
    assert_eq!((mapped, notes.inserted), (Ok(()), vec![(RANGE.start, vec![0, 1, 2, 3])]));
    // What is filled already is not brought again.
    let (mapped, notes) = mmap_of(&Pages(eight(), |ctx, pages| ctx.insert_page(&Blank(9))?.fill_at_pgoff(pages)));
    assert_eq!((mapped, notes.inserted), (Ok(()), vec![(RANGE.start, vec![9]), (RANGE.start + PAGE, vec![3, 4, 5])]));
    let (mapped, notes) = mmap_of(&Pages(eight(), |ctx, pages| ctx.insert_page(&Blank(9))?.fill_from_first(pages)));
    assert_eq!((mapped, notes.inserted), (Ok(()), vec![(RANGE.start, vec![9]), (RANGE.start + PAGE, vec![1, 2, 3])]));
}

/// How a mapping is filled from pages.
type Filling = for<'m> fn(MmapCtx<'m, Told, Mixed>, &[Blank]) -> Result<Mapped<'m>, Errno>;

/// A file that fills its mapping from these pages.
struct Pages(Vec<Blank>, Filling);

impl MmapFile for Pages {
    type Platform = Told;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Told>) -> Result<Mapped<'m>, Errno> {
        (self.1)(ctx.without_faults::<Mixed>()?, &self.0)
    }
}

/// How a mapping is described.
type Description = for<'m> fn(PrepareCtx<'m, Told>) -> Result<Prepared<'m, Told, Remapped>, Errno>;

/// A file whose prepare hook is this one.
struct Describes(Description);

impl PrepareFile for Describes {
    type Platform = Told;
    type Ops = WithoutFaults<Told, Remapped>;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, Told>) -> Result<Prepared<'m, Told, Remapped>, Errno> {
        (self.0)(ctx)
    }

    fn mapped(&self, shown: PageRange, may_sleep: MaySleep<'_>) -> Result<Arc<Self::Ops>, Errno> {
        assert_eq!(shown, PageRange::new(PageOffset::new(2), PageOffset::new(6)));
        Told::share(WithoutFaults::new(), may_sleep)
    }
}

#[test]
fn what_is_described_is_done_when_the_mapping_is_there() {
    let (mapped, notes) = mmap_of(&ByPrepare(Describes(|ctx| ctx.remap_at_pgoff(all_frames()))));
    assert_eq!((mapped, notes.decrypted, notes.remapped), (Ok(()), true, vec![(RANGE.start, 1026, 4)]));
    let (mapped, notes) = mmap_of(&ByPrepare(Describes(|ctx| ctx.remap_from_first(all_frames()))));
    assert_eq!((mapped, notes.decrypted, notes.remapped), (Ok(()), false, vec![(RANGE.start, 1024, 4)]));
    let (mapped, notes) = mmap_of(&ByPrepare(Describes(|ctx| ctx.decrypted().remap_from_first(all_frames()))));
    assert_eq!((mapped, notes.decrypted, notes.remapped), (Ok(()), true, vec![(RANGE.start, 1024, 4)]));
}

/// A file whose prepare hook rebases its mappings to an object, and which makes states that name none.
struct Rebased {
    all: SharedObject<Told>,
    to: SharedObject<Told>,
}

impl PrepareFile for Rebased {
    type Platform = Told;
    type Ops = WithoutFaults<Told, Remapped>;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, Told>) -> Result<Prepared<'m, Told, Remapped>, Errno> {
        ctx.rebase(&self.to)?.remap_at_pgoff(all_frames())
    }

    fn mapped(&self, _: PageRange, may_sleep: MaySleep<'_>) -> Result<Arc<Self::Ops>, Errno> {
        Told::share(WithoutFaults::new(), may_sleep)
    }

    fn object(&self) -> Option<&SharedObject<Told>> {
        Some(&self.all)
    }
}

/// G22: nothing is mapped of what a description must not name.
#[test]
fn a_description_names_an_object_of_its_file_and_no_private_one_begins_elsewhere() -> Result<(), Errno> {
    let may_sleep = may_sleep();
    let [all, another] = [SharedObject::new(may_sleep)?, SharedObject::new(may_sleep)?];
    let part = |of: &SharedObject<Told>| of.part(PageOffset::new(1), PageCount::new(8));
    let own = ByPrepare(Rebased { to: part(&all)?, all: all.clone() });
    let (mapped, notes) = mmap_of(&own);
    assert_eq!((mapped, notes.remapped), (Ok(()), vec![(RANGE.start, 1025, 4)]));
    let (mapped, notes) = mmap_with(&own, VmFlags::READ | VmFlags::MAYREAD | VmFlags::MAYWRITE);
    assert_eq!((mapped, notes.remapped), (Err(Errno::EINVAL), vec![]));
    let (mapped, notes) = mmap_of(&ByPrepare(Rebased { to: part(&another)?, all }));
    assert_eq!((mapped, notes.remapped), (Err(Errno::EINVAL), vec![]));
    Ok(())
}

/// A state whose memory is given whole to large entries.
struct Wide(Bar);

impl Wide {
    fn huge_fault<'f>(&'f self, ctx: HugeFaultCtx<'f, Told, Mixed>) -> VmFault<'f> {
        ctx.insert_huge_with(|_, entry| entry.of(&self.0))
    }
}

impl VmOperations for Wide {
    type Platform = Told;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.huge_fault(Self::huge_fault);
}

const SHARED: VmFlags = VmFlags::from_bits(VmFlags::SHARED.bits() | VmFlags::MAYSHARE.bits());

/// The answer to a large fault, and what was inserted.
fn huge<V: VmOperations<Platform = Told>>(state: V, touch: Touch) -> (FaultCode, Vec<(usize, usize)>) {
    let inserted = Rc::clone(&touch.inserted);
    // SAFETY: the fault is served here, of a mapping with this state.
    let code = unsafe { entry::huge_fault::<V>(&Arc::new(state), touch, HugeSize::Pmd) };
    (code, inserted.take())
}

/// A store through a private mapping makes a copy, which is one page's.
#[test]
fn a_store_to_a_private_mapping_makes_no_large_entry() {
    let touched = |flags, vma| huge(Wide(Bar(512)), Touch { flags, vma, ..Touch::default() });
    let entry = (FaultCode::NOPAGE, vec![(ENTRY.start, 512)]);
    assert_eq!(touched(FaultFlags::WRITE, SHARED | VmFlags::MAYWRITE), entry);
    assert_eq!(touched(FaultFlags::NONE, VmFlags::MAYWRITE), entry);
    assert_eq!(touched(FaultFlags::WRITE, VmFlags::MAYWRITE), (FaultCode::FALLBACK, vec![]));
}

/// Memory that gives a large entry one frame too few, and has one page besides.
struct Short(Bar, Blank);

impl Backing for Short {
    type Platform = Told;

    fn spot(&self, _: PageCount) -> Result<Spot<'_, Told>, Errno> {
        Ok(Spot::Page(&self.1))
    }

    fn frames(&self, first: PageCount, count: PageCount) -> Option<FrameRange<'_, Told>> {
        self.0.range(PageOffset::new(first.get()), PageCount::new(count.get() - 1))
    }
}

/// A state that names an object, and inserts memory of it, or of another.
struct Moving {
    names: SharedObject<Told>,
    memory: Revocable<Told, Short>,
}

impl Moving {
    /// Memory of this object, in a state that names that one.
    fn new(of: &SharedObject<Told>, names: &SharedObject<Told>) -> Self {
        let may_sleep = may_sleep();
        let memory = Revocable::new(Short(Bar(512), Blank(0)), of, PageCount::new(512), may_sleep);
        Self { names: names.clone(), memory: memory.unwrap() }
    }

    fn huge_fault<'f>(&'f self, ctx: HugeFaultCtx<'f, Told, Mixed>) -> VmFault<'f> {
        self.memory.resident(ctx.may_sleep()).insert_huge(ctx)
    }
}

impl VmOperations for Moving {
    type Platform = Told;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.huge_fault(Self::huge_fault).object(|state: &Self| Some(&state.names));

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Told, Mixed>) -> VmFault<'f> {
        self.memory.resident(ctx.may_sleep()).insert(ctx)
    }
}

fn may_sleep() -> MaySleep<'static> {
    // SAFETY: this platform has no context in which a thread must not sleep: it only notes what it is told.
    unsafe { entry::may_sleep() }
}

fn object() -> SharedObject<Told> {
    SharedObject::new(may_sleep()).unwrap()
}

#[test]
fn a_large_entry_wants_all_its_frames() {
    let own = object();
    let touch = Touch { vma: SHARED, object: Some(own.platform_object().clone()), ..Touch::default() };
    assert_eq!(huge(Moving::new(&own, &own), touch), (FaultCode::FALLBACK, vec![]));
}

/// G22: memory is inserted where the object is shown that takes it back; and at a page's address.
#[test]
fn memory_of_another_object_is_not_inserted() {
    let [own, another] = [object(), object()];
    let touched = |of: &SharedObject<Told>, names: &SharedObject<Told>| {
        let touch = Touch { vma: SHARED, object: Some(own.platform_object().clone()), ..Touch::default() };
        let inserted = Rc::clone(&touch.inserted);
        // SAFETY: the fault is served here, of a mapping with this state.
        let code = unsafe { entry::fault::<Moving>(&Arc::new(Moving::new(of, names)), touch) };
        (code, inserted.take())
    };
    assert_eq!(touched(&own, &own), (FaultCode::NOPAGE, vec![(ENTRY.start + 3 * PAGE, 1)]));
    assert_eq!(touched(&another, &own), (FaultCode::SIGBUS, vec![]));
    assert_eq!(touched(&another, &another), (FaultCode::SIGBUS, vec![]));
}

/// That something was there already is a success, of which a kernel is told nothing.
#[test]
fn a_page_that_is_there_is_a_success_like_another() {
    let own = object();
    let touch = Touch { vma: SHARED, object: Some(own.platform_object().clone()), ..Touch::default() };
    touch.inserted.borrow_mut().push((ENTRY.start + 3 * PAGE, 1));
    // SAFETY: the fault is served here, of a mapping with this state.
    let code = unsafe { entry::fault::<Moving>(&Arc::new(Moving::new(&own, &own)), touch) };
    assert_eq!(code, FaultCode::NOPAGE);
}

/// A state that names an object, and is asked for this part of it.
struct Wanted(SharedObject<Told>, PageRange);

impl VmOperations for Wanted {
    type Platform = Told;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.object(|state: &Self| Some(&state.0)).map_pages(|state, ctx| {
        assert_eq!((ctx.pgoff(), ctx.wanted()), (PageOffset::new(1), state.1));
        ctx.finish()
    });
}

/// G22: what `map_pages` is asked for counts from the object that the state names.
#[test]
fn the_window_counts_from_the_object() {
    let range = |start, end| PageRange::new(PageOffset::new(start), PageOffset::new(end));
    let part = object().part(PageOffset::new(2), PageCount::new(8)).unwrap();
    // SAFETY: the fault is served here, of a mapping with this state.
    let code =
        unsafe { entry::map_pages::<Wanted>(&Arc::new(Wanted(part, range(0, 4))), Touch::default(), range(2, 6)) };
    assert_eq!(code, FaultCode::NONE);
}

/// Memory that would have every entry writable.
struct Generous(Bar);

impl Backing for Generous {
    type Platform = Told;

    fn spot(&self, at: PageCount) -> Result<Spot<'_, Told>, Errno> {
        self.0.frame(PageOffset::new(at.get())).map(Spot::Frame).ok_or(Errno::ENXIO)
    }

    fn page_prot(&self, _: PageCount, _: PageProt) -> PageProt {
        PageProt::of_vma(true, Cache::Noncached)
    }
}

impl VmOperations for Revoking {
    type Platform = Told;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> = Hooks::NONE.object(|state: &Self| Some(state.0.object()));

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Told, PfnMap>) -> VmFault<'f> {
        self.0.resident(ctx.may_sleep()).insert(ctx)
    }
}

/// A state of such memory.
struct Revoking(Revocable<Told, Generous>);

/// G26: an entry has its mapping's rights, whatever memory says that can be taken back.
#[test]
fn memory_gives_no_entry_more_rights_than_its_mapping_has() {
    let may_sleep = may_sleep();
    let own = object();
    for (vma, writable) in [(SHARED, 0), (SHARED | VmFlags::WRITE, 1)] {
        let memory = Revocable::new(Generous(Bar(8)), &own, PageCount::new(8), may_sleep).unwrap();
        let touch = Touch { vma, object: Some(own.platform_object().clone()), ..Touch::default() };
        let inserted = Rc::clone(&touch.inserted);
        // SAFETY: the fault is served here, of a mapping with this state.
        let code = unsafe { entry::fault::<Revoking>(&Arc::new(Revoking(memory)), touch) };
        assert_eq!((code, inserted.take()), (FaultCode::NOPAGE, vec![(ENTRY.start + 3 * PAGE, writable)]));
    }
}

/// Who has taken a part back has its pieces, and no others.
#[test]
fn a_part_that_is_taken_back_has_its_own_pieces() {
    let may_sleep = may_sleep();
    let pieces: Revocable<Told, Table<Option<OnePage<Told>>>> =
        Revocable::in_pieces(&object(), PageCount::new(8), PageCount::new(2), may_sleep).unwrap();
    let mut part = pieces.revoke_part(1..3, may_sleep).unwrap();
    for (piece, got) in [(0, Err(Errno::EINVAL)), (1, Ok(())), (2, Ok(())), (3, Err(Errno::EINVAL))] {
        assert_eq!(part.get_mut(piece).map(|_| ()), got, "{piece}");
    }
    drop(part);
    for (first, end) in [(0, 5), (3, 2), (5, 5)] {
        assert_eq!(pieces.revoke_part(first..end, may_sleep).map(drop), Err(Errno::EINVAL), "{first}..{end}");
    }
}

/// A piece that has a page from the beginning.
struct Shelf(Blank);

impl Default for Shelf {
    fn default() -> Self {
        Self(Blank(0))
    }
}

impl Backing for Shelf {
    type Platform = Told;

    fn spot(&self, _: PageCount) -> Result<Spot<'_, Told>, Errno> {
        Ok(Spot::Page(&self.0))
    }
}

/// A state of such pieces.
struct Shelves(Revocable<Told, Table<Shelf>>);

impl VmOperations for Shelves {
    type Platform = Told;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.object(|state: &Self| Some(state.0.object()));

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Told, Mixed>) -> VmFault<'f> {
        self.0.resident(ctx.may_sleep()).insert(ctx)
    }
}

/// G22: what was inserted of a part is unmapped, also of pieces that nobody has changed; and nothing if nothing was.
#[test]
fn what_was_inserted_of_a_part_is_unmapped() {
    let may_sleep = may_sleep();
    let own = object();
    let pieces = Revocable::in_pieces(&own, PageCount::new(8), PageCount::new(2), may_sleep).unwrap();
    let state = Arc::new(Shelves(pieces));
    let taken = |part| drop(state.0.revoke_part(part, may_sleep).unwrap());
    taken(0..4);
    let unmapped = || std::mem::take(&mut *own.platform_object().lock().unwrap());
    assert_eq!(unmapped(), []);
    let touch = Touch { vma: SHARED, object: Some(own.platform_object().clone()), ..Touch::default() };
    // SAFETY: the fault is served here, of a mapping with this state.
    assert_eq!(unsafe { entry::fault::<Shelves>(&state, touch) }, FaultCode::NOPAGE);
    taken(1..4);
    assert_eq!(unmapped(), [(2, 6)]);
}

/// What a debugger reaches: the mapping of faults, in a file whose third page comes first.
struct Reached;

impl AccessedVma for Reached {
    fn range(&self) -> Range<usize> {
        ENTRY
    }

    fn pgoff(&self) -> PageOffset {
        PageOffset::new(2)
    }

    fn flags(&self) -> VmFlags {
        SHARED | VmFlags::MAYREAD
    }
}

/// A state that names an object, and copies device memory for debuggers.
struct Copied(SharedObject<Told>);

impl VmOperations for Copied {
    type Platform = Told;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> =
        Hooks::NONE.object(|state: &Self| Some(&state.0)).access(|_, ctx| ctx.copy_iomem(&BAR, ctx.pgoff()));
}

/// G19, G22: a debugger gets the bytes that it asks for, counted from the object.
#[test]
fn a_debugger_gets_the_bytes_that_it_asks_for() {
    let part = object().part(PageOffset::new(2), PageCount::new(8)).unwrap();
    let mut bytes = [0; 2];
    // SAFETY: the state is that of the mapping, and nobody else has the buffer.
    let copied = unsafe {
        entry::access(&Copied(part), &Reached, ENTRY.start + PAGE + 5, AccessBuffer::Read(bytes.as_mut_slice()))
    };
    assert_eq!((copied, bytes), (Ok(2), [1 + 5, 1 + 6]));
}

/// Device memory that gives as many frames as it is asked for, as a piece of more of it would not.
#[derive(Default)]
struct Plenty;

impl Backing for Plenty {
    type Platform = Told;

    fn spot(&self, _: PageCount) -> Result<Spot<'_, Told>, Errno> {
        Err(Errno::ENXIO)
    }

    fn frames(&self, first: PageCount, count: PageCount) -> Option<FrameRange<'_, Told>> {
        static MANY: Bar = Bar(1024);
        MANY.range(PageOffset::new(first.get()), count)
    }
}

/// A state of memory of which large entries are made.
struct InLarge<B: Backing<Platform = Told>>(Revocable<Told, B>);

impl<B: Backing<Platform = Told>> InLarge<B> {
    fn huge_fault<'f>(&'f self, ctx: HugeFaultCtx<'f, Told, PfnMap>) -> VmFault<'f> {
        self.0.resident(ctx.may_sleep()).insert_huge(ctx)
    }
}

impl<B: Backing<Platform = Told>> VmOperations for InLarge<B> {
    type Platform = Told;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> = Hooks::NONE.huge_fault(Self::huge_fault).object(|state: &Self| Some(state.0.object()));
}

#[test]
fn a_large_entry_lies_in_one_piece_of_memory_that_is_there() {
    let may_sleep = may_sleep();
    let own = object();
    let touch = || Touch { vma: SHARED, object: Some(own.platform_object().clone()), ..Touch::default() };
    let entry = (FaultCode::NOPAGE, vec![(ENTRY.start, 512)]);
    let nothing = (FaultCode::FALLBACK, vec![]);
    for (is_on, made) in [(true, &entry), (false, &nothing)] {
        let switched = Switched { memory: Plenty, is_on };
        let memory = Revocable::new(switched, &own, PageCount::new(512), may_sleep).unwrap();
        assert_eq!(&huge(InLarge(memory), touch()), made, "{is_on}");
    }
    let shorter = Revocable::new(Plenty, &own, PageCount::new(511), may_sleep).unwrap();
    assert_eq!(huge(InLarge(shorter), touch()), nothing);
    for (each, made) in [(512, &entry), (256, &nothing)] {
        let pieces: Revocable<Told, Table<Plenty>> =
            Revocable::in_pieces(&own, PageCount::new(512), PageCount::new(each), may_sleep).unwrap();
        assert_eq!(&huge(InLarge(pieces), touch()), made, "{each}");
    }
}

/// A state that brings a neighbour and fails.
struct Beside(Revocable<Told, Table<Shelf>>);

impl VmOperations for Beside {
    type Platform = Told;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.object(|state: &Self| Some(state.0.object()));

    fn fault<'f>(&'f self, mut ctx: FaultCtx<'f, Told, Mixed>) -> VmFault<'f> {
        let resident = self.0.resident(ctx.may_sleep());
        assert_eq!(resident.prefault(&mut ctx, PageOffset::new(7)), Prefault::Inserted);
        ctx.fail(Errno::EIO)
    }
}

/// G22: so is what was brought beside a fault, and by a large entry.
#[test]
fn what_was_prefaulted_or_made_large_is_unmapped() {
    let may_sleep = may_sleep();
    let own = object();
    let unmapped = || std::mem::take(&mut *own.platform_object().lock().unwrap());
    let touch = || Touch { vma: SHARED, object: Some(own.platform_object().clone()), ..Touch::default() };

    let pieces = Revocable::in_pieces(&own, PageCount::new(8), PageCount::new(2), may_sleep).unwrap();
    let state = Arc::new(Beside(pieces));
    // SAFETY: the fault is served here, of a mapping with this state.
    assert_eq!(unsafe { entry::fault::<Beside>(&state, touch()) }, FaultCode::SIGBUS);
    drop(state.0.revoke_part(3..4, may_sleep).unwrap());
    assert_eq!(unmapped(), [(6, 2)]);

    let pieces: Revocable<Told, Table<Plenty>> =
        Revocable::in_pieces(&own, PageCount::new(512), PageCount::new(512), may_sleep).unwrap();
    let state = Arc::new(InLarge(pieces));
    // SAFETY: as above.
    let code = unsafe { entry::huge_fault::<InLarge<_>>(&state, touch(), HugeSize::Pmd) };
    assert_eq!(code, FaultCode::NOPAGE);
    drop(state.0.revoke_part(0..1, may_sleep).unwrap());
    assert_eq!(unmapped(), [(0, 512)]);
}

/// No pages are not all pages, which Linux would take them for; and what is unmapped of a part lies in it.
#[test]
fn no_pages_are_not_all_pages() {
    let may_sleep = may_sleep();
    let own = object();
    let part = own.part(PageOffset::new(4), PageCount::new(3)).unwrap();
    for (first, count) in [(0, 0), (3, 1), (usize::MAX, 1)] {
        part.unmap_once(PageOffset::new(first), PageCount::new(count), may_sleep);
    }
    part.unmap_once(PageOffset::new(1), PageCount::new(9), may_sleep);
    own.unmap_once(PageOffset::new(2), PageCount::ZERO, may_sleep);
    assert_eq!(*own.platform_object().lock().unwrap(), [(5, 2)]);
}

/// A state with every hook, or with none.
struct Inner<const ALL: bool>;

impl<const ALL: bool> VmOperations for Inner<ALL> {
    type Platform = Told;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = if ALL {
        Hooks::NONE
            .open(|_| Ok(()))
            .close(|_| ())
            .may_split(|_, _| Ok(()))
            .page_mkwrite(|_, ctx| ctx.allow())
            .pfn_mkwrite(|_, ctx| ctx.allow())
            .huge_fault(|_, ctx| ctx.fallback())
            .map_pages(|_, ctx| ctx.finish())
            .access(|_, ctx| ctx.copy_iomem(&BAR, ctx.pgoff()))
    } else {
        Hooks::NONE
    };
}

/// What wraps it.
struct Outer<const ALL: bool>(Inner<ALL>);

impl<const ALL: bool> VmOperations for Outer<ALL> {
    type Platform = Told;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::of_inner();
}

impl<const ALL: bool> Wraps for Outer<ALL> {
    type Inner = Inner<ALL>;

    fn inner(&self) -> &Inner<ALL> {
        &self.0
    }
}

#[test]
fn a_wrapper_has_the_hooks_of_what_it_wraps_and_no_others() {
    fn registered<V: VmOperations>() -> [bool; 9] {
        let hooks = V::HOOKS;
        [
            hooks.registered_open().is_some(),
            hooks.registered_close().is_some(),
            hooks.registered_may_split().is_some(),
            hooks.registered_page_mkwrite().is_some(),
            hooks.registered_pfn_mkwrite().is_some(),
            hooks.registered_huge_fault().is_some(),
            hooks.registered_map_pages().is_some(),
            hooks.registered_access().is_some(),
            hooks.is_told_of_stores(),
        ]
    }
    assert_eq!(registered::<Outer<true>>(), [true; 9]);
    assert_eq!(registered::<Outer<false>>(), [false; 9]);
}

struct Plain;

impl VmOperations for Plain {
    type Platform = Told;
    type Kind = Mixed;
}

#[test]
fn what_is_asked_of_a_mapping_that_was_cut_is_asked_of_each_part() {
    let [first, second] = Cut::HALVES;
    let told = |ask: &dyn Fn(&EstablishedCtx<'_, Told, Mixed>)| {
        let vma = Cut::default();
        // SAFETY: nothing is held.
        unsafe {
            entry::unlocked(vma.clone(), |unlocked| ask(&unlocked.find::<Plain>(UserAddr::new(first)).unwrap()));
        }
        let lists = [vma.inserted, vma.zapped].map(|list| list.lock().unwrap().clone());
        lists.concat()
    };
    let zap = |from, count| told(&|mapping| mapping.zap(PageOffset::new(from), PageCount::new(count)));
    // Pages that lie together are taken away at once, and no more than was asked for.
    assert_eq!(zap(2, 1), [(first, 1)]);
    assert_eq!(zap(2, 2), [(first, 2)]);
    assert_eq!(zap(3, 2), [(first + PAGE, 1), (second, 1)]);
    assert_eq!(zap(0, 5), [(first, 2), (second, 1)]);
    assert_eq!(zap(5, usize::MAX), [(second + PAGE, 1)]);
    assert_eq!((zap(0, 2), zap(6, 1), zap(2, 0)), (vec![], vec![], vec![]));

    let pages = [Blank(1), Blank(2), Blank(3)];
    let insert = |from: usize, inserted: usize| {
        told(&|mapping| {
            let into = mapping.insert_pages(PageOffset::new(from), &pages);
            assert_eq!(into.unwrap_or_else(|error| error.inserted).get(), inserted);
        })
    };
    assert_eq!(insert(2, 3), [(first, 2), (second, 1)]);
    assert_eq!(insert(3, 3), [(first + PAGE, 1), (second, 2)]);
    assert_eq!(insert(4, 2), [(second, 2)]);
    assert_eq!(insert(0, 0), []);
}

/// Pages are counted up to the last number that there is.
#[test]
fn a_mapping_may_show_the_last_pages_there_can_be() {
    let shown = |first| entry::Description::new::<Told>(RANGE, PageOffset::new(first), SHARED).map(|of| of.shown());
    let last = usize::MAX - FOUR.len();
    assert_eq!(shown(last), Ok(PageRange::new(PageOffset::new(last), PageOffset::new(usize::MAX))));
    assert_eq!(shown(last + 1), Err(Errno::EOVERFLOW));
}
