//! Memory moves while a user reads and writes it: in every order that there is, the user sees what was written last.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]
#![expect(unsafe_code, reason = "who makes threads may let them sleep")]

use std::sync::Arc;

use loom::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};
use vmctx::{
    Backing, Errno, FaultCtx, FrameSource, Hooks, MaySleep, PageCount, PageOffset, PfnMap, Platform, Revocable,
    SharedObject, Spot, Table, VmFault, VmOperations, entry,
};
use vmctx_model::{Frames, Model, STALE, Side, World};

fn may_sleep<'a>() -> MaySleep<'a> {
    // SAFETY: threads of loom's may sleep.
    unsafe { entry::may_sleep() }
}

/// Tries every order, or those with up to so many changes of thread that nothing asked for.
fn in_every_order(preemptions: Option<usize>, run: impl Fn() + Sync + Send + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = preemptions;
    model.check(run);
}

struct Place {
    memory: Frames,
    side: Side,
}

impl Backing for Place {
    type Platform = Model;

    fn spot(&self, _: PageCount) -> Result<Spot<'_, Model>, Errno> {
        let at = PageOffset::new(self.side as usize);
        self.memory.frame(at).map(Spot::Frame).ok_or(Errno::ENXIO)
    }
}

/// A driver of one page that moves.
struct Driver {
    memory: Revocable<Model, Place>,
    world: Arc<World>,
    /// Whether a fault lets go of the lock, and comes back.
    hesitates: bool,
}

impl Driver {
    fn new(hesitates: bool) -> Arc<Self> {
        let mappings = SharedObject::<Model>::new(may_sleep()).unwrap();
        let world = Arc::clone(mappings.platform_object());
        let place = Place { memory: world.memory(), side: Side::Left };
        let memory = Revocable::new(place, &mappings, PageCount::new(1), may_sleep()).unwrap();
        Arc::new(Self { memory, world, hesitates })
    }

    fn move_to(&self, side: Side) {
        let mut place = self.memory.revoke(may_sleep());
        if place.side != side {
            self.world.carry(place.side, side);
            place.side = side;
        }
    }
}

impl VmOperations for Driver {
    type Platform = Model;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> = Hooks::NONE.object(|driver: &Self| Some(driver.memory.object()));

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Model, PfnMap>) -> VmFault<'f> {
        let resident = self.memory.resident(ctx.may_sleep());
        if !self.hesitates {
            return resident.insert(ctx);
        }
        let epoch = resident.epoch(&ctx);
        drop(resident);
        thread::yield_now();
        match epoch.resident(ctx.may_sleep()) {
            Ok(resident) => resident.insert(ctx),
            Err(moved) => ctx.refault(moved),
        }
    }
}

fn reads_and_moves(hesitates: bool) {
    in_every_order(None, move || {
        let driver = Driver::new(hesitates);
        let world = Arc::clone(&driver.world);
        let mover = {
            let driver = Arc::clone(&driver);
            thread::spawn(move || driver.move_to(Side::Right))
        };
        assert_eq!(world.access(&driver, None), 0, "what it reads while the memory moves");
        mover.join().unwrap();
        assert_eq!(world.access(&driver, None), 0, "what it reads afterwards");
    });
}

#[test]
fn a_reader_never_sees_where_the_memory_was() {
    reads_and_moves(false);
}

#[test]
fn a_fault_that_came_back_never_inserts_where_the_memory_was() {
    reads_and_moves(true);
}

/// A driver whose memory moves.
trait Moves: VmOperations<Platform = Model> {
    fn move_to(&self, side: Side);
}

impl Moves for Driver {
    fn move_to(&self, side: Side) {
        self.move_to(side);
    }
}

/// What is stored while the memory moves there, each time by a thread of its own, is there afterwards.
fn stores_and_moves<D: Moves, const N: usize>(driver: &Arc<D>, world: &Arc<World>, sides: [Side; N]) {
    let movers = sides.map(|side| {
        let driver = Arc::clone(driver);
        thread::spawn(move || driver.move_to(side))
    });
    world.access(driver, Some(7));
    for mover in movers {
        mover.join().unwrap();
    }
    assert_eq!(world.access(driver, None), 7, "what was stored while the memory moved");
}

