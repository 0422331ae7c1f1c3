//! Established mappings, reached from outside their hooks: by their handle, or by address.

use std::{
    marker::PhantomData,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread,
};

use vmctx::{
    Errno, FaultCtx, FrameSource as _, Handle, Hooks, InsertPagesError, Iomem as _, Kind, Mixed, PageCount,
    PageMkwriteCtx, PageOffset, PageRef as _, PfnMap, Platform, UnlockedCtx, UserAddr, VmFault, VmOperations,
};
use vmctx_hosted::{Map, Prot, UserSide as _};

use crate::{
    beds::{TestBed, if_told},
    drivers::{Handles, PAGE, PageOf, first_byte, number, on_fault, open, page_at, pages, share, with_handles},
    threads::all_at_once,
};

on_each_platform!(
    an_ioctl_fills_what_mmap_has_left_open,
    a_batch_says_exactly_how_much_went_in,
    a_batch_passes_over_what_is_there,
    another_mapping_at_the_same_address_is_not_the_handles,
    of_two_mappings_with_one_state_a_handle_prefers_its_own,
    what_a_handle_takes_away_goes_from_every_mapping_with_the_state,
    by_address_only_a_mapping_of_the_same_type_is_found,
    a_mapping_is_not_found_as_one_of_a_type_that_its_own_is_a_subtype_of,
    whoever_unmaps_waits_for_the_lock,
    frames_and_the_zero_page_go_in_by_ioctl_as_they_do_elsewhere,
    ioctls_and_faults_of_many_threads_agree_on_every_page,
    an_ioctl_that_a_hook_waits_for_goes_on,
);

/// A state without a fault hook: what an ioctl does not insert is not there.
struct Filled<P>(u32, PhantomData<fn(P) -> P>);

impl<P: Platform> VmOperations for Filled<P> {
    type Platform = P;
    type Kind = Mixed;
}

/// The same by another name.
struct Alike<P>(u32, PhantomData<fn(P) -> P>);

impl<P: Platform> VmOperations for Alike<P> {
    type Platform = P;
    type Kind = Mixed;
}

/// A file that ioctls fill: each of its mappings has a state of its own.
fn fillable<B: TestBed>(bed: &B, number: u32) -> (B::File, Handles<B::Platform, Mixed>) {
    with_handles(bed, move |may_sleep| {
        B::Platform::share(Filled::<B::Platform>(number, PhantomData), may_sleep).unwrap()
    })
}

/// The same, with a state of another type.
fn alike<B: TestBed>(bed: &B, number: u32) -> B::File {
    let state = share(bed, Alike::<B::Platform>(number, PhantomData));
    with_handles(bed, move |_| state.clone()).0
}

/// A file that ioctls fill, mapped, and the mapping's handle.
fn mapped<B: TestBed>(bed: &B, map: Map) -> (B::File, UserAddr, Handle<B::Platform, Mixed>) {
    let (file, handles) = fillable(bed, 0);
    let at = bed.mmap(&file, map);
    let handle = handles.lock().unwrap().pop().unwrap();
    (file, at, handle)
}

