//! The first store to what is missing, where stores are told: one fault, in which both hooks are called.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use vmctx::{
    Errno, FaultCtx, FrameSource as _, Hooks, Iomem as _, Mapped, Mixed, MmapCtx, MmapFile, Normal, PageCount,
    PageMkwriteCtx, PageOffset, PfnMap, PfnMkwriteCtx, Platform, SharedObject, UserAddr, VmFault, VmOperations,
};
use vmctx_hosted::{Map, Prot, Trap, UserSide as _};

use crate::{
    beds::{IomemOf, TestBed, if_told},
    drivers::{PAGE, PageOf, RefOf, first_byte, open, page_at, pages, share},
};

on_each_platform!(
    a_page_that_is_handed_back_is_told_in_the_same_fault,
    a_page_that_is_handed_back_is_not_mapped_before_its_store_is_allowed,
    a_refused_store_to_a_page_that_was_handed_back_maps_nothing,
    a_repeated_store_to_a_page_that_was_handed_back_asks_both_hooks_again,
    the_page_is_waited_for_between_the_hooks,
    a_frame_is_told_in_the_same_fault,
    a_frame_behind_a_page_is_told_in_the_same_fault,
    a_frame_that_was_loaded_is_told_alone,
    a_neighbour_is_told_of_its_own_store,
    a_refused_store_to_a_frame_changes_nothing,
    a_repeated_store_to_a_frame_is_told_again,
    a_frame_that_goes_while_its_store_is_told_is_asked_for_again,
    nothing_is_told_where_nobody_may_store,
);

/// What was called, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    Fault,
    Store,
    /// The test has unlocked the page.
    Unlocked,
}

use Call::{Fault, Store, Unlocked};

#[derive(Default)]
struct Calls(Mutex<Vec<Call>>);

impl Calls {
    fn note(&self, call: Call) {
        self.0.lock().unwrap().push(call);
    }

    /// Those since this was last asked.
    fn take(&self) -> Vec<Call> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    fn any(&self) -> bool {
        !self.0.lock().unwrap().is_empty()
    }
}

type OnPageStore<P> = dyn for<'f> Fn(PageMkwriteCtx<'f, P, Normal>) -> VmFault<'f> + Send + Sync;

/// A page that is handed back, and what is made of its first store.
struct Handed<P: Platform> {
    page: P::Page,
    calls: Calls,
    store: Box<OnPageStore<P>>,
}

impl<P: Platform> Handed<P> {
    fn page_mkwrite<'f>(&'f self, ctx: PageMkwriteCtx<'f, P, Normal>) -> VmFault<'f> {
        self.calls.note(Store);
        assert!(ctx.is_write() && ctx.is_shared());
        // `do_page_mkwrite` sets two flags, and the one for a user's access is not among them.
        assert!(!ctx.is_user());
        (self.store)(ctx)
    }
}

impl<P: Platform> VmOperations for Handed<P> {
    type Platform = P;
    type Kind = Normal;
    const HOOKS: Hooks<Self> = Hooks::NONE.page_mkwrite(Self::page_mkwrite);

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Normal>) -> VmFault<'f> {
        self.calls.note(Fault);
        ctx.deliver(self.page.clone())
    }
}

type HandedOf<B> = RefOf<B, Handed<<B as crate::drivers::System>::Platform>>;

/// A mapping of one page that is handed back.
fn handed<B: TestBed>(
    bed: &B,
    page: &PageOf<B>,
    store: impl for<'f> Fn(PageMkwriteCtx<'f, B::Platform, Normal>) -> VmFault<'f> + Send + Sync + 'static,
) -> (UserAddr, HandedOf<B>) {
    let state = Handed { page: page.clone(), calls: Calls::default(), store: Box::new(store) };
    let state = share(bed, state);
    let shared = state.clone();
    let file = open(bed, move |ctx| Ok(ctx.writable().establish_shared(shared.clone())?.fill_later()));
    (bed.mmap(&file, Map::shared(PAGE)), state)
}

fn a_page_that_is_handed_back_is_told_in_the_same_fault<B: TestBed>() {
    let bed = B::new();
    let page = pages(&bed, 1).remove(0);
    let own = B::references(&page);
    let (at, state) = handed(&bed, &page, |ctx| ctx.allow());
    bed.store(at, 9).unwrap();
    assert_eq!((state.calls.take(), first_byte(&page), bed.faults()), (vec![Fault, Store], 9, 1));
    bed.store(at, 10).unwrap();
    assert_eq!((state.calls.take(), first_byte(&page)), (vec![], 10));
    assert_eq!(bed.faults(), 1);
    // The state's own, and the mapping's.
    assert_eq!(B::references(&page), own + 2);
    bed.munmap(at, PAGE);
    assert_eq!(B::references(&page), own + 1);
    bed.assert_no_complaints();
}