#[test]
fn a_store_is_carried_along() {
    in_every_order(None, || {
        let driver = Driver::new(false);
        stores_and_moves(&driver, &driver.world, [Side::Right]);
    });
}

#[test]
fn who_moves_it_there_and_who_moves_it_back_do_not_meet() {
    in_every_order(Some(3), || {
        let driver = Driver::new(false);
        stores_and_moves(&driver, &driver.world, [Side::Right, Side::Left]);
    });
}

#[test]
fn memory_that_is_dropped_is_mapped_nowhere() {
    in_every_order(Some(3), || {
        let driver = Driver::new(false);
        let world = Arc::clone(&driver.world);
        world.access(&driver, None);
        assert!(world.is_mapped());
        drop(driver);
        assert!(!world.is_mapped());
    });
}

/// A piece of a table, which shows one side.
#[derive(Default)]
struct Piece(Option<Place>);

impl Backing for Piece {
    type Platform = Model;

    fn spot(&self, at: PageCount) -> Result<Spot<'_, Model>, Errno> {
        self.0.as_ref().map_or(Err(Errno::ENXIO), |place| place.spot(at))
    }
}

/// A driver whose page is a piece of a table, which unmaps only what it knows to be inserted.
struct InPieces {
    pieces: Revocable<Model, Table<Piece>>,
    world: Arc<World>,
}

impl Moves for InPieces {
    fn move_to(&self, side: Side) {
        let mut revoked = self.pieces.revoke_part(0..1, may_sleep()).unwrap();
        let piece = revoked.get_mut(0).unwrap();
        if let Some(place) = piece.0.as_ref().filter(|place| place.side != side) {
            self.world.carry(place.side, side);
        }
        piece.0 = Some(Place { memory: self.world.memory(), side });
    }
}

impl VmOperations for InPieces {
    type Platform = Model;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> = Hooks::NONE.object(|driver: &Self| Some(driver.pieces.object()));

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Model, PfnMap>) -> VmFault<'f> {
        self.pieces.resident(ctx.may_sleep()).insert(ctx)
    }
}

#[test]
fn a_piece_of_a_table_is_never_seen_where_it_was() {
    in_every_order(Some(3), || {
        let object = SharedObject::<Model>::new(may_sleep()).unwrap();
        let world = Arc::clone(object.platform_object());
        let one = PageCount::new(1);
        let pieces = Revocable::in_pieces(&object, one, one, may_sleep()).unwrap();
        let driver = Arc::new(InPieces { pieces, world: Arc::clone(&world) });
        driver.move_to(Side::Left);
        stores_and_moves(&driver, &world, [Side::Right, Side::Left]);
    });
}

/// What the model is good for: a driver that guards the move and forgets the insertion is found out.
struct Forgetful {
    world: Arc<World>,
    memory: <Model as Platform>::Iomem,
    mappings: SharedObject<Model>,
    moved: AtomicBool,
}

impl VmOperations for Forgetful {
    type Platform = Model;
    type Kind = PfnMap;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Model, PfnMap>) -> VmFault<'f> {
        let side = if self.moved.load(Ordering::SeqCst) { Side::Right } else { Side::Left };
        ctx.insert_pfn_with(|_| self.memory.frame(PageOffset::new(side as usize)).ok_or(Errno::ENXIO))
    }
}

#[test]
#[should_panic(expected = "what it reads")]
fn a_driver_that_inserts_without_the_lock_is_found_out() {
    in_every_order(None, || {
        let mappings = SharedObject::<Model>::new(may_sleep()).unwrap();
        let world = Arc::clone(mappings.platform_object());
        let memory = world.memory();
        let driver = Arc::new(Forgetful { world: Arc::clone(&world), memory, mappings, moved: AtomicBool::new(false) });
        let mover = {
            let driver = Arc::clone(&driver);
            thread::spawn(move || {
                driver.mappings.unmap_once(PageOffset::ZERO, PageCount::new(1), may_sleep());
                driver.world.carry(Side::Left, Side::Right);
                driver.moved.store(true, Ordering::SeqCst);
            })
        };
        let read = world.access(&driver, None);
        mover.join().unwrap();
        assert_ne!(read, STALE, "what it reads while the memory moves");
        assert_ne!(world.access(&driver, None), STALE, "what it reads afterwards");
    });
}
