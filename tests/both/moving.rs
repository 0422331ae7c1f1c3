//! Memory that is revoked, or moves, under its users.

use std::{
    marker::PhantomData,
    mem,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use vmctx::{
    Backing, Errno, FaultCtx, FrameSource as _, Hooks, Iomem as _, Mapped, MaySleep, Mixed, MmapCtx, MmapFile,
    PageCount, PageOffset, PageRef as _, PfnMap, Platform, Revocable, RwLock as _, SharedObject, Spot, UserAddr,
    VmFault, VmOperations,
    kind::{FilledLater, HoldsRevocable},
};
use vmctx_hosted::{Map, Refusal, Trap, UserSide};

use crate::{
    bar::{BarFile, bar},
    beds::{IomemOf, TestBed, if_told},
    drivers::{OnDrop, PAGE, RefOf, page_at, share},
    switched::{SwitchedFile, switched},
    threads::all_at_once,
};

on_each_platform!(
    what_is_revoked_is_a_sigbus_and_what_comes_back_is_there,
    what_was_switched_off_under_the_drivers_lock_is_seen_by_nobody,
    memory_that_moves_by_number_is_never_seen_where_it_was,
    memory_that_moves_among_pages_is_never_seen_where_it_was,
    a_move_that_is_given_up_leaves_the_memory_where_it_was,
    memory_that_is_dropped_is_unmapped_first,
    a_mapping_of_another_object_is_refused,
    memory_whose_object_nobody_has_named_is_not_inserted,
    only_the_pages_that_the_memory_has_are_there,
    a_fault_that_finds_the_memory_moved_is_repeated,
);

fn what_is_revoked_is_a_sigbus_and_what_comes_back_is_there<B: TestBed>() {
    let bed = B::new();
    let device = switched(&bed);
    let file = bed.open(SwitchedFile(device.clone()));
    let (first, second) = (bed.mmap(&file, Map::shared(PAGE)), bed.mmap(&file, Map::shared(2 * PAGE)));
    let may_sleep = bed.may_sleep();
    for on in [true, false, true, true, false] {
        let mut switch = device.on.write(may_sleep);
        *switch = on;
        device.mappings.unmap_once(PageOffset::ZERO, PageCount::new(2), may_sleep);
        drop(switch);
        for at in [first, second, page_at(second, 1)] {
            assert_eq!(bed.load(at), if on { Ok(1) } else { Err(Trap::Sigbus(at)) });
        }
    }
    assert_eq!(B::references(&device.page), 1);
}

fn what_was_switched_off_under_the_drivers_lock_is_seen_by_nobody<B: TestBed>() {
    let bed = B::new();
    let bar = bar(&bed, bed.device_memory(1));
    let switch = |to| {
        let mut on = bar.on.write(bed.may_sleep());
        *on = to;
        bar.mappings.unmap_once(PageOffset::ZERO, bar.memory.count(), bed.may_sleep());
    };
    let file = bed.open(BarFile { bar: bar.clone(), is_of_it: true });
    let at = bed.mmap(&file, Map::shared(PAGE));
    // While it is off its memory reads as something else.
    let (running, seen) = (AtomicUsize::new(3), AtomicUsize::new(0));
    all_at_once(4, |thread| {
        if thread == 3 {
            while running.load(Ordering::SeqCst) != 0 {
                switch(false);
                bar.memory.write(0, &[POISON]).unwrap();
                bar.memory.write(0, &[0]).unwrap();
                switch(true);
            }
            return;
        }
        let _done = OnDrop(|| _ = running.fetch_sub(1, Ordering::SeqCst));
        for _ in 0..2000 {
            match bed.load(at) {
                Ok(byte) => _ = seen.fetch_or(usize::from(byte), Ordering::Relaxed),
                Err(trap) => assert_eq!(trap, Trap::Sigbus(at)),
            }
        }
    });
    assert_eq!(seen.load(Ordering::Relaxed), 0);
    switch(false);
    assert_eq!(bed.load(at), Err(Trap::Sigbus(at)));
    bed.assert_no_complaints();
}

/// How many pages move together.
const PAGES: usize = 3;

/// Where the object begins that the memory is a part of.
const FIRST: usize = 5;

/// What stands where the memory is not any more.
const POISON: u8 = 0xee;

/// In a part of the device's memory, or in pages.
enum Place<P: Platform> {
    Device(P::Iomem, usize),
    Ram(Vec<P::Page>),
}

impl<P: Platform> Place<P> {
    fn read(&self, page: usize, into: &mut [u8]) {
        match self {
            Self::Device(memory, first) => memory.read((first + page) * PAGE, into).unwrap(),
            Self::Ram(pages) => pages[page].read(0, into).unwrap(),
        }
    }

    fn write(&self, page: usize, from: &[u8]) {
        match self {
            Self::Device(memory, first) => memory.write((first + page) * PAGE, from).unwrap(),
            Self::Ram(pages) => pages[page].write(0, from).unwrap(),
        }
    }
}

impl<P: Platform> Backing for Place<P> {
    type Platform = P;

    fn spot(&self, at: PageCount) -> Result<Spot<'_, P>, Errno> {
        let spot = match self {
            Self::Device(memory, first) => memory.frame(PageOffset::new(first + at.get())).map(Spot::Frame),
            Self::Ram(pages) => pages.get(at.get()).map(Spot::Page),
        };
        spot.ok_or(Errno::ENXIO)
    }
}