fn a_page_that_is_handed_back_is_not_mapped_before_its_store_is_allowed<B: TestBed>() {
    let bed = B::new();
    let page = pages(&bed, 1).remove(0);
    let watched = page.clone();
    // With the one that the state is going to have.
    let unmapped = B::references(&page) + 1;
    let (at, state) = handed(&bed, &page, move |ctx| {
        if_told(B::map_count(&watched), 0);
        // Beside those there are only the one that was handed back, and that of the page which is asked about.
        assert_eq!(B::references(&watched), unmapped + 2);
        ctx.allow()
    });
    bed.store(at, 9).unwrap();
    assert_eq!(B::references(&page), unmapped + 1);
    if_told(B::map_count(&page), 1);
    assert_eq!((state.calls.take(), bed.counts().inserted), (vec![Fault, Store], 1));
}

fn a_refused_store_to_a_page_that_was_handed_back_maps_nothing<B: TestBed>() {
    let bed = B::new();
    let page = pages(&bed, 1).remove(0);
    let (at, state) = handed(&bed, &page, |ctx| ctx.fail(Errno::ENOSPC));
    let unmapped = B::references(&page);
    assert_eq!(bed.store(at, 9), Err(Trap::Sigbus(at)));
    assert_eq!((state.calls.take(), first_byte(&page)), (vec![Fault, Store], 1));
    assert_eq!((B::references(&page), bed.counts().inserted), (unmapped, 0));
    if_told(bed.mapped_pages(at, 1), 0);
    // No hook is told of a load, because nothing changes by it.
    assert_eq!((bed.load(at), state.calls.take()), (Ok(1), vec![Fault]));
    assert_eq!(B::references(&page), unmapped + 1);
}

fn a_repeated_store_to_a_page_that_was_handed_back_asks_both_hooks_again<B: TestBed>() {
    let bed = B::new();
    let page = pages(&bed, 1).remove(0);
    let asked = AtomicBool::new(false);
    let (at, state) = handed(&bed, &page, move |ctx| {
        if asked.swap(true, Ordering::Relaxed) { ctx.allow() } else { ctx.fail_or_refault(Errno::EAGAIN) }
    });
    let unmapped = B::references(&page);
    bed.store(at, 9).unwrap();
    assert_eq!((state.calls.take(), first_byte(&page)), (vec![Fault, Store, Fault, Store], 9));
    assert_eq!(B::references(&page), unmapped + 1);
}

/// `__do_fault` locks the page that the fault hook has handed back, so `page_mkwrite` comes after whoever has it locked.
fn the_page_is_waited_for_between_the_hooks<B: TestBed>() {
    let bed = B::new();
    let page = pages(&bed, 1).remove(0);
    let (at, state) = handed(&bed, &page, |ctx| ctx.allow());
    thread::scope(|scope| {
        let storing = bed.user().ioctl(|ctx| {
            let lock = ctx.lock_page(&page);
            let storing = scope.spawn(|| bed.store(at, 9));
            while !state.calls.any() {
                thread::yield_now();
            }
            // Enough for a fault that does not wait to go on.
            for _ in 0..1000 {
                thread::yield_now();
            }
            state.calls.note(Unlocked);
            drop(lock);
            storing
        });
        storing.unwrap().join().unwrap().unwrap();
    });
    assert_eq!(state.calls.take(), [Fault, Unlocked, Store]);
}

type OnFrameStore = dyn Fn(PageOffset) -> Result<(), Errno> + Send + Sync;

/// Frames, and what is made of first stores to them.
struct Frames<P: Platform> {
    memory: P::Iomem,
    object: SharedObject<P>,
    calls: Calls,
    /// How many of those behind the one that is missing come with it.
    neighbours: usize,
    store: Mutex<Box<OnFrameStore>>,
}

impl<P: Platform> Frames<P> {
    fn told<'f, M>(&'f self, ctx: PfnMkwriteCtx<'f, P, M>) -> VmFault<'f> {
        self.calls.note(Store);
        assert!(ctx.is_write() && ctx.is_user());
        let allowed = self.store.lock().unwrap()(ctx.pgoff());
        match allowed {
            Ok(()) => ctx.allow(),
            Err(errno) => ctx.fail_or_refault(errno),
        }
    }
}

/// A mapping of them by number.
struct ByNumber<P: Platform>(P::Ref<Frames<P>>);

impl<P: Platform> ByNumber<P> {
    fn pfn_mkwrite<'f>(&'f self, ctx: PfnMkwriteCtx<'f, P, PfnMap>) -> VmFault<'f> {
        self.0.told(ctx)
    }
}

