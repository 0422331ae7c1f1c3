//! Memory that is revoked, or moves, under its users.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use vmctx::{
    Errno, FaultCtx, FrameSource, Iomem as _, Location, Mapped, Mappings, Mixed, MmapCtx, MmapFile, Page as _,
    PageCount, PageOffset, PfnMap, Relocatable, RwLock as _, Spot, VmFault, VmOperations,
    kind::{FilledLater, HoldsMoving},
};
use vmctx_uffd::{DeviceMemory, Map, Memory, Page, RwLock, Session, Trap, Uffd};

use crate::drivers::{PAGE, first_byte, load, page_at, pages, session};

/// A page that can be switched off.
pub(crate) struct Switched {
    pub(crate) page: Page,
    pub(crate) on: RwLock<bool>,
    pub(crate) mappings: Mappings<Uffd>,
}

impl VmOperations for Switched {
    type Platform = Uffd;
    type Mapping = Mixed;

    fn fault<'f>(&self, ctx: FaultCtx<'f, Uffd, Mixed>) -> VmFault<'f> {
        let on = self.on.read(ctx.may_sleep());
        if *on { ctx.insert_page(&self.page) } else { ctx.fail(Errno::EIO) }
    }
}

pub(crate) struct SwitchedFile(pub(crate) Arc<Switched>);

impl MmapFile for SwitchedFile {
    type Platform = Uffd;

    fn mmap<'m>(&self, ctx: MmapCtx<'m, Uffd>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.establish_shared(Arc::clone(&self.0))?.fill_later())
    }

    fn mappings(&self) -> Option<&Mappings<Uffd>> {
        Some(&self.0.mappings)
    }
}

pub(crate) fn switched(session: &Session) -> Arc<Switched> {
    let memory = session.memory();
    Arc::new(Switched {
        page: pages(session, 1).remove(0),
        on: RwLock::new(true, memory.may_sleep()).unwrap(),
        mappings: Mappings::new(memory.may_sleep()).unwrap(),
    })
}

#[test]
fn what_is_revoked_is_a_sigbus_and_what_comes_back_is_there() {
    let session = session();
    let device = switched(&session);
    let file = session.file(SwitchedFile(Arc::clone(&device)));
    let (first, second) =
        (session.mmap(&file, Map::shared(PAGE)).unwrap(), session.mmap(&file, Map::shared(2 * PAGE)).unwrap());
    let may_sleep = session.memory().may_sleep();
    for on in [true, false, true, true, false] {
        let mut switch = device.on.write(may_sleep);
        *switch = on;
        device.mappings.unmap(PageOffset::ZERO, PageCount::new(2), may_sleep);
        drop(switch);
        for at in [first, second, page_at(second, 1)] {
            assert_eq!(load(&session, at), if on { Ok(1) } else { Err(Trap::Sigbus(at)) });
        }
    }
    assert_eq!(device.page.references(), 1);
}

#[test]
fn private_copies_are_the_users_own_and_stay() {
    let session = session();
    let device = switched(&session);
    let file = session.file(SwitchedFile(Arc::clone(&device)));
    let at = session.mmap(&file, Map::private(4 * PAGE)).unwrap();
    session.write(at, &[55]).unwrap();
    assert_eq!(load(&session, page_at(at, 1)), Ok(1));
    let may_sleep = session.memory().may_sleep();
    *device.on.write(may_sleep) = false;
    device.mappings.unmap(PageOffset::ZERO, PageCount::new(4), may_sleep);
    assert_eq!(load(&session, at), Ok(55));
    for page in [1, 2] {
        let at = page_at(at, page);
        assert_eq!(load(&session, at), Err(Trap::Sigbus(at)));
    }
    // Stores to copies while others are revoked: none is lost.
    *device.on.write(may_sleep) = true;
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let (session, done) = (&session, &done);
        let writer = scope.spawn(move || {
            for round in 0..2000_u32 {
                let word = vmctx::UserAddr::new(page_at(at, 1).get() + 64);
                session.write(word, &round.to_ne_bytes()).unwrap();
                let mut found = [0; 4];
                session.read(word, &mut found).unwrap();
                assert_eq!(u32::from_ne_bytes(found), round);
            }
            done.store(true, Ordering::Release);
        });
        while !done.load(Ordering::Acquire) && !writer.is_finished() {
            device.mappings.unmap(PageOffset::ZERO, PageCount::new(4), may_sleep);
        }
    });
    assert_eq!((first_byte(&device.page), load(&session, at)), (1, Ok(55)));
    assert_eq!(session.take_errors(), []);
}

const PAGES: usize = 3;
/// What stands where the memory is not any more.
const STALE: u8 = 0xee;