fn ioctl<B: TestBed, R>(bed: &B, run: impl FnOnce(&mut UnlockedCtx<'_, B::Platform>) -> R) -> R {
    bed.user().ioctl(run).unwrap()
}

fn insert<B: TestBed>(bed: &B, handle: &Handle<B::Platform, Mixed>, at: usize, page: &PageOf<B>) -> Result<(), Errno> {
    ioctl(bed, |ctx| handle.lock(ctx)?.insert_page(PageOffset::new(at), page))
}

fn zap<B: TestBed, M: Kind>(bed: &B, handle: &Handle<B::Platform, M>, first: usize, count: usize) {
    ioctl(bed, |ctx| handle.lock(ctx).unwrap().zap(PageOffset::new(first), PageCount::new(count)));
}

fn an_ioctl_fills_what_mmap_has_left_open<B: TestBed>() {
    let bed = B::new();
    let pages = pages(&bed, 3);
    let (_file, at, handle) = mapped(&bed, Map::shared(2 * PAGE).pgoff(PageOffset::new(1)));
    let is_mapped = |times: usize| {
        assert_eq!(B::references(&pages[2]), 1 + times);
        if_told(B::map_count(&pages[2]), times);
    };

    assert!(bed.load(at).is_err());
    assert_eq!(insert(&bed, &handle, 2, &pages[2]), Ok(()));
    assert_eq!(bed.load(page_at(at, 1)), Ok(3));
    assert_eq!(insert(&bed, &handle, 2, &pages[0]), Err(Errno::EBUSY));
    assert_eq!(insert(&bed, &handle, 2, &pages[2]), Err(Errno::EBUSY));
    for outside in [0, 3, usize::MAX] {
        assert_eq!(insert(&bed, &handle, outside, &pages[0]), Err(Errno::EFAULT));
    }
    is_mapped(1);
    ioctl(&bed, |ctx| {
        let mapped = handle.lock(ctx).unwrap();
        assert_eq!(mapped.pgoff_of(page_at(at, 1)), Some(PageOffset::new(2)));
        assert_eq!(mapped.pgoff_of(page_at(at, 2)), None);
        assert!(mapped.state::<Filled<B::Platform>>().is_some() && mapped.state::<Alike<B::Platform>>().is_none());
        mapped.zap(PageOffset::ZERO, PageCount::new(usize::MAX));
    });
    is_mapped(0);
}

fn a_batch_says_exactly_how_much_went_in<B: TestBed>() {
    let bed = B::new();
    let pages = pages(&bed, 6);
    let foreign = self::pages(&B::new(), 1).remove(0);
    let (_file, at, handle) = mapped(&bed, Map::shared(6 * PAGE));
    let batch = |first: usize, pages: &[PageOf<B>]| {
        ioctl(&bed, |ctx| handle.lock(ctx).unwrap().insert_pages(PageOffset::new(first), pages))
    };
    let all = |inserted| Ok(PageCount::new(inserted));
    let stopped = |errno, inserted, already_present| {
        let [inserted, already_present] = [inserted, already_present].map(PageCount::new);
        Err(InsertPagesError { errno, inserted, already_present })
    };
    // How often each page is mapped.
    let mapped = |expected: [usize; 6]| {
        for (page, times) in pages.iter().zip(expected) {
            assert_eq!(B::references(page), 1 + times);
            if_told(B::map_count(page), times);
        }
    };

    // One that may not be mapped is the end, and what was before it stays.
    let mut with_foreign = pages[..4].to_vec();
    with_foreign[2] = foreign;
    insert(&bed, &handle, 1, &pages[5]).unwrap();
    assert_eq!(batch(0, &with_foreign), stopped(Errno::EINVAL, 1, 1));
    drop(with_foreign);
    mapped([1, 0, 0, 0, 0, 1]);
    for (first, count, there) in [(0, 2, 2), (2, 4, 0)] {
        if_told(bed.mapped_pages(page_at(at, first), count), there);
    }
    zap(&bed, &handle, 1, 1);
    assert_eq!(batch(1, &pages[1..4]), all(3));
    assert_eq!(batch(5, &pages[..2]), stopped(Errno::EFAULT, 1, 0));
    assert_eq!(batch(6, &pages[..1]), stopped(Errno::EFAULT, 0, 0));
    assert_eq!(batch(5, &pages[..2]), stopped(Errno::EFAULT, 0, 1));
    assert_eq!(batch(0, &[]), all(0));

    // Two parts with a hole between them: as far as the first goes.
    zap(&bed, &handle, 0, 6);
    bed.munmap(page_at(at, 2), PAGE);
    assert_eq!(batch(0, &pages), stopped(Errno::EFAULT, 2, 0));
    assert_eq!(batch(3, &pages[3..]), all(3));
    // Over a cut without a hole it goes on.
    zap(&bed, &handle, 0, 6);
    bed.user().mprotect(page_at(at, 4), PAGE, Prot::READ).unwrap();
    insert(&bed, &handle, 4, &pages[0]).unwrap();
    assert_eq!(batch(3, &pages[3..]), all(2));
    mapped([1, 0, 0, 1, 0, 1]);
    bed.munmap(at, 6 * PAGE);
    mapped([0; 6]);
}

fn a_batch_passes_over_what_is_there<B: TestBed>() {
    const SLOTS: usize = 6;
    let bed = B::new();
    let (first_comers, batch) = (pages(&bed, SLOTS), pages(&bed, SLOTS));
    for page in &batch {
        page.write(0, &[first_byte(page) + 100]).unwrap();
    }
    let (_file, at, handle) = mapped(&bed, Map::shared(SLOTS * PAGE));
    // Every way in which slots can be filled before, and every part of the mapping that a batch can be for.
    for filled in 0..1 << SLOTS {
        let is_filled = |slot: usize| filled >> slot & 1 == 1;
        let first = filled % 3;
        let slots = first..SLOTS - filled % 2;
        for slot in (0..SLOTS).filter(|slot| is_filled(*slot)) {
            insert(&bed, &handle, slot, &first_comers[slot]).unwrap();
        }
        let free = slots.clone().filter(|slot| !is_filled(*slot)).count();
        let pages = &batch[slots.clone()];
        let [inserted, again] =
            [(); 2].map(|()| ioctl(&bed, |ctx| handle.lock(ctx).unwrap().insert_pages(PageOffset::new(first), pages)));
        assert_eq!((inserted, again), (Ok(PageCount::new(free)), Ok(PageCount::ZERO)), "{filled:b}");
        for slot in 0..SLOTS {
            let comes = !is_filled(slot) && slots.contains(&slot);
            let byte = if is_filled(slot) { Some(number(slot)) } else { comes.then(|| number(slot) + 100) };
            assert_eq!(bed.load(page_at(at, slot)).ok(), byte, "{filled:b}: slot {slot}");
            for (page, is_mapped) in [(&first_comers[slot], is_filled(slot)), (&batch[slot], comes)] {
                assert_eq!(B::references(page), 1 + usize::from(is_mapped), "{filled:b}: slot {slot}");
                if_told(B::map_count(page), usize::from(is_mapped));
            }
        }
        zap(&bed, &handle, 0, SLOTS);
    }
}

fn another_mapping_at_the_same_address_is_not_the_handles<B: TestBed>() {
    let bed = B::new();
    let page = pages(&bed, 1).remove(0);
    let (file, mut at, handle) = mapped(&bed, Map::shared(PAGE));
    let other = alike(&bed, 0);
    // Its state is dropped and its memory used again: by one of the same type, sooner or later at the same place.
    for round in 0..100 {
        bed.munmap(at, PAGE);
        let file = if round % 2 == 0 { &file } else { &other };
        let map = Map::shared(PAGE);
        at = bed.user().mmap(file, map.at(at)).unwrap_or_else(|refused| {
            assert!(B::SHARES_ADDRESSES && refused == Errno::EEXIST.into(), "{refused}");
            bed.mmap(file, map)
        });
        assert_eq!(insert(&bed, &handle, 0, &page), Err(Errno::EFAULT));
    }
    assert_eq!(B::references(&page), 1);
    if_told(B::map_count(&page), 0);
}

fn of_two_mappings_with_one_state_a_handle_prefers_its_own<B: TestBed>() {
    let bed = B::new();
    let pages = pages(&bed, 1);
    let page = &pages[0];
    let state = share(&bed, Filled::<B::Platform>(0, PhantomData));
    let (file, handles) = with_handles(&bed, move |_| state.clone());
    let whole = bed.mmap(&file, Map::shared(4 * PAGE));
    let part = bed.mmap(&file, Map::shared(PAGE).pgoff(PageOffset::new(2)));
    let handles = std::mem::take(&mut *handles.lock().unwrap());
    let in_whole = page_at(whole, 2);
    for (handle, own, other) in [(&handles[0], in_whole, part), (&handles[1], part, in_whole)] {
        insert(&bed, handle, 2, page).unwrap();
        assert!(bed.load(own).is_ok() && bed.load(other).is_err());
        if_told(bed.mapped_pages(own, 1), 1);
        assert_eq!(B::references(page), 2);
        if_told(B::map_count(page), 1);
        // Also where a range begins in the other one.
        zap(&bed, handle, 0, 4);
        assert_eq!(B::references(page), 1);
        if_told(B::map_count(page), 0);
    }
    // By address there is no doubt.
    for (at, other) in [(in_whole, part), (part, in_whole)] {
        ioctl(&bed, |ctx| ctx.find::<Filled<B::Platform>>(at)?.insert_page(PageOffset::new(2), page)).unwrap();
        assert!(bed.load(at).is_ok() && bed.load(other).is_err());
        if_told(bed.mapped_pages(at, 1), 1);
        ioctl(&bed, |ctx| {
            ctx.find::<Filled<B::Platform>>(at).unwrap().zap(PageOffset::new(2), PageCount::new(1));
        });
    }
}

/// Pages that faults insert, and of which first stores are told.
struct Told<P: Platform> {
    pages: Vec<P::Page>,
    stores: AtomicUsize,
}

impl<P: Platform> VmOperations for Told<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.page_mkwrite(|told, ctx: PageMkwriteCtx<'_, P, Mixed>| {
        told.stores.fetch_add(1, Ordering::SeqCst);
        ctx.allow()
    });

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        ctx.insert_page_with(|at| at.pgoff().of(&self.pages).ok_or(Errno::ENXIO))
    }
}