impl<P: Platform> VmOperations for ByNumber<P> {
    type Platform = P;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> = Hooks::NONE.pfn_mkwrite(Self::pfn_mkwrite);

    fn fault<'f>(&'f self, mut ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        self.0.calls.note(Fault);
        for behind in 1..=self.0.neighbours {
            let at = PageOffset::new(ctx.pgoff().index() + behind);
            if let Some(frame) = self.0.memory.frame(at) {
                ctx.prefault_pfn(at, frame);
            }
        }
        ctx.insert_pfn_with(|at| self.0.memory.frame(at.pgoff()).ok_or(Errno::ENXIO))
    }
}

/// A mapping of them among pages.
struct AmongPages<P: Platform>(P::Ref<Frames<P>>);

impl<P: Platform> AmongPages<P> {
    fn pfn_mkwrite<'f>(&'f self, ctx: PfnMkwriteCtx<'f, P, Mixed>) -> VmFault<'f> {
        self.0.told(ctx)
    }
}

impl<P: Platform> VmOperations for AmongPages<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.pfn_mkwrite(Self::pfn_mkwrite);

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        self.0.calls.note(Fault);
        ctx.insert_mixed_with(|at| self.0.memory.frame(at.pgoff()).ok_or(Errno::ENXIO))
    }
}

/// The file of both: mapped among pages, or by number.
struct File<P: Platform> {
    frames: P::Ref<Frames<P>>,
    among_pages: bool,
}

impl<P: Platform> MmapFile for File<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let ctx = ctx.shared_only()?.writable();
        if self.among_pages {
            Ok(ctx.establish(AmongPages(self.frames.clone()))?.fill_later())
        } else {
            Ok(ctx.establish(ByNumber(self.frames.clone()))?.fill_later())
        }
    }

    fn object(&self) -> Option<&SharedObject<P>> {
        Some(&self.frames.object)
    }
}

/// A bed with frames, a file of theirs, and where it is mapped.
struct Shown<B: TestBed> {
    bed: B,
    memory: IomemOf<B>,
    frames: RefOf<B, Frames<B::Platform>>,
    file: B::File,
    at: UserAddr,
}

impl<B: TestBed> Shown<B> {
    fn new(among_pages: bool, neighbours: usize) -> Self {
        let bed = B::new();
        let memory: IomemOf<B> = bed.device_memory(4);
        let frames = Frames {
            memory: memory.clone(),
            object: SharedObject::new(bed.may_sleep()).unwrap(),
            calls: Calls::default(),
            neighbours,
            store: Mutex::new(Box::new(|_| Ok(()))),
        };
        let frames = share(&bed, frames);
        let file = bed.open(File { frames: frames.clone(), among_pages });
        let at = bed.mmap(&file, Map::shared(4 * PAGE));
        Self { bed, memory, frames, file, at }
    }

    fn on_store(&self, store: impl Fn(PageOffset) -> Result<(), Errno> + Send + Sync + 'static) {
        *self.frames.store.lock().unwrap() = Box::new(store);
    }

    /// A store to a page comes to these calls, and arrives.
    fn store(&self, page: usize, byte: u8, calls: &[Call]) {
        assert_eq!(self.bed.store(page_at(self.at, page), byte), Ok(()), "page {page}");
        assert_eq!((&*self.frames.calls.take(), self.byte(page)), (calls, byte), "page {page}");
    }

    /// A store to a frame that is missing, which comes to one fault.
    fn first_store(&self, page: usize, byte: u8) {
        let faults = self.bed.faults();
        self.store(page, byte, &[Fault, Store]);
        assert_eq!(self.bed.faults() - faults, 1, "page {page}");
    }

    fn load(&self, page: usize, byte: u8, calls: &[Call]) {
        assert_eq!(self.bed.load(page_at(self.at, page)), Ok(byte), "page {page}");
        assert_eq!(self.frames.calls.take(), calls, "page {page}");
    }

    /// What the memory has there.
    fn byte(&self, page: usize) -> u8 {
        let mut byte = [0];
        self.memory.read(page * PAGE, &mut byte).unwrap();
        byte[0]
    }

    fn unmap(&self, page: usize) {
        self.frames.object.unmap_once(PageOffset::new(page), PageCount::new(1), self.bed.may_sleep());
    }
}

fn told_at_once<B: TestBed>(among_pages: bool) {
    let shown = Shown::<B>::new(among_pages, 0);
    shown.first_store(0, 3);
    shown.store(0, 4, &[]);
    shown.first_store(2, 5);
    if_told(shown.bed.mapped_pages(shown.at, 4), 2);
    // And where it was taken away, all over again.
    shown.unmap(0);
    shown.first_store(0, 6);
    shown.store(2, 7, &[]);
    assert_eq!(shown.bed.mkwrite_calls(), 3);
    shown.bed.assert_no_complaints();
}

