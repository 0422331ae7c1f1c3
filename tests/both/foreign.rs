//! Frames of another memory of the same platform: a driver keeps frames as numbers, and no number is two frames.

use std::mem;

use vmctx::{
    Backing, Errno, FaultCtx, FrameSource as _, Hooks, Iomem as _, IomemPart, Mapped, Mixed, MmapCtx, MmapFile, Normal,
    PageCount, PageOffset, PageRef as _, PfnMap, Platform, Remapped, Revocable, SharedObject, Spot, VmFault,
    VmOperations,
};
use vmctx_hosted::{Map, Refusal, Trap, UserSide as _};

use crate::{
    beds::{IomemOf, TestBed},
    borrowed::{faulting_with, open_with},
    drivers::{PAGE, PageOf, pages, share},
};

on_each_platform!(
    a_devices_frame_of_other_memory_is_not_mapped,
    a_page_that_moves_and_is_other_memorys_is_not_mapped,
    parts_of_two_memories_are_not_joined,
    a_page_of_other_memory_that_a_hook_has_left_locked_is_unlocked,
);

/// Two that have nothing in common, each with a device of one page and a page of RAM, and the second one's device.
fn two<B: TestBed>() -> (B, IomemOf<B>, B, IomemOf<B>) {
    let (bed, other) = (B::new(), B::new());
    let (own, foreign) = (bed.device_memory(1), other.device_memory(1));
    own.write(0, b"own").unwrap();
    foreign.write(0, b"foreign").unwrap();
    (bed, own, other, foreign)
}

fn a_devices_frame_of_other_memory_is_not_mapped<B: TestBed>() {
    let (bed, own, _other, foreign) = two::<B>();
    let refused = |file| bed.user().mmap(&file, Map::shared(PAGE)) == Err(Refusal::Errno(Errno::EINVAL));
    assert!(refused(open_with(&bed, foreign.clone(), |memory, ctx| {
        let frames = memory.range(PageOffset::ZERO, PageCount::new(1)).unwrap();
        ctx.writable().without_faults::<Remapped>()?.remap_from_first(frames)
    })));
    assert!(refused(open_with(&bed, foreign.clone(), |memory, ctx| {
        let frame = memory.frame(PageOffset::ZERO).unwrap();
        ctx.writable().without_faults::<Mixed>()?.insert_mixed(frame)?.finish()
    })));
    let by_number = faulting_with::<PfnMap, _, _, _>(&bed, foreign.clone(), |memory, ctx: FaultCtx<'_, _, _>| {
        ctx.insert_pfn(memory.frame(PageOffset::ZERO).unwrap())
    });
    let mixed = faulting_with::<Mixed, _, _, _>(&bed, foreign.clone(), |memory, ctx: FaultCtx<'_, _, _>| {
        ctx.insert_mixed(memory.frame(PageOffset::ZERO).unwrap())
    });
    for file in [by_number, mixed] {
        let at = bed.mmap(&file, Map::shared(PAGE));
        assert_eq!((bed.load(at), bed.store(at, 9)), (Err(Trap::Sigbus(at)), Err(Trap::Sigbus(at))));
    }
    let bytes = |memory: &IomemOf<B>| {
        let mut bytes = [0; 7];
        memory.read(0, &mut bytes).unwrap();
        bytes
    };
    assert_eq!((&bytes(&own), &bytes(&foreign)), (b"own\0\0\0\0", b"foreign"));
}

/// Memory that is in a page, and could move.
struct InPage<P: Platform>(P::Page);

impl<P: Platform> Backing for InPage<P> {
    type Platform = P;

    fn spot(&self, _: PageCount) -> Result<Spot<'_, P>, Errno> {
        Ok(Spot::Page(&self.0))
    }
}

struct Moving<P: Platform>(Revocable<P, InPage<P>>);

impl<P: Platform> VmOperations for Moving<P> {
    type Platform = P;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> = Hooks::NONE.object(|state: &Self| Some(state.0.object()));

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        self.0.resident(ctx.may_sleep()).insert(ctx)
    }
}

struct MovingFile<P: Platform> {
    state: P::Ref<Moving<P>>,
    object: SharedObject<P>,
}

impl<P: Platform> MmapFile for MovingFile<P> {
    type Platform = P;

    fn object(&self) -> Option<&SharedObject<P>> {
        Some(&self.object)
    }

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.shared_only()?.writable().establish_shared(self.state.clone())?.fill_later())
    }
}

/// The first page of a memory has in every memory the same place.
fn a_page_that_moves_and_is_other_memorys_is_not_mapped<B: TestBed>() {
    let (bed, _, other, _) = two::<B>();
    let (own, foreign) = (pages(&bed, 1).remove(0), pages(&other, 1).remove(0));
    foreign.write(0, &[77]).unwrap();
    let first_byte = |page: &PageOf<B>, expected| {
        let object = SharedObject::new(bed.may_sleep()).unwrap();
        let store = Revocable::new(InPage(page.clone()), &object, PageCount::new(1), bed.may_sleep()).unwrap();
        let file = bed.open(MovingFile { state: share(&bed, Moving(store)), object });
        let at = bed.mmap(&file, Map::shared(PAGE));
        assert_eq!(bed.load(at), if expected { Ok(1) } else { Err(Trap::Sigbus(at)) });
    };
    first_byte(&own, true);
    first_byte(&foreign, false);
}

fn parts_of_two_memories_are_not_joined<B: TestBed>() {
    let halves = |memory| IomemPart::<B::Platform>::whole(memory).split_at(PageCount::new(2)).unwrap();
    let (bed, other) = (B::new(), B::new());
    let (head, tail) = halves(bed.device_memory(4));
    let (_, foreign) = halves(other.device_memory(4));
    let (head, foreign) = head.join(foreign).expect_err("they are of two memories");
    foreign.write(0, b"foreign").unwrap();
    let mut bytes = [0; 7];
    tail.read(0, &mut bytes).unwrap();
    assert_eq!(bytes, [0; 7]);
    assert_eq!(head.join(tail).unwrap().page_count(), PageCount::new(4));
}

fn a_page_of_other_memory_that_a_hook_has_left_locked_is_unlocked<B: TestBed>() {
    let (bed, other) = (B::new(), B::new());
    let foreign = pages(&other, 1).remove(0);
    let file = faulting_with::<Normal, _, _, _>(&bed, foreign.clone(), |page, ctx: FaultCtx<'_, _, _>| {
        mem::forget(ctx.lock_page(page));
        ctx.fail(Errno::EIO)
    });
    let at = bed.mmap(&file, Map::shared(PAGE));
    for _ in 0..2 {
        assert_eq!(bed.load(at), Err(Trap::Sigbus(at)));
    }
    other.user().ioctl(|ctx| drop(ctx.lock_page(&foreign))).unwrap();
}
