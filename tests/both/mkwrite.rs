//! First stores: who is told, when, and what becomes of the store.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use vmctx::{
    Errno, FaultCtx, FrameSource as _, Handle, Hooks, Iomem as _, Mapped, Mixed, MmapCtx, MmapFile, PageCount,
    PageMkwriteCtx, PageOffset, PageRef as _, PfnMap, PfnMkwriteCtx, Platform, SharedObject, UserAddr, VmFault,
    VmOperations,
};
use vmctx_hosted::{Map, Trap, UserSide as _};

use crate::{
    beds::{IomemOf, TestBed, if_told},
    drivers::{PAGE, first_byte, open, page_at, pages, share, with_handles},
    threads::all_at_once,
    tracked::tracked,
};

on_each_platform!(
    the_first_store_is_told_and_no_other,
    a_store_that_is_refused_is_a_sigbus_and_does_not_happen,
    what_is_protected_again_is_told_again,
    no_store_is_lost_between_two_looks,
    a_cleaner_that_runs_beside_writers_misses_no_store,
    the_first_store_to_a_frame_is_told,
    a_slot_that_is_emptied_while_a_store_is_told_stays_empty,
    a_store_can_be_sent_to_a_copy_that_its_hook_makes,
    what_is_not_the_states_object_is_not_unmapped,
);

/// umap #32 answered a write-protection event with a copy.
fn the_first_store_is_told_and_no_other<B: TestBed>() {
    let bed = B::new();
    let mut pages = pages(&bed, 4);
    // In order and not: on `uffd` these are two ways into a mapping.
    for _ in 0..2 {
        pages.reverse();
        let (file, state, _) = tracked(&bed, &pages, false);
        let at = bed.mmap(&file, Map::shared(4 * PAGE));
        assert_eq!(bed.load(at), Ok(first_byte(&pages[0])));
        assert_eq!(state.stores(), [0, 0, 0, 0]);
        for _ in 0..3 {
            bed.store(at, 70).unwrap();
            bed.store(page_at(at, 2), 71).unwrap();
        }
        assert_eq!((state.stores(), first_byte(&pages[0]), first_byte(&pages[2])), (vec![1, 0, 1, 0], 70, 71));
        bed.munmap(at, 4 * PAGE);
    }
    bed.assert_no_complaints();
}

fn a_store_that_is_refused_is_a_sigbus_and_does_not_happen<B: TestBed>() {
    let bed = B::new();
    let pages = pages(&bed, 1);
    let (file, ..) = tracked(&bed, &pages, true);
    let at = bed.mmap(&file, Map::shared(PAGE));
    assert_eq!(bed.load(at), Ok(1));
    assert_eq!(bed.store(at, 9), Err(Trap::Sigbus(at)));
    assert_eq!((bed.load(at), first_byte(&pages[0])), (Ok(1), 1), "and loads go on");
}

fn write_protect<B: TestBed>(bed: &B, handle: &Handle<B::Platform, Mixed>, pages: usize) {
    let protect = bed
        .user()
        .ioctl(|ctx| handle.lock(ctx).map(|mapped| mapped.write_protect(PageOffset::ZERO, PageCount::new(pages))));
    protect.unwrap().unwrap();
}

fn what_is_protected_again_is_told_again<B: TestBed>() {
    let bed = B::new();
    let pages = pages(&bed, 3);
    let (file, state, handles) = tracked(&bed, &pages, false);
    let at = bed.mmap(&file, Map::shared(3 * PAGE));
    let handle = handles.lock().unwrap().pop().unwrap();
    for round in 1..=3 {
        for page in 0..3 {
            bed.store(page_at(at, page), round).unwrap();
        }
        assert_eq!((state.stores(), bed.mkwrite_calls()), (vec![usize::from(round); 3], 3 * u64::from(round)));
        write_protect(&bed, &handle, 3);
        // Loads go on without a fault.
        let faults = bed.faults();
        assert_eq!((bed.load(at), bed.faults()), (Ok(round), faults));
    }
    if_told(B::map_count(&pages[0]), 1);
}

