//! The backings that are ready-made, in every combination that matters.

use core::mem;

use vmctx::{
    Backing, Errno, FaultCtx, Hooks, Iomem as _, IomemPart, Mapped, MmapCtx, MmapFile, OnePage, PageCount, PfnMap,
    Platform, Revocable, SharedObject, Switched, Table, UserAddr, VmFault, VmOperations,
};
use vmctx_hosted::{Map, Trap};

use crate::{
    beds::TestBed,
    drivers::{PAGE, RefOf, System, page_at, pages, share},
};

on_each_platform!(
    what_is_switched_off_is_a_sigbus_and_comes_back,
    a_slot_shows_what_was_put_there_and_the_others_stay,
    one_page_is_one_page,
    a_piece_that_cannot_be_changed_is_as_it_was,
);

struct Shown<P: Platform, B: Backing<Platform = P>>(Revocable<P, B>);

impl<P: Platform, B: Backing<Platform = P>> VmOperations for Shown<P, B> {
    type Platform = P;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> = Hooks::NONE.object(|shown: &Self| Some(shown.0.object()));

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        self.0.resident(ctx.may_sleep()).insert(ctx)
    }
}

struct File<P: Platform, B: Backing<Platform = P>>(P::Ref<Shown<P, B>>);

impl<P: Platform, B: Backing<Platform = P>> MmapFile for File<P, B> {
    type Platform = P;

    fn object(&self) -> Option<&SharedObject<P>> {
        Some(self.0.0.object())
    }

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.shared_only()?.writable().establish_shared(self.0.clone())?.fill_later())
    }
}

type Of<T> = <T as System>::Platform;

/// The state of a mapping, its file, and where it is mapped.
type Mapping<T, B> = (RefOf<T, Shown<Of<T>, B>>, <T as System>::File, UserAddr);

/// Memory of so many pages, mapped.
fn shown<T: TestBed, B: Backing<Platform = Of<T>>>(bed: &T, backing: B, count: usize) -> Mapping<T, B> {
    let (object, pages) = (SharedObject::new(bed.may_sleep()).unwrap(), PageCount::new(count));
    let memory = Revocable::new(backing, &object, pages, bed.may_sleep()).unwrap();
    mapped(bed, memory)
}

fn mapped<T: TestBed, B: Backing<Platform = Of<T>>>(bed: &T, memory: Revocable<Of<T>, B>) -> Mapping<T, B> {
    let pages = memory.page_count().get();
    let state = share::<T, Shown<Of<T>, B>>(bed, Shown(memory));
    let file = bed.open(File(state.clone()));
    let at = bed.mmap(&file, Map::shared(pages * PAGE));
    (state, file, at)
}

/// Device memory of so many pages, the first byte of each its number from 1 on.
fn numbered<T: TestBed>(bed: &T, pages: usize) -> IomemPart<Of<T>> {
    let memory = bed.device_memory(pages);
    for page in 0..pages {
        memory.write(page * PAGE, &[u8::try_from(page).unwrap() + 1]).unwrap();
    }
    IomemPart::whole(memory)
}

fn what_is_switched_off_is_a_sigbus_and_comes_back<T: TestBed>() {
    let bed = T::new();
    let memory = Switched { memory: numbered(&bed, 2), is_on: true };
    // One page more than there is memory.
    let (state, _file, at) = shown(&bed, memory, 3);
    let sigbus = |page| Err(Trap::Sigbus(page_at(at, page)));
    for _ in 0..2 {
        assert_eq!([0, 1, 2].map(|page| bed.load(page_at(at, page))), [Ok(1), Ok(2), sigbus(2)]);
        state.0.revoke(bed.may_sleep()).is_on = false;
        assert_eq!([0, 1, 2].map(|page| bed.load(page_at(at, page))), [sigbus(0), sigbus(1), sigbus(2)]);
        state.0.revoke(bed.may_sleep()).is_on = true;
    }
    bed.assert_no_complaints();
}