type Moving<P> = Revocable<P, Place<P>>;

/// What a fault does before it inserts.
type Before<P> = Box<dyn Fn(&Moving<P>, MaySleep<'_>) + Send + Sync>;

/// The state of all mappings of the object.
struct Object<P: Platform, K> {
    store: P::RwLock<Option<Moving<P>>>,
    mappings: SharedObject<P>,
    is_named: bool,
    before: Option<Before<P>>,
    kind: PhantomData<fn(K) -> K>,
}

impl<P: Platform, K: HoldsRevocable> VmOperations for Object<P, K> {
    type Platform = P;
    type Kind = K;
    const HOOKS: Hooks<Self> = Hooks::NONE.object(|object: &Self| object.is_named.then_some(&object.mappings));

    fn fault<'f>(&'f self, mut ctx: FaultCtx<'f, P, K>) -> VmFault<'f> {
        let store = self.store.read(ctx.may_sleep());
        let Some(store) = &*store else { return ctx.fail(Errno::EIO) };
        let resident = store.resident(ctx.may_sleep());
        if let Some(before) = &self.before {
            let epoch = resident.epoch(&ctx);
            drop(resident);
            before(store, ctx.may_sleep());
            return match epoch.resident(ctx.may_sleep()) {
                Ok(resident) => resident.insert(ctx),
                Err(moved) => ctx.refault(moved),
            };
        }
        let neighbour = PageOffset::new(ctx.pgoff().index() + 1);
        resident.prefault(&mut ctx, neighbour);
        resident.insert(ctx)
    }
}

/// A file of the object's, or one that only says that it is not.
struct Opened<P: Platform, K: 'static> {
    object: P::Ref<Object<P, K>>,
    is_of_it: bool,
}

impl<P: Platform, K: HoldsRevocable + FilledLater> MmapFile for Opened<P, K> {
    type Platform = P;

    fn object(&self) -> Option<&SharedObject<P>> {
        self.is_of_it.then_some(&self.object.mappings)
    }

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.shared_only()?.writable().establish_shared(self.object.clone())?.fill_later())
    }
}

/// The object, of which a part lies in pages.
fn object<B: TestBed, K: HoldsRevocable>(
    bed: &B,
    before: Option<Before<B::Platform>>,
) -> RefOf<B, Object<B::Platform, K>> {
    let may_sleep = bed.may_sleep();
    let mappings = SharedObject::new(may_sleep).unwrap();
    let part = mappings.part(PageOffset::new(FIRST), PageCount::new(PAGES)).unwrap();
    let store = Revocable::new(in_ram(bed), &part, part.page_count(), may_sleep).unwrap();
    let store = vmctx::RwLock::new(Some(store), may_sleep).unwrap();
    share(bed, Object { store, mappings, is_named: true, before, kind: PhantomData })
}

/// A file of the object's, and a mapping of the part that moves.
fn opened<B: TestBed, K: HoldsRevocable + FilledLater>(
    bed: &B,
    object: &RefOf<B, Object<B::Platform, K>>,
    is_of_it: bool,
) -> (B::File, UserAddr) {
    let file = bed.open(Opened { object: object.clone(), is_of_it });
    let at = bed.mmap(&file, Map::shared(PAGES * PAGE).pgoff(PageOffset::new(FIRST)));
    (file, at)
}