fn what_a_handle_takes_away_goes_from_every_mapping_with_the_state<B: TestBed>() {
    let bed = B::new();
    let pages = pages(&bed, 3);
    let state = share(&bed, Told::<B::Platform> { pages: pages.clone(), stores: AtomicUsize::new(0) });
    let (file, handles) = with_handles(&bed, {
        let state = state.clone();
        move |_| state.clone()
    });
    let whole = bed.mmap(&file, Map::shared(3 * PAGE));
    let part = bed.mmap(&file, Map::shared(2 * PAGE).pgoff(PageOffset::new(1)));
    let private = bed.mmap(&file, Map::private(3 * PAGE));
    // Page 2 wherever it shows, and what lies beside it.
    let (shown, beside) = ([page_at(whole, 2), page_at(part, 1)], [page_at(whole, 1), part]);
    let copy = page_at(private, 2);
    bed.store(copy, 50).unwrap();
    for handle in std::mem::take(&mut *handles.lock().unwrap()) {
        let stores = |at: [UserAddr; 2], told: usize| {
            let before = state.stores.load(Ordering::SeqCst);
            at.iter().for_each(|at| bed.store(*at, 60).unwrap());
            assert_eq!(state.stores.load(Ordering::SeqCst) - before, told);
        };
        let protect = |first, count| {
            ioctl(&bed, |ctx| handle.lock(ctx).unwrap().write_protect(PageOffset::new(first), PageCount::new(count)));
        };
        protect(0, 3);
        stores(shown, 2);
        stores(beside, 2);
        protect(2, 9);
        stores(shown, 2);
        stores(beside, 0);
        assert_eq!(bed.load(copy), Ok(50), "nobody is told of stores to a copy");
        zap(&bed, &handle, 2, 1);
        assert_eq!(
            (B::references(&pages[1]), B::references(&pages[2])),
            (4, 2),
            "the mappings', the state's, the test's"
        );
        assert_eq!(bed.load(copy), Ok(60), "a zap takes copies as well");
        bed.store(copy, 50).unwrap();
    }
    bed.assert_no_complaints();
}