/// While stores race with the protection: what was stored after a page was protected has been told.
fn no_store_is_lost_between_two_looks<B: TestBed>() {
    const ROUNDS: usize = 300;
    let bed = B::new();
    let mut pages = pages(&bed, 8);
    pages.reverse();
    let (file, state, handles) = tracked(&bed, &pages, false);
    let at = bed.mmap(&file, Map::shared(8 * PAGE));
    let handle = handles.lock().unwrap().pop().unwrap();
    thread::scope(|scope| {
        for thread in 0..2_usize {
            let (bed, pages, state) = (&bed, &pages, &state);
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    let page = (2 * round + thread) % 8;
                    let byte = u8::try_from(round % 200).unwrap();
                    bed.store(page_at(at, page), byte).unwrap();
                    assert!(state.stores()[page] > 0, "nobody was told of page {page}");
                    assert_eq!(first_byte(&pages[page]), byte);
                }
            });
        }
        for _ in 0..ROUNDS {
            let protect = bed.user().ioctl(|ctx| {
                let mapped = handle.lock(ctx)?;
                mapped.write_protect(PageOffset::ZERO, PageCount::new(4));
                mapped.zap(PageOffset::new(4), PageCount::new(4));
                Ok::<(), Errno>(())
            });
            protect.unwrap().unwrap();
        }
    });
    bed.assert_no_complaints();
}

/// A page with a copy of it on disk, brought up to date by whoever cleans it.
struct WrittenBack<P: Platform> {
    page: P::Page,
    dirty: Arc<AtomicBool>,
}

impl<P: Platform> WrittenBack<P> {
    fn page_mkwrite<'f>(&'f self, ctx: PageMkwriteCtx<'f, P, Mixed>) -> VmFault<'f> {
        let page = ctx.lock_page();
        self.dirty.store(true, Ordering::SeqCst);
        ctx.allow_locked(page)
    }
}

impl<P: Platform> VmOperations for WrittenBack<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.page_mkwrite(Self::page_mkwrite);

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        ctx.insert_page(&self.page)
    }
}

fn a_cleaner_that_runs_beside_writers_misses_no_store<B: TestBed>() {
    let bed = B::new();
    let page = pages(&bed, 1).remove(0);
    let dirty = Arc::new(AtomicBool::new(false));
    let (file, handles) = with_handles(&bed, {
        let state = share(&bed, WrittenBack::<B::Platform> { page: page.clone(), dirty: Arc::clone(&dirty) });
        move |_| state.clone()
    });
    let at = bed.mmap(&file, Map::shared(PAGE));
    let handle = handles.lock().unwrap().pop().unwrap();
    let writing = AtomicUsize::new(3);
    let disk = Mutex::new([0; PAGE]);
    let clean = || {
        if dirty.swap(false, Ordering::SeqCst) {
            write_protect(&bed, &handle, 1);
            page.read(0, &mut *disk.lock().unwrap()).unwrap();
        }
    };
    all_at_once(4, |thread| {
        if thread == 3 {
            while writing.load(Ordering::SeqCst) != 0 {
                clean();
            }
            return;
        }
        for byte in (1..=250).cycle().take(2000) {
            bed.store(UserAddr::new(at.get() + thread), byte).unwrap();
        }
        writing.fetch_sub(1, Ordering::SeqCst);
    });
    clean();
    let mut bytes = [0; PAGE];
    page.read(0, &mut bytes).unwrap();
    assert_eq!(bytes, *disk.lock().unwrap());
    assert_eq!(bytes[..3], [250; 3]);
}

/// Registers whose first store is noted.
struct Registers<P: Platform>(P::Iomem, AtomicUsize);

impl<P: Platform> Registers<P> {
    fn pfn_mkwrite<'f>(&'f self, ctx: PfnMkwriteCtx<'f, P, PfnMap>) -> VmFault<'f> {
        self.1.fetch_add(1, Ordering::Relaxed);
        ctx.allow()
    }
}

impl<P: Platform> VmOperations for Registers<P> {
    type Platform = P;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> = Hooks::NONE.pfn_mkwrite(Self::pfn_mkwrite);

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        match self.0.frame(ctx.pgoff()) {
            Some(frame) => ctx.insert_pfn(frame),
            None => ctx.fail(Errno::ENXIO),
        }
    }
}

fn the_first_store_to_a_frame_is_told<B: TestBed>() {
    let bed = B::new();
    let memory: IomemOf<B> = bed.device_memory(2);
    let state = share(&bed, Registers::<B::Platform>(memory, AtomicUsize::new(0)));
    let shared = state.clone();
    let file =
        open(&bed, move |ctx| Ok(ctx.shared_only()?.io().writable().establish_shared(shared.clone())?.fill_later()));
    let at = bed.mmap(&file, Map::shared(2 * PAGE));
    bed.store(at, 3).unwrap();
    bed.store(at, 4).unwrap();
    assert_eq!((bed.load(at), state.1.load(Ordering::Relaxed)), (Ok(4), 1));
    assert_eq!(bed.mkwrite_calls(), 1);
}