fn a_frame_is_told_in_the_same_fault<B: TestBed>() {
    told_at_once::<B>(false);
}

fn a_frame_behind_a_page_is_told_in_the_same_fault<B: TestBed>() {
    told_at_once::<B>(true);
}

fn a_frame_that_was_loaded_is_told_alone<B: TestBed>() {
    for among_pages in [false, true] {
        let shown = Shown::<B>::new(among_pages, 0);
        shown.load(0, 0, &[Fault]);
        shown.store(0, 3, &[Store]);
        shown.store(0, 4, &[]);
        shown.bed.assert_no_complaints();
    }
}

fn a_neighbour_is_told_of_its_own_store<B: TestBed>() {
    let shown = Shown::<B>::new(false, 2);
    shown.first_store(0, 3);
    shown.load(2, 0, &[]);
    shown.store(1, 4, &[Store]);
    shown.store(2, 5, &[Store]);
    // Also where the store that has brought them is refused.
    shown.unmap(0);
    shown.unmap(1);
    shown.on_store(|at| if at.index() == 0 { Err(Errno::EROFS) } else { Ok(()) });
    assert_eq!(shown.bed.store(shown.at, 9), Err(Trap::Sigbus(shown.at)));
    assert_eq!(shown.frames.calls.take(), [Fault, Store]);
    shown.load(1, 4, &[]);
    shown.store(1, 6, &[Store]);
    shown.bed.assert_no_complaints();
}

fn a_refused_store_to_a_frame_changes_nothing<B: TestBed>() {
    for among_pages in [false, true] {
        let shown = Shown::<B>::new(among_pages, 0);
        shown.on_store(|_| Err(Errno::EROFS));
        for _ in 0..2 {
            assert_eq!(shown.bed.store(shown.at, 9), Err(Trap::Sigbus(shown.at)));
            assert_eq!((shown.bed.load(shown.at), shown.byte(0)), (Ok(0), 0), "and loads go on");
        }
        assert_eq!(shown.bed.mkwrite_calls(), 2);
        shown.on_store(|_| Ok(()));
        shown.bed.store(shown.at, 9).unwrap();
        assert_eq!((shown.byte(0), shown.bed.mkwrite_calls()), (9, 3));
        shown.bed.assert_no_complaints();
    }
}

fn a_repeated_store_to_a_frame_is_told_again<B: TestBed>() {
    for among_pages in [false, true] {
        let shown = Shown::<B>::new(among_pages, 0);
        let asked = AtomicBool::new(false);
        shown.on_store(move |_| if asked.swap(true, Ordering::Relaxed) { Ok(()) } else { Err(Errno::EAGAIN) });
        // The frame is there by then, so the fault hook has nothing to do.
        shown.store(0, 9, &[Fault, Store, Store]);
        shown.bed.assert_no_complaints();
    }
}

fn a_frame_that_goes_while_its_store_is_told_is_asked_for_again<B: TestBed>() {
    for among_pages in [false, true] {
        let shown = Shown::<B>::new(among_pages, 0);
        let (frames, gone) = (shown.frames.clone(), AtomicBool::new(false));
        let bed = std::sync::Arc::new(shown.bed);
        let sleeper = bed.clone();
        *shown.frames.store.lock().unwrap() = Box::new(move |at| {
            if !gone.swap(true, Ordering::Relaxed) {
                frames.object.unmap_once(at, PageCount::new(1), sleeper.may_sleep());
            }
            Ok(())
        });
        bed.store(shown.at, 9).unwrap();
        assert_eq!(shown.frames.calls.take(), [Fault, Store, Fault, Store]);
        let mut byte = [0];
        shown.memory.read(0, &mut byte).unwrap();
        assert_eq!(byte, [9]);
        // The hook's closure holds what holds it.
        *shown.frames.store.lock().unwrap() = Box::new(|_| Ok(()));
        bed.assert_no_complaints();
    }
}

/// G19: only where the mapping may be written does a store get to the hooks, or a frame become writable.
fn nothing_is_told_where_nobody_may_store<B: TestBed>() {
    for among_pages in [false, true] {
        let shown = Shown::<B>::new(among_pages, 0);
        let at = shown.bed.mmap(&shown.file, Map::shared(PAGE).prot(Prot::READ));
        assert_eq!(shown.bed.load(at), Ok(0));
        assert_eq!(shown.frames.calls.take(), [Fault]);
        assert_eq!(shown.bed.store(at, 9), Err(Trap::Sigsegv(at)));
        assert_eq!((shown.frames.calls.take(), shown.byte(0)), (vec![], 0));
        assert_eq!(shown.bed.mkwrite_calls(), 0);
    }
}