fn by_address_only_a_mapping_of_the_same_type_is_found<B: TestBed>() {
    let bed = B::new();
    let (file, _) = fillable(&bed, 7);
    let alike = alike(&bed, 7);
    let page = pages(&bed, 1).remove(0);
    let bare = open(&bed, move |ctx| ctx.writable().without_faults::<Mixed>()?.insert_page(&page)?.finish());
    let map = |file| bed.mmap(file, Map::shared(PAGE));
    let (ours, theirs, nobodys) = (map(&file), map(&alike), map(&bare));
    let find = |at: UserAddr| {
        ioctl(&bed, |ctx| {
            let mapped = ctx.find::<Filled<B::Platform>>(at)?;
            Ok(mapped.state::<Filled<B::Platform>>().map(|state| state.0))
        })
    };
    assert_eq!(find(ours), Ok(Some(7)));
    assert_eq!(find(theirs), Err(Errno::EINVAL));
    assert_eq!(find(nobodys), Err(Errno::EINVAL));
    assert_eq!(find(UserAddr::new(0x1000)), Err(Errno::EFAULT));
    let theirs_is = ioctl(&bed, |ctx| {
        ctx.find::<Alike<B::Platform>>(theirs).map(|mapped| mapped.state::<Alike<B::Platform>>().unwrap().0)
    });
    assert_eq!(theirs_is, Ok(7));
}

