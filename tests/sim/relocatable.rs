//! Memory that moves under its users: nobody sees where it was.

use std::{
    marker::PhantomData,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use vmctx::{
    Errno, FaultCtx, Location, Mapped, Mappings, Mixed, MmapCtx, MmapFile, Page as _, PageCount, PageOffset, PfnMap,
    Platform, Prefault, Relocatable, RwLock as _, Spot, VmFault, VmOperations,
    kind::{FilledLater, HoldsMoving},
};
use vmctx_sim::{File, Machine, Map, Page, Process, Signal, Sim};

use crate::drivers::{PAGE, page_at};

/// How many pages move together.
const PAGES: usize = 3;

/// Where the object begins that the memory is a part of.
const FIRST: usize = 5;

struct Place(Vec<Page>);

impl Location for Place {
    type Platform = Sim;

    fn spot(&self, at: PageCount) -> Option<Spot<'_, Sim>> {
        self.0.get(at.get()).map(Spot::Page)
    }
}

type Moving = Relocatable<Sim, Place>;
type Store = <Sim as Platform>::RwLock<Option<Moving>>;

/// The state of all mappings of the object.
struct Object<K> {
    store: Store,
    mappings: Mappings<Sim>,
    /// What a fault does before it inserts.
    before: Option<fn(&Moving, &Machine)>,
    machine: Machine,
    around: AtomicUsize,
    kind: PhantomData<fn(K) -> K>,
}

impl<K: HoldsMoving> VmOperations for Object<K> {
    type Platform = Sim;
    type Mapping = K;

    fn fault<'f>(&self, mut ctx: FaultCtx<'f, Sim, K>) -> VmFault<'f> {
        let store = self.store.read(ctx.may_sleep());
        let Some(store) = &*store else { return ctx.fail(Errno::EIO) };
        let resident = store.resident(ctx.may_sleep());
        if let Some(before) = self.before {
            let epoch = resident.epoch(&ctx);
            drop(resident);
            if self.around.fetch_add(1, Ordering::Relaxed) == 0 {
                before(store, &self.machine);
            }
            return match epoch.resident(ctx.may_sleep()) {
                Ok(resident) => resident.insert(ctx),
                Err(moved) => ctx.refault(moved),
            };
        }
        let neighbour = PageOffset::new(ctx.pgoff().index() + 1);
        let became = resident.prefault(&mut ctx, neighbour);
        if became == Prefault::Inserted {
            self.around.fetch_add(1, Ordering::Relaxed);
        }
        resident.insert(ctx)
    }
}

/// A file of the object's, or one that only says that it is not.
struct Opened<K> {
    object: Arc<Object<K>>,
    is_of_it: bool,
}

impl<K: HoldsMoving + FilledLater> MmapFile for Opened<K> {
    type Platform = Sim;

    fn mappings(&self) -> Option<&Mappings<Sim>> {
        self.is_of_it.then_some(&self.object.mappings)
    }

    fn mmap<'m>(&self, ctx: MmapCtx<'m, Sim>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.shared_only()?.establish_shared(Arc::clone(&self.object))?.fill_later())
    }
}

fn object<K: HoldsMoving>(machine: &Machine, at: Place, before: Option<fn(&Moving, &Machine)>) -> Arc<Object<K>> {
    let may_sleep = machine.may_sleep();
    let mappings = Mappings::new(may_sleep).unwrap();
    let store =
        Relocatable::new(at, mappings.clone(), PageOffset::new(FIRST), PageCount::new(PAGES), may_sleep).unwrap();
    let store = vmctx::RwLock::new(Some(store), may_sleep).unwrap();
    Arc::new(Object {
        store,
        mappings,
        before,
        machine: machine.clone(),
        around: AtomicUsize::new(0),
        kind: PhantomData,
    })
}

fn opened<K: HoldsMoving + FilledLater>(machine: &Machine, object: &Arc<Object<K>>, is_of_it: bool) -> File {
    machine.open(Opened { object: Arc::clone(object), is_of_it })
}

fn in_ram(machine: &Machine) -> Place {
    Place((0..PAGES).map(|_| machine.alloc_page().unwrap()).collect())
}