fn a_slot_shows_what_was_put_there_and_the_others_stay<T: TestBed>() {
    let bed = T::new();
    let (object, each) = (SharedObject::new(bed.may_sleep()).unwrap(), PageCount::new(2));
    let slots = Revocable::<Of<T>, Table<Option<IomemPart<Of<T>>>>>::in_pieces(
        &object,
        PageCount::new(6),
        each,
        bed.may_sleep(),
    );
    let (state, _file, at) = mapped(&bed, slots.unwrap());
    let load = |page: usize| bed.load(page_at(at, page)).ok();
    assert_eq!([0, 1, 2, 3, 4, 5].map(load), [None; 6]);
    // Five pages in pieces of two: the last has one.
    let chunks: Vec<_> = numbered(&bed, 5).chunks(each).collect();
    assert_eq!(chunks.iter().map(|chunk| chunk.page_count().get()).collect::<Vec<_>>(), [2, 2, 1]);
    for (slot, chunk) in chunks.into_iter().enumerate() {
        let put = state.0.revoke_piece(slot, bed.may_sleep(), |slot| Ok(slot.replace(chunk)));
        assert!(put.unwrap().is_none());
    }
    let all = [1, 2, 3, 4, 5].map(Some);
    assert_eq!([0, 1, 2, 3, 4].map(load), all);
    assert_eq!(load(5), None);
    let taken = state.0.revoke_piece(1, bed.may_sleep(), |slot| Ok(slot.take())).unwrap();
    let before = bed.faults();
    assert_eq!([load(0), load(1), load(4)], [Some(1), Some(2), Some(5)]);
    assert_eq!(bed.faults(), before, "the other slots are still mapped");
    assert_eq!([load(2), load(3)], [None; 2]);
    state.0.revoke_piece(1, bed.may_sleep(), |slot| Ok(mem::replace(slot, taken))).unwrap();
    assert_eq!([0, 1, 2, 3, 4].map(load), all);
    bed.assert_no_complaints();
}

fn one_page_is_one_page<T: TestBed>() {
    let bed = T::new();
    let page = pages(&bed, 1).remove(0);
    let (state, _file, at) = shown(&bed, Some(OnePage::<Of<T>>(page)), 2);
    let behind = page_at(at, 1);
    assert_eq!((bed.load(at), bed.load(behind)), (Ok(1), Err(Trap::Sigbus(behind))));
    let page = state.0.revoke(bed.may_sleep()).take();
    assert_eq!(bed.load(at), Err(Trap::Sigbus(at)));
    *state.0.revoke(bed.may_sleep()) = page;
    assert_eq!(bed.load(at), Ok(1));
}

fn a_piece_that_cannot_be_changed_is_as_it_was<T: TestBed>() {
    let bed = T::new();
    let (object, one) = (SharedObject::new(bed.may_sleep()).unwrap(), PageCount::new(1));
    let slots = Revocable::<Of<T>, Table<Option<OnePage<Of<T>>>>>::in_pieces(&object, one, one, bed.may_sleep());
    let (state, _file, at) = mapped(&bed, slots.unwrap());
    let page = pages(&bed, 1).remove(0);
    state.0.revoke_piece(0, bed.may_sleep(), |slot| Ok(slot.replace(OnePage(page)))).unwrap();
    let failed: Result<(), Errno> = state.0.revoke_piece(0, bed.may_sleep(), |_| Err(Errno::EBUSY));
    assert_eq!((failed, bed.load(at)), (Err(Errno::EBUSY), Ok(1)));
    for outside in [1, usize::MAX] {
        let asked =
            state.0.revoke_piece(outside, bed.may_sleep(), |_| -> Result<(), Errno> { panic!("there is none") });
        assert_eq!((asked, bed.load(at)), (Err(Errno::EINVAL), Ok(1)));
    }
}