/// A function of the first type is one of the second.
type ForAny = for<'a> fn(&'a ());
type ForStatic = fn(&'static ());

/// A mapping of frames, or one of pages.
struct Ambiguous<P, T>(PhantomData<T>, PhantomData<fn(P) -> P>);

impl<P: Platform> VmOperations for Ambiguous<P, ForAny> {
    type Platform = P;
    type Kind = PfnMap;
}

#[expect(coherence_leak_check, reason = "that these are two types is what is tested")]
impl<P: Platform> VmOperations for Ambiguous<P, ForStatic> {
    type Platform = P;
    type Kind = Mixed;
}

fn a_mapping_is_not_found_as_one_of_a_type_that_its_own_is_a_subtype_of<B: TestBed>() {
    let bed = B::new();
    let (file, _) = with_handles(&bed, |may_sleep| {
        B::Platform::share(Ambiguous::<B::Platform, ForAny>(PhantomData, PhantomData), may_sleep).unwrap()
    });
    let at = bed.mmap(&file, Map::shared(PAGE));
    let ioctl = bed.user().ioctl(|ctx| {
        assert!(ctx.find::<Ambiguous<B::Platform, ForAny>>(at).is_ok());
        ctx.find::<Ambiguous<B::Platform, ForStatic>>(at).err()
    });
    assert_eq!(ioctl, Ok(Some(Errno::EINVAL)));
}

fn whoever_unmaps_waits_for_the_lock<B: TestBed>() {
    let bed = B::new();
    let page = pages(&bed, 1).remove(0);
    let (_file, at, handle) = mapped(&bed, Map::shared(PAGE));
    thread::scope(|scope| {
        ioctl(&bed, |ctx| {
            let mapped = handle.lock(ctx).unwrap();
            scope.spawn(|| bed.munmap(at, PAGE));
            for _ in 0..100 {
                mapped.insert_page(PageOffset::ZERO, &page).unwrap();
                mapped.zap(PageOffset::ZERO, PageCount::new(1));
            }
        });
    });
    assert_eq!(insert(&bed, &handle, 0, &page), Err(Errno::EFAULT));
}

/// The frames of a device, by number or not, and nothing in a fault.
struct Frames<P: Platform, M>(P::Iomem, PhantomData<fn(M) -> M>);

impl<P: Platform, M: Kind> VmOperations for Frames<P, M> {
    type Platform = P;
    type Kind = M;
}

fn frames_and_the_zero_page_go_in_by_ioctl_as_they_do_elsewhere<B: TestBed>() {
    let bed = B::new();
    let memory = bed.device_memory(2);
    let state = share(&bed, Frames::<B::Platform, PfnMap>(memory.clone(), PhantomData));
    let (file, handles) = with_handles(&bed, move |_| state.clone());
    let at = bed.mmap(&file, Map::shared(2 * PAGE));
    let handle = handles.lock().unwrap().pop().unwrap();
    let second = PageOffset::new(1);
    ioctl(&bed, |ctx| {
        let mapped = handle.lock(ctx).unwrap();
        let inserted = mapped.with_state(|state: &Frames<B::Platform, PfnMap>, slots| {
            let frame = state.0.frame(second).unwrap();
            [second, second, PageOffset::new(2)].map(|at| slots.insert_pfn(at, frame))
        });
        assert_eq!(inserted, Some([Ok(()), Err(Errno::EBUSY), Err(Errno::EFAULT)]));
        // Of a state of another type nothing is borrowed.
        let of_another = mapped.with_state(|_: &Frames<B::Platform, Mixed>, _| unreachable!("it is not that"));
        assert_eq!(of_another, None::<()>);
    });
    bed.store(page_at(at, 1), 5).unwrap();
    let mut byte = [0];
    memory.read(PAGE, &mut byte).unwrap();
    assert_eq!(byte, [5]);

    let state = share(&bed, Frames::<B::Platform, Mixed>(memory, PhantomData));
    let (file, handles) = with_handles(&bed, move |_| state.clone());
    let shared = bed.mmap(&file, Map::shared(PAGE));
    let private = bed.mmap(&file, Map::private(2 * PAGE));
    let handles = std::mem::take(&mut *handles.lock().unwrap());
    let zero = |index: usize| ioctl(&bed, |ctx| handles[index].lock(ctx).unwrap().insert_zero_page(PageOffset::ZERO));
    assert_eq!((zero(0), zero(1)), (Err(Errno::EINVAL), Ok(())));
    assert!(bed.load(shared).is_err());
    if_told(bed.mapped_pages(shared, 1), 0);
    ioctl(&bed, |ctx| {
        let inserted = handles[1].lock(ctx).unwrap().with_state(|state: &Frames<B::Platform, Mixed>, slots| {
            slots.insert_mixed(second, state.0.frame(second).unwrap())
        });
        assert_eq!(inserted, Some(Ok(())));
    });
    assert_eq!((bed.load(private), bed.load(page_at(private, 1))), (Ok(0), Ok(5)));
    // A store makes a copy, as elsewhere; zapping takes that away, too.
    bed.store(private, 9).unwrap();
    zap(&bed, &handles[1], 0, 1);
    assert!(bed.load(private).is_err());
    if_told(bed.mapped_pages(private, 2), 1);
    if_told(bed.copies(), 1);
}

fn ioctls_and_faults_of_many_threads_agree_on_every_page<B: TestBed>() {
    let bed = B::new();
    let pages = pages(&bed, 8);
    let shown = pages.clone();
    let fault = on_fault::<B::Platform, Mixed, _>(move |ctx| {
        let page = &shown[ctx.pgoff().index()];
        ctx.insert_page(page)
    });
    let state = share(&bed, fault);
    let (file, handles) = with_handles(&bed, move |_| state.clone());
    let at = bed.mmap(&file, Map::shared(8 * PAGE));
    let handle = handles.lock().unwrap().pop().unwrap();
    let wrong = AtomicBool::new(false);
    all_at_once(4, |thread| {
        for round in 0..1000 {
            let slot = (round * 3 + thread) % 8;
            if thread % 2 == 0 {
                let byte = bed.load(page_at(at, slot)).unwrap();
                wrong.fetch_or(usize::from(byte) != slot + 1, Ordering::Relaxed);
                continue;
            }
            let became = ioctl(&bed, |ctx| {
                let mapped = handle.lock(ctx).unwrap();
                mapped.zap(PageOffset::new(slot), PageCount::new(1));
                mapped.insert_page(PageOffset::new(slot), &pages[slot])
            });
            wrong.fetch_or(!matches!(became, Ok(()) | Err(Errno::EBUSY)), Ordering::Relaxed);
        }
    });
    assert!(!wrong.load(Ordering::Relaxed));
    bed.munmap(at, 8 * PAGE);
    for page in &pages {
        assert_eq!(B::references(page), 2, "the driver's and the test's");
        if_told(B::map_count(page), 0);
    }
}

/// Its first fault waits, not for the platform, but for another thread.
struct Waits<B: TestBed> {
    page: PageOf<B>,
    called: Sender<()>,
    may_go_on: Mutex<Receiver<()>>,
}

impl<B: TestBed> Waits<B> {
    fn page_mkwrite<'f>(&'f self, ctx: PageMkwriteCtx<'f, B::Platform, Mixed>) -> VmFault<'f> {
        ctx.allow()
    }
}

impl<B: TestBed> VmOperations for Waits<B> {
    type Platform = B::Platform;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.page_mkwrite(Self::page_mkwrite);

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, B::Platform, Mixed>) -> VmFault<'f> {
        self.called.send(()).unwrap();
        self.may_go_on.lock().unwrap().recv().unwrap();
        ctx.insert_page(&self.page)
    }
}