/// In a part of the device's memory, or in pages.
enum Place {
    Device(DeviceMemory, usize),
    Ram(Vec<Page>),
}

impl Place {
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

impl Location for Place {
    type Platform = Uffd;

    fn spot(&self, at: PageCount) -> Option<Spot<'_, Uffd>> {
        match self {
            Self::Device(memory, first) => memory.frame(PageOffset::new(first + at.get())).map(Spot::Frame),
            Self::Ram(pages) => pages.get(at.get()).map(Spot::Page),
        }
    }
}

struct Object<K> {
    store: Relocatable<Uffd, Place>,
    mappings: Mappings<Uffd>,
    kind: std::marker::PhantomData<fn(K) -> K>,
}

impl<K: HoldsMoving> VmOperations for Object<K> {
    type Platform = Uffd;
    type Mapping = K;

    fn fault<'f>(&self, mut ctx: FaultCtx<'f, Uffd, K>) -> VmFault<'f> {
        let resident = self.store.resident(ctx.may_sleep());
        let neighbour = PageOffset::new(ctx.pgoff().index() + 1);
        resident.prefault(&mut ctx, neighbour);
        resident.insert(ctx)
    }
}

struct ObjectFile<K>(Arc<Object<K>>);

impl<K: HoldsMoving + FilledLater> MmapFile for ObjectFile<K> {
    type Platform = Uffd;

    fn mmap<'m>(&self, ctx: MmapCtx<'m, Uffd>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.shared_only()?.establish_shared(Arc::clone(&self.0))?.fill_later())
    }

    fn mappings(&self) -> Option<&Mappings<Uffd>> {
        Some(&self.0.mappings)
    }
}

fn in_ram(memory: &Memory) -> Place {
    Place::Ram((0..PAGES).map(|_| memory.alloc_page().unwrap()).collect())
}

/// Readers and writers, while the memory moves all the time between pages and a device.
fn moves_under_load<K: HoldsMoving + FilledLater>() {
    const ROUNDS: u32 = 1000;
    let session = session();
    let memory = session.memory();
    let may_sleep = memory.may_sleep();
    let device = memory.device_memory(PageCount::new(2 * PAGES)).unwrap();
    let mappings = Mappings::new(may_sleep).unwrap();
    let count = PageCount::new(PAGES);
    let store = Relocatable::new(in_ram(memory), mappings.clone(), PageOffset::ZERO, count, may_sleep).unwrap();
    let object = Arc::new(Object::<K> { store, mappings, kind: std::marker::PhantomData });
    let file = session.file(ObjectFile(Arc::clone(&object)));
    let at = session.mmap(&file, Map::shared(PAGES * PAGE)).unwrap();
    let running = AtomicBool::new(true);
    thread::scope(|scope| {
        let writers: Vec<_> = (0..3_usize)
            .map(|index| {
                let session = &session;
                scope.spawn(move || {
                    for round in 1..=ROUNDS {
                        let page = page_at(at, round as usize % PAGES);
                        let word = vmctx::UserAddr::new(page.get() + 4 * index);
                        let mut last = [0; 4];
                        session.read(word, &mut last).unwrap();
                        let expected = round.saturating_sub(u32::try_from(PAGES).unwrap());
                        assert_eq!(u32::from_ne_bytes(last), expected, "round {round}");
                        session.write(word, &round.to_ne_bytes()).unwrap();
                        let mut words = [0; 16];
                        session.read(page, &mut words).unwrap();
                        assert!(!words.chunks(4).any(|word| word == [STALE; 4]), "where it was");
                    }
                })
            })
            .collect();
        let (object, running, device) = (&object, &running, &device);
        scope.spawn(move || {
            let may_sleep = memory.may_sleep();
            let mut round = 0;
            while running.load(Ordering::Acquire) {
                let to = if round % 3 == 2 { in_ram(memory) } else { Place::Device(device.clone(), round % 3 * PAGES) };
                let moving = object.store.begin_move(may_sleep);
                let mut bytes = [0; PAGE];
                for page in 0..PAGES {
                    moving.location().read(page, &mut bytes);
                    to.write(page, &bytes);
                }
                let from = moving.finish(to);
                (0..PAGES).for_each(|page| from.write(page, &[STALE; PAGE]));
                round += 1;
            }
        });
        let results: Vec<_> = writers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        running.store(false, Ordering::Release);
        assert!(results.iter().all(Result::is_ok));
    });
    assert_eq!(session.take_errors(), []);
}

#[test]
fn memory_that_moves_under_its_users_by_number() {
    moves_under_load::<PfnMap>();
}

#[test]
fn memory_that_moves_under_its_users_by_page() {
    moves_under_load::<Mixed>();
}