fn in_ram<B: TestBed>(bed: &B) -> Place<B::Platform> {
    Place::Ram((0..PAGES).map(|_| B::Platform::alloc_page(bed.memory(), bed.may_sleep()).unwrap()).collect())
}

/// Moves the memory, and leaves something else where it was.
fn move_to<B: TestBed, K>(bed: &B, object: &Object<B::Platform, K>, to: Place<B::Platform>) {
    let store = object.store.read(bed.may_sleep());
    let mut place = store.as_ref().unwrap().revoke(bed.may_sleep());
    let mut bytes = [0; PAGE];
    for page in 0..PAGES {
        place.read(page, &mut bytes);
        to.write(page, &bytes);
    }
    let from = mem::replace(&mut *place, to);
    for page in 0..PAGES {
        from.write(page, &[POISON; PAGE]);
    }
}

/// Loads a number.
fn load_u32(user: &impl UserSide, at: UserAddr) -> u32 {
    let mut bytes = [0; 4];
    user.read(at, &mut bytes).unwrap();
    u32::from_ne_bytes(bytes)
}

/// Readers and writers, and a child of theirs where there can be one, while the memory moves all the time.
fn moves_under_load<B: TestBed, K: HoldsRevocable + FilledLater>() {
    const ROUNDS: u32 = 3000;
    const MOVES: usize = 2000;
    let bed = B::new();
    // Two places in the device, and ever new ones in RAM.
    let device: IomemOf<B> = bed.device_memory(2 * PAGES);
    let object = object::<B, K>(&bed, None);
    let (file, at) = opened::<B, K>(&bed, &object, true);
    let child = bed.user().fork().ok().map(Result::unwrap);
    let parent = &**bed.user();
    let other = child.as_ref().unwrap_or(parent);
    let writing = AtomicUsize::new(4);
    thread::scope(|scope| {
        // Each writer has words of its own, and finds in them what it has written last.
        let writers: Vec<_> = [parent, other, parent, other]
            .into_iter()
            .enumerate()
            .map(|(index, user)| {
                let writing = &writing;
                scope.spawn(move || {
                    let _done = OnDrop(|| _ = writing.fetch_sub(1, Ordering::Release));
                    for round in 1..=ROUNDS {
                        let page = page_at(at, round as usize % PAGES);
                        let word = UserAddr::new(page.get() + 4 * index);
                        let expected = round.saturating_sub(u32::try_from(PAGES).unwrap());
                        assert_eq!(load_u32(user, word), expected, "round {round}");
                        user.write(word, &round.to_ne_bytes()).unwrap();
                        // Whatever the others write, it is not that.
                        let mut words = [0; 16];
                        user.read(page, &mut words).unwrap();
                        assert!(!words.chunks(4).any(|word| word == [POISON; 4]), "where it was");
                    }
                })
            })
            .collect();
        let mut moves = 0;
        while moves < MOVES || writing.load(Ordering::Acquire) != 0 {
            let to = if moves % 3 == 2 { in_ram(&bed) } else { Place::Device(device.clone(), moves % 3 * PAGES) };
            move_to(&bed, &object, to);
            moves += 1;
        }
        assert!(writers.into_iter().map(thread::ScopedJoinHandle::join).all(|ended| ended.is_ok()));
    });
    // All of them see the same, and it is what was written last.
    for user in [parent, other] {
        for index in 0..4 {
            let last = (1..=ROUNDS).rev().find(|round| *round as usize % PAGES == 1).unwrap();
            assert_eq!(load_u32(user, UserAddr::new(page_at(at, 1).get() + 4 * index)), last);
        }
    }
    drop(child);
    bed.munmap(at, PAGES * PAGE);
    drop((file, object));
    assert_eq!(bed.pages_in_use(), 0);
    if_told(bed.page_tables_in_use(), 0);
    bed.assert_no_complaints();
}

fn memory_that_moves_by_number_is_never_seen_where_it_was<B: TestBed>() {
    moves_under_load::<B, PfnMap>();
}

fn memory_that_moves_among_pages_is_never_seen_where_it_was<B: TestBed>() {
    moves_under_load::<B, Mixed>();
}