/// A frame of a mixed mapping, taken away from its users while they store to it.
struct Emptied<P: Platform> {
    memory: P::Iomem,
    mappings: SharedObject<P>,
    empties: AtomicBool,
    /// Whether loads and stores still find something.
    shows: AtomicBool,
    asked: AtomicUsize,
    told: AtomicUsize,
}

impl<P: Platform> Emptied<P> {
    fn pfn_mkwrite<'f>(&'f self, ctx: PfnMkwriteCtx<'f, P, Mixed>) -> VmFault<'f> {
        self.told.fetch_add(1, Ordering::SeqCst);
        if self.empties.load(Ordering::SeqCst) {
            self.mappings.unmap_once(ctx.pgoff(), PageCount::new(1), ctx.may_sleep());
        }
        let frame = self.memory.frame(ctx.pgoff()).unwrap();
        ctx.insert_mixed_mkwrite(frame)
    }
}

impl<P: Platform> VmOperations for Emptied<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.pfn_mkwrite(Self::pfn_mkwrite);

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.shows.load(Ordering::SeqCst) {
            ctx.insert_mixed_with(|at| self.memory.frame(at.pgoff()).ok_or(Errno::ENXIO))
        } else {
            ctx.fail(Errno::EIO)
        }
    }
}

struct EmptiedFile<P: Platform>(P::Ref<Emptied<P>>);

impl<P: Platform> MmapFile for EmptiedFile<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.writable().establish_shared(self.0.clone())?.fill_later())
    }

    fn object(&self) -> Option<&SharedObject<P>> {
        Some(&self.0.mappings)
    }
}

fn a_slot_that_is_emptied_while_a_store_is_told_stays_empty<B: TestBed>() {
    let bed = B::new();
    let memory: IomemOf<B> = bed.device_memory(2);
    let state = share(
        &bed,
        Emptied::<B::Platform> {
            memory: memory.clone(),
            mappings: SharedObject::new(bed.may_sleep()).unwrap(),
            empties: AtomicBool::new(true),
            shows: AtomicBool::new(true),
            asked: AtomicUsize::new(0),
            told: AtomicUsize::new(0),
        },
    );
    let file = bed.open(EmptiedFile(state.clone()));
    let at = bed.mmap(&file, Map::shared(2 * PAGE));
    let stored = |page: usize| {
        let mut byte = [0];
        memory.read(page * PAGE, &mut byte).unwrap();
        byte[0]
    };
    let calls = || (state.asked.load(Ordering::SeqCst), state.told.load(Ordering::SeqCst));

    // The memory is nobody's any more when the hook inserts: whoever stores has to ask again, and hears no.
    assert_eq!(bed.load(at), Ok(0));
    state.shows.store(false, Ordering::SeqCst);
    assert_eq!(bed.store(at, 9), Err(Trap::Sigbus(at)));
    assert_eq!((calls(), stored(0)), ((2, 1), 0));
    if_told(bed.mapped_pages(at, 2), 0);
    assert_eq!(bed.load(at), Err(Trap::Sigbus(at)));

    // And where it is shown again, it begins anew.
    state.shows.store(true, Ordering::SeqCst);
    state.empties.store(false, Ordering::SeqCst);
    bed.store(at, 9).unwrap();
    bed.store(at, 10).unwrap();
    assert_eq!((calls(), stored(0)), ((4, 2), 10));

    // The frame of another slot is left alone.
    bed.store(page_at(at, 1), 11).unwrap();
    assert_eq!((stored(0), stored(1)), (10, 11));
    bed.assert_no_complaints();
}

/// Pages that are shared with a snapshot until they are stored to: then the object gets a copy, and the snapshot keeps the
/// page.
struct CopiedOnWrite<P: Platform> {
    object: SharedObject<P>,
    memory: P::Memory,
    shared: Vec<P::Page>,
    copies: Mutex<Vec<Option<P::Page>>>,
    asked: AtomicUsize,
}

impl<P: Platform> CopiedOnWrite<P>
where
    P::Memory: Sync,
{
    fn page_mkwrite<'f>(&'f self, ctx: PageMkwriteCtx<'f, P, Mixed>) -> VmFault<'f> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let at = ctx.pgoff().index();
        let mut copies = self.copies.lock().unwrap();
        if copies[at].is_some() {
            drop(copies);
            return ctx.allow();
        }
        let copy = P::alloc_page(&self.memory, ctx.may_sleep()).unwrap();
        let mut bytes = [0; PAGE];
        self.shared[at].read(0, &mut bytes).unwrap();
        copy.write(0, &bytes).unwrap();
        // Before the page is unmapped: who touches it next finds the copy.
        copies[at] = Some(copy);
        drop(copies);
        match ctx.unmap(&self.object) {
            Ok(unmapped) => ctx.refault(unmapped),
            Err(errno) => ctx.fail(errno),
        }
    }
}