fn one_mapped(machine: &Machine, file: &File) -> (Process, vmctx::UserAddr) {
    let process = machine.process();
    let at = process.mmap(file, Map::shared(PAGES * PAGE).pgoff(PageOffset::new(FIRST))).unwrap();
    (process, at)
}

#[test]
fn a_move_that_is_given_up_leaves_the_memory_where_it_was() {
    let machine = Machine::new();
    let object = object::<Mixed>(&machine, in_ram(&machine), None);
    let file = opened(&machine, &object, true);
    let (process, at) = one_mapped(&machine, &file);
    process.thread().write_u8(at, 9).unwrap();
    // The fault brought its neighbour along.
    assert_eq!(process.mapped_pages(at, PAGES * PAGE), PageCount::new(2));
    let store = object.store.read(machine.may_sleep());
    let moving = store.as_ref().unwrap().begin_move(machine.may_sleep());
    assert_eq!(process.mapped_pages(at, PAGES * PAGE), PageCount::ZERO);
    assert!(store.as_ref().unwrap().try_resident().is_none());
    drop(moving);
    assert!(store.as_ref().unwrap().try_resident().is_some());
    drop(store);
    assert_eq!(process.thread().read_u8(at), Ok(9));
}

#[test]
fn memory_that_is_dropped_is_unmapped_first() {
    let machine = Machine::new();
    let object = object::<PfnMap>(&machine, in_ram(&machine), None);
    let file = opened(&machine, &object, true);
    let (process, at) = one_mapped(&machine, &file);
    process.thread().write_u8(at, 9).unwrap();
    assert_eq!(process.mapped_pages(at, PAGES * PAGE), PageCount::new(2));
    assert_eq!(machine.statistics().frames_in_use, PAGES);
    let store = object.store.write(machine.may_sleep()).take();
    drop(store);
    assert_eq!(process.mapped_pages(at, PAGES * PAGE), PageCount::ZERO);
    assert_eq!(machine.statistics().frames_in_use, 0);
    assert_eq!(process.thread().read_u8(at).unwrap_err().signal(), Some(Signal::Sigbus(at)));
}

#[test]
fn a_mapping_of_another_object_gets_nothing() {
    let machine = Machine::new();
    let object = object::<Mixed>(&machine, in_ram(&machine), None);
    let file = opened(&machine, &object, false);
    let (process, at) = one_mapped(&machine, &file);
    assert_eq!(process.thread().read_u8(at).unwrap_err().signal(), Some(Signal::Sigbus(at)));
    assert_eq!((process.mapped_pages(at, PAGES * PAGE), machine.statistics().insertions), (PageCount::ZERO, 0));
}

#[test]
fn only_the_pages_that_the_memory_has_are_there() {
    let machine = Machine::new();
    let object = object::<Mixed>(&machine, in_ram(&machine), None);
    let file = opened(&machine, &object, true);
    let process = machine.process();
    let at = process.mmap(&file, Map::shared((FIRST + PAGES + 1) * PAGE)).unwrap();
    for page in 0..=FIRST + PAGES {
        let there = process.thread().read_u8(page_at(at, page)).is_ok();
        assert_eq!(there, (FIRST..FIRST + PAGES).contains(&page), "page {page}");
    }
}

#[test]
fn a_fault_that_finds_the_memory_moved_is_repeated() {
    let machine = Machine::new();
    let elsewhere: fn(&Moving, &Machine) = |store, machine| {
        let moving = store.begin_move(machine.may_sleep());
        let to = in_ram(machine);
        to.0[0].write(0, &[7]).unwrap();
        moving.finish(to);
    };
    let object = object::<Mixed>(&machine, in_ram(&machine), Some(elsewhere));
    let file = opened(&machine, &object, true);
    let (process, at) = one_mapped(&machine, &file);
    assert_eq!(process.thread().read_u8(at), Ok(7));
    let seen = machine.statistics();
    assert_eq!((seen.handler_calls, seen.refaults, seen.insertions), (2, 1, 1));
    assert_eq!(seen.frames_in_use, PAGES);
}