/// The pages that the ioctl inserts lie anywhere in memory. Where the driver is told of stores, a platform may have to move
/// mappings for that, and must not wait for the hook.
fn an_ioctl_that_a_hook_waits_for_goes_on<B: TestBed>() {
    let bed = B::new();
    let pages = pages(&bed, 4);
    let ((called, was_called), (go_on, may_go_on)) = (channel(), channel());
    let state = share(&bed, Waits::<B> { page: pages[0].clone(), called, may_go_on: Mutex::new(may_go_on) });
    let (file, handles) = with_handles(&bed, move |_| state.clone());
    let at = bed.mmap(&file, Map::shared(4 * PAGE));
    let handle = handles.lock().unwrap().pop().unwrap();
    thread::scope(|scope| {
        let touching = scope.spawn(|| bed.load(at));
        was_called.recv().unwrap();
        for (slot, page) in [(1, 3), (2, 1), (3, 2)] {
            insert(&bed, &handle, slot, &pages[page]).unwrap();
        }
        go_on.send(()).unwrap();
        assert_eq!(touching.join().unwrap(), Ok(1));
    });
    let shown = [0, 1, 2, 3].map(|slot| bed.load(page_at(at, slot)).unwrap());
    assert_eq!(shown, [1, 4, 2, 3]);
}