fn a_move_that_is_given_up_leaves_the_memory_where_it_was<B: TestBed>() {
    let bed = B::new();
    let object = object::<B, Mixed>(&bed, None);
    let (_file, at) = opened::<B, Mixed>(&bed, &object, true);
    bed.store(at, 9).unwrap();
    // The fault brought its neighbour along.
    if_told(bed.mapped_pages(at, PAGES), 2);
    assert_eq!(bed.counts().inserted, 2);
    let store = object.store.read(bed.may_sleep());
    let revoked = store.as_ref().unwrap().revoke(bed.may_sleep());
    if_told(bed.mapped_pages(at, PAGES), 0);
    assert!(store.as_ref().unwrap().try_resident().is_none());
    drop(revoked);
    assert!(store.as_ref().unwrap().try_resident().is_some());
    drop(store);
    assert_eq!(bed.load(at), Ok(9));
    assert_eq!(bed.counts().handler_calls, 2);
}

fn memory_that_is_dropped_is_unmapped_first<B: TestBed>() {
    let bed = B::new();
    let object = object::<B, PfnMap>(&bed, None);
    let (_file, at) = opened::<B, PfnMap>(&bed, &object, true);
    bed.store(at, 9).unwrap();
    if_told(bed.mapped_pages(at, PAGES), 2);
    assert_eq!((bed.counts().inserted, bed.pages_in_use()), (2, PAGES));
    let store = object.store.write(bed.may_sleep()).take();
    drop(store);
    if_told(bed.mapped_pages(at, PAGES), 0);
    assert_eq!(bed.pages_in_use(), 0);
    assert_eq!(bed.load(at), Err(Trap::Sigbus(at)));
}

fn a_mapping_of_another_object_is_refused<B: TestBed>() {
    let bed = B::new();
    let object = object::<B, Mixed>(&bed, None);
    let file = bed.open(Opened { object, is_of_it: false });
    assert_eq!(bed.user().mmap(&file, Map::shared(PAGE)), Err(Refusal::Errno(Errno::EINVAL)));
}

/// Unmapping the object would not find it: the state names none, or the one that is mapped, and the memory is another's.
fn memory_whose_object_nobody_has_named_is_not_inserted<B: TestBed>() {
    for is_named in [false, true] {
        let bed = B::new();
        let mappings = SharedObject::new(bed.may_sleep()).unwrap();
        let other = SharedObject::new(bed.may_sleep()).unwrap();
        let whole = if is_named { &other } else { &mappings };
        let part = whole.part(PageOffset::new(FIRST), PageCount::new(PAGES)).unwrap();
        let store = Revocable::new(in_ram(&bed), &part, part.page_count(), bed.may_sleep()).unwrap();
        let store = vmctx::RwLock::new(Some(store), bed.may_sleep()).unwrap();
        let object = Object { store, mappings, is_named, before: None, kind: PhantomData };
        let object = share::<B, Object<B::Platform, Mixed>>(&bed, object);
        let (_file, at) = opened::<B, Mixed>(&bed, &object, true);
        assert_eq!(bed.load(at), Err(Trap::Sigbus(at)));
        assert_eq!(bed.counts().inserted, 0);
    }
}

fn only_the_pages_that_the_memory_has_are_there<B: TestBed>() {
    let bed = B::new();
    let object = object::<B, Mixed>(&bed, None);
    let (file, _) = opened::<B, Mixed>(&bed, &object, true);
    let at = bed.mmap(&file, Map::shared((FIRST + PAGES + 1) * PAGE));
    for page in 0..=FIRST + PAGES {
        let there = bed.load(page_at(at, page)).is_ok();
        assert_eq!(there, (FIRST..FIRST + PAGES).contains(&page), "page {page}");
    }
}

fn a_fault_that_finds_the_memory_moved_is_repeated<B: TestBed>() {
    let bed = B::new();
    // The first fault moves it.
    let elsewhere = Mutex::new(Some(in_ram(&bed)));
    let before: Before<B::Platform> = Box::new(move |store, may_sleep| {
        if let Some(to) = elsewhere.lock().unwrap().take() {
            let mut place = store.revoke(may_sleep);
            to.write(0, &[7]);
            *place = to;
        }
    });
    let object = object::<B, Mixed>(&bed, Some(before));
    let (_file, at) = opened::<B, Mixed>(&bed, &object, true);
    assert_eq!(bed.load(at), Ok(7));
    let counts = bed.counts();
    assert_eq!((counts.handler_calls, bed.refaults(), counts.inserted), (2, 1, 1));
    assert_eq!(bed.pages_in_use(), PAGES);
}