impl<P: Platform> VmOperations for CopiedOnWrite<P>
where
    P::Memory: Send + Sync,
{
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.page_mkwrite(Self::page_mkwrite).object(|image: &Self| Some(&image.object));

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let copies = self.copies.lock().unwrap();
        let at = ctx.pgoff().index();
        ctx.insert_page(copies[at].as_ref().unwrap_or(&self.shared[at]))
    }
}

/// The file of such pages.
struct Image<P: Platform>(P::Ref<CopiedOnWrite<P>>)
where
    P::Memory: Send + Sync;

impl<P: Platform> MmapFile for Image<P>
where
    P::Memory: Send + Sync,
{
    type Platform = P;

    fn object(&self) -> Option<&SharedObject<P>> {
        Some(&self.0.object)
    }

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.writable().establish_shared(self.0.clone())?.fill_later())
    }
}

fn a_store_can_be_sent_to_a_copy_that_its_hook_makes<B: TestBed>() {
    let bed = B::new();
    let shared = pages(&bed, 2);
    let state = CopiedOnWrite {
        object: SharedObject::new(bed.may_sleep()).unwrap(),
        memory: bed.memory().clone(),
        shared: shared.clone(),
        copies: Mutex::new(vec![None, None]),
        asked: AtomicUsize::new(0),
    };
    let state = share(&bed, state);
    let file = bed.open(Image(state.clone()));
    let (at, other) = (bed.mmap(&file, Map::shared(2 * PAGE)), bed.mmap(&file, Map::shared(2 * PAGE)));
    for mapping in [at, other] {
        assert_eq!((bed.load(mapping), bed.load(page_at(mapping, 1))), (Ok(1), Ok(2)));
    }
    bed.store(at, 70).unwrap();
    // The store is in the copy, which the other mapping shows, too; the page has what it had, and nobody has it mapped.
    assert_eq!((bed.load(at), bed.load(other), first_byte(&shared[0])), (Ok(70), Ok(70), 1));
    assert_eq!(state.asked.load(Ordering::Relaxed), 2, "for the page, and for its copy");
    if_told(B::map_count(&shared[0]), 0);
    if_told(B::map_count(&shared[1]), 2);
    bed.store(at, 71).unwrap();
    assert_eq!((state.asked.load(Ordering::Relaxed), bed.load(other)), (2, Ok(71)));
    bed.assert_no_complaints();
}

fn what_is_not_the_states_object_is_not_unmapped<B: TestBed>() {
    let bed = B::new();
    let page = pages(&bed, 1).remove(0);
    let foreign = SharedObject::new(bed.may_sleep()).unwrap();
    let (at, calls) = not_unmapped(&bed, &page, foreign);
    assert_eq!(bed.load(at), Ok(1));
    bed.store(at, 9).unwrap();
    assert_eq!((calls.load(Ordering::Relaxed), first_byte(&page)), (1, 9));
}

/// A mapping of a page whose state says of no object that it is its own, and tries to unmap this one.
fn not_unmapped<B: TestBed>(
    bed: &B,
    page: &crate::drivers::PageOf<B>,
    object: SharedObject<B::Platform>,
) -> (UserAddr, Arc<AtomicUsize>) {
    struct Tries<P: Platform>(P::Page, SharedObject<P>, Arc<AtomicUsize>);

    impl<P: Platform> Tries<P> {
        fn page_mkwrite<'f>(&'f self, ctx: PageMkwriteCtx<'f, P, Mixed>) -> VmFault<'f> {
            self.2.fetch_add(1, Ordering::Relaxed);
            assert!(matches!(ctx.unmap(&self.1), Err(Errno::EINVAL)));
            ctx.allow()
        }
    }

    impl<P: Platform> VmOperations for Tries<P> {
        type Platform = P;
        type Kind = Mixed;
        const HOOKS: Hooks<Self> = Hooks::NONE.page_mkwrite(Self::page_mkwrite);

        fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
            ctx.insert_page(&self.0)
        }
    }

    let calls = Arc::new(AtomicUsize::new(0));
    let state = share(bed, Tries(page.clone(), object, Arc::clone(&calls)));
    let file = open(bed, move |ctx| Ok(ctx.writable().establish_shared(state.clone())?.fill_later()));
    (bed.mmap(&file, Map::shared(PAGE)), calls)
}
