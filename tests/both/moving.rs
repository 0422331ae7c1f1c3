//! Memory that is revoked, or moves, under its users.

use std::{
    marker::PhantomData,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use vmctx::{
    Errno, FaultCtx, FrameSource as _, Iomem as _, Location, Mapped, Mappings, Mixed, MmapCtx, MmapFile, Page as _,
    PageCount, PageOffset, PfnMap, Platform, Relocatable, RwLock as _, Spot, UserAddr, VmFault, VmOperations,
    kind::{FilledLater, HoldsMoving},
};
use vmctx_hosted::{Map, Trap, UserSide};

use crate::{
    beds::{IomemOf, TestBed, if_told},
    drivers::{OnDrop, PAGE, page_at, share},
    switched::{SwitchedFile, switched},
};

on_each_platform!(
    what_is_revoked_is_a_sigbus_and_what_comes_back_is_there,
    memory_that_moves_by_number_is_never_seen_where_it_was,
    memory_that_moves_among_pages_is_never_seen_where_it_was,
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
        device.mappings.unmap(PageOffset::ZERO, PageCount::new(2), may_sleep);
        drop(switch);
        for at in [first, second, page_at(second, 1)] {
            assert_eq!(bed.load(at), if on { Ok(1) } else { Err(Trap::Sigbus(at)) });
        }
    }
    assert_eq!(B::references(&device.page), 1);
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

impl<P: Platform> Location for Place<P> {
    type Platform = P;

    fn spot(&self, at: PageCount) -> Option<Spot<'_, P>> {
        match self {
            Self::Device(memory, first) => memory.frame(PageOffset::new(first + at.get())).map(Spot::Frame),
            Self::Ram(pages) => pages.get(at.get()).map(Spot::Page),
        }
    }
}

/// The state of all mappings of the object, and its file.
struct Object<P: Platform, K> {
    store: Relocatable<P, Place<P>>,
    mappings: Mappings<P>,
    kind: PhantomData<fn(K) -> K>,
}

impl<P: Platform, K: HoldsMoving> VmOperations for Object<P, K> {
    type Platform = P;
    type Mapping = K;

    fn fault<'f>(&self, mut ctx: FaultCtx<'f, P, K>) -> VmFault<'f> {
        let resident = self.store.resident(ctx.may_sleep());
        let neighbour = PageOffset::new(ctx.pgoff().index() + 1);
        resident.prefault(&mut ctx, neighbour);
        resident.insert(ctx)
    }
}

struct ObjectFile<P: Platform, K: 'static>(P::Ref<Object<P, K>>);

impl<P: Platform, K: HoldsMoving + FilledLater> MmapFile for ObjectFile<P, K> {
    type Platform = P;

    fn mmap<'m>(&self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.shared_only()?.establish_shared(self.0.clone())?.fill_later())
    }

    fn mappings(&self) -> Option<&Mappings<P>> {
        Some(&self.0.mappings)
    }
}

fn in_ram<B: TestBed>(bed: &B) -> Place<B::Platform> {
    Place::Ram((0..PAGES).map(|_| B::Platform::alloc_page(bed.memory(), bed.may_sleep()).unwrap()).collect())
}

/// Moves the memory, and leaves something else where it was.
fn move_to<B: TestBed, K>(bed: &B, object: &Object<B::Platform, K>, to: Place<B::Platform>) {
    let moving = object.store.begin_move(bed.may_sleep());
    let mut bytes = [0; PAGE];
    for page in 0..PAGES {
        moving.location().read(page, &mut bytes);
        to.write(page, &bytes);
    }
    let from = moving.finish(to);
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
fn moves_under_load<B: TestBed, K: HoldsMoving + FilledLater>() {
    const ROUNDS: u32 = 3000;
    const MOVES: usize = 2000;
    let bed = B::new();
    let may_sleep = bed.may_sleep();
    // Two places in the device, and ever new ones in RAM.
    let device: IomemOf<B> = bed.device_memory(2 * PAGES);
    let mappings = Mappings::new(may_sleep).unwrap();
    let (first, count) = (PageOffset::new(FIRST), PageCount::new(PAGES));
    let store = Relocatable::new(in_ram(&bed), mappings.clone(), first, count, may_sleep).unwrap();
    let object = share(&bed, Object::<B::Platform, K> { store, mappings, kind: PhantomData });
    let file = bed.open(ObjectFile(object.clone()));
    let at = bed.mmap(&file, Map::shared(PAGES * PAGE).pgoff(first));
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
