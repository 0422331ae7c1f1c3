//! Several objects in one file: offsets count from where each begins.

use std::{marker::PhantomData, sync::Mutex};

use vmctx::{
    Errno, FaultCtx, FrameSource as _, Handle, Hooks, Iomem as _, Kind, Mapped, Mixed, MmapCtx, MmapFile, PageCount,
    PageOffset, PfnMap, Platform, Prefault, Remapped, SharedObject, UserAddr, VmFault, VmOperations, kind::FilledLater,
};
use vmctx_hosted::{Map, Prot, Refusal, Trap, UserSide};

use crate::{
    beds::{TestBed, if_told},
    drivers::{PAGE, RefOf, number, open, page_at, pages, share},
};

on_each_platform!(
    every_hook_counts_from_where_the_object_begins,
    what_mmap_fills_counts_from_there_too,
    a_handle_finds_the_objects_pages_wherever_they_are,
    who_unmaps_an_object_leaves_its_neighbours_alone,
    a_cut_is_asked_for_by_the_objects_own_offset,
    a_mapping_that_is_not_all_in_the_object_is_refused,
    a_state_that_names_another_part_is_refused,
    a_private_remapped_mapping_with_a_state_keeps_its_offsets,
    a_part_lies_in_what_it_is_a_part_of,
);

/// Where the two objects of a file begin, and how many pages each has.
const FIRST: [usize; 2] = [5, 8];
const PAGES: usize = 3;

/// What of the object was asked for.
#[derive(Default)]
struct Asked {
    faults: Vec<(PageOffset, PageOffset, PageOffset)>,
    outside: Vec<Prefault>,
    cuts: Vec<PageOffset>,
}

/// One of the objects.
struct Object<P: Platform> {
    object: SharedObject<P>,
    pages: Vec<P::Page>,
    asked: Mutex<Asked>,
    handle: Mutex<Option<Handle<P, Mixed>>>,
    /// What it does when it is to be cut.
    on_cut: Result<(), Errno>,
}

impl<P: Platform> VmOperations for Object<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.object(|state: &Self| Some(&state.object)).may_split(|state, at| {
        state.asked.lock().unwrap().cuts.push(at);
        state.on_cut
    });

    fn fault<'f>(&'f self, mut ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let shown = ctx.pgoff_range();
        let mut asked = self.asked.lock().unwrap();
        asked.faults.push((ctx.pgoff(), shown.start, shown.end));
        asked.outside.push(ctx.prefault_page(PageOffset::new(PAGES), &self.pages[0]));
        drop(asked);
        // All of the object, whatever of it the mapping shows.
        ctx.prefault_pages(PageOffset::ZERO, &self.pages);
        ctx.insert_page_with(|at| at.pgoff().of(&self.pages).ok_or(Errno::ENXIO))
    }
}

/// Both objects behind one file.
struct File<P: Platform> {
    all: SharedObject<P>,
    objects: Vec<P::Ref<Object<P>>>,
}

impl<P: Platform> MmapFile for File<P> {
    type Platform = P;

    fn object(&self) -> Option<&SharedObject<P>> {
        Some(&self.all)
    }

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let at = ctx.pgoff();
        let state = self.objects.iter().find(|state| state.object.contains(at)).ok_or(Errno::ENXIO)?;
        let ctx = ctx.rebase(&state.object)?;
        assert_eq!(at.checked_since(state.object.base()), Some(PageCount::new(ctx.pgoff().index())));
        let ctx = ctx.writable().establish_shared(state.clone())?;
        *state.handle.lock().unwrap() = Some(ctx.handle()?);
        Ok(ctx.fill_later())
    }
}

type ObjectOf<B> = RefOf<B, Object<<B as crate::drivers::System>::Platform>>;

/// A file with both, and the objects. The bytes of the second's pages go on from those of the first's.
fn opened<B: TestBed>(bed: &B, on_cut: Result<(), Errno>) -> (B::File, Vec<ObjectOf<B>>) {
    let all = SharedObject::new(bed.may_sleep()).unwrap();
    let mut memory = pages(bed, 2 * PAGES);
    let parts = [memory.drain(..PAGES).collect(), memory];
    let objects: Vec<ObjectOf<B>> = FIRST
        .into_iter()
        .zip(parts)
        .map(|(first, pages)| {
            let object = all.part(PageOffset::new(first), PageCount::new(PAGES)).unwrap();
            share(bed, Object { object, pages, asked: Mutex::default(), handle: Mutex::default(), on_cut })
        })
        .collect();
    (bed.open(File { all, objects: objects.clone() }), objects)
}

fn from(object: usize, page: usize, pages: usize) -> Map {
    Map::shared(pages * PAGE).pgoff(PageOffset::new(FIRST[object] + page))
}

fn loads<B: TestBed>(bed: &B, at: UserAddr, pages: usize) -> Vec<Result<u8, Trap>> {
    (0..pages).map(|page| bed.load(page_at(at, page))).collect()
}

fn every_hook_counts_from_where_the_object_begins<B: TestBed>() {
    let bed = B::new();
    let (file, objects) = opened(&bed, Ok(()));
    let at = bed.mmap(&file, from(1, 1, 2));
    assert_eq!(bed.load(page_at(at, 1)), Ok(number(PAGES + 2)));
    assert_eq!(bed.load(at), Ok(number(PAGES + 1)));
    let asked = objects[1].asked.lock().unwrap();
    let [page, end] = [2, 3].map(PageOffset::new);
    // The fault of the second page has brought the first.
    assert_eq!(
        (&*asked.faults, &*asked.outside),
        (&[(page, PageOffset::new(1), end)][..], &[Prefault::OutsideMapping][..])
    );
    assert_eq!(objects[0].asked.lock().unwrap().faults, []);
    if let Ok(peeked) = bed.user().peek(page_at(at, 1), &mut [0]) {
        assert_eq!(peeked, Ok(()));
    }
}

fn what_mmap_fills_counts_from_there_too<B: TestBed>() {
    struct Rings<P: Platform>(SharedObject<P>, SharedObject<P>, Vec<P::Page>, P::Iomem);

    impl<P: Platform> MmapFile for Rings<P> {
        type Platform = P;

        fn object(&self) -> Option<&SharedObject<P>> {
            Some(&self.0)
        }

        fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
            let frames = self.3.range(PageOffset::ZERO, self.3.count()).ok_or(Errno::EIO)?;
            let is_of_frames = !ctx.is_shared();
            let ctx = ctx.rebase(&self.1)?;
            if is_of_frames {
                return ctx.without_faults::<Remapped>()?.remap_at_pgoff(frames);
            }
            let mut ctx = ctx.without_faults::<Mixed>()?;
            let first = ctx.pgoff();
            ctx = ctx.insert_page_with(|at| at.pgoff().of(&self.2).ok_or(Errno::ENXIO))?;
            assert_eq!(ctx.pgoff().checked_since(first), Some(PageCount::new(1)));
            ctx.fill_at_pgoff(&self.2)
        }
    }

    let bed = B::new();
    let all = SharedObject::new(bed.may_sleep()).unwrap();
    let part = all.part(PageOffset::new(FIRST[1]), PageCount::new(PAGES)).unwrap();
    let device = bed.device_memory(PAGES);
    for page in 0..PAGES {
        device.write(page * PAGE, &[number(page)]).unwrap();
    }
    let file = bed.open(Rings(all, part, pages(&bed, PAGES), device));
    let shown = [Ok(number(1)), Ok(number(2))];
    let at = bed.mmap(&file, from(1, 1, 2).prot(Prot::READ));
    assert_eq!(loads(&bed, at, 2), shown);
    // Linux keeps the number of the first frame in `vm_pgoff` of this one.
    let private = Map::private(2 * PAGE).pgoff(PageOffset::new(FIRST[1] + 1));
    assert_eq!(loads(&bed, bed.mmap(&file, private), 2), shown);
}

fn a_handle_finds_the_objects_pages_wherever_they_are<B: TestBed>() {
    let bed = B::new();
    let (file, objects) = opened(&bed, Ok(()));
    let at = bed.mmap(&file, from(1, 0, PAGES));
    assert_eq!(loads(&bed, at, PAGES), [PAGES, PAGES + 1, PAGES + 2].map(|page| Ok(number(page))));
    // Without its front, and somewhere else if the platform can do that.
    bed.munmap(at, PAGE);
    let mut at = page_at(at, 1);
    if let Ok(moved) = bed.user().mremap(at, 2 * PAGE, 2 * PAGE) {
        at = moved.unwrap();
    }
    let handle = objects[1].handle.lock().unwrap().take().unwrap();
    bed.user()
        .ioctl(|ctx| {
            let [gone, page] = [0, 2].map(PageOffset::new);
            let established = handle.lock(ctx).unwrap();
            assert_eq!(established.pgoff_of(page_at(at, 1)), Some(page));
            established.zap(page, PageCount::new(7));
            assert_eq!(established.insert_page(page, &objects[0].pages[0]), Ok(()));
            assert_eq!(established.insert_page(gone, &objects[0].pages[0]), Err(Errno::EFAULT));
            assert_eq!(
                established.insert_page(PageOffset::new(FIRST[1] + 2), &objects[0].pages[0]),
                Err(Errno::EFAULT)
            );
            drop(established);
            // And so does who comes by address.
            let found = ctx.find::<Object<B::Platform>>(page_at(at, 1)).unwrap();
            assert_eq!(found.pgoff_of(at), Some(PageOffset::new(1)));
            assert_eq!(found.insert_page(page, &objects[0].pages[0]), Err(Errno::EBUSY));
        })
        .unwrap();
    assert_eq!(loads(&bed, at, 2), [Ok(number(PAGES + 1)), Ok(number(0))]);
    handle.try_zap(PageOffset::new(2), PageCount::new(1), bed.may_sleep()).unwrap();
    assert_eq!(loads(&bed, at, 2), [Ok(number(PAGES + 1)), Ok(number(PAGES + 2))]);
}

fn who_unmaps_an_object_leaves_its_neighbours_alone<B: TestBed>() {
    let bed = B::new();
    let (file, objects) = opened(&bed, Ok(()));
    let at = [0, 1].map(|object| bed.mmap(&file, from(object, 0, PAGES)));
    let child = bed.user().fork();
    for at in at {
        assert!(loads(&bed, at, PAGES).iter().all(Result::is_ok));
    }
    // More than the first object has: the second begins where it ends.
    objects[0].object.unmap_once(PageOffset::new(1), PageCount::new(usize::MAX), bed.may_sleep());
    if_told(bed.mapped_pages(at[0], PAGES), 1);
    if_told(bed.mapped_pages(at[1], PAGES), PAGES);
    objects[1].object.unmap_once(PageOffset::new(1), PageCount::new(1), bed.may_sleep());
    if_told(bed.mapped_pages(at[1], PAGES), PAGES - 1);
    objects[1].object.unmap_once(PageOffset::new(PAGES), PageCount::new(1), bed.may_sleep());
    if_told(bed.mapped_pages(at[1], PAGES), PAGES - 1);
    let before = objects.iter().map(|object| object.asked.lock().unwrap().faults.len()).sum::<usize>();
    assert_eq!(loads(&bed, at[0], PAGES), [0, 1, 2].map(|page| Ok(number(page))));
    assert_eq!(loads(&bed, at[1], PAGES), [3, 4, 5].map(|page| Ok(number(page))));
    let after = objects.iter().map(|object| object.asked.lock().unwrap().faults.len()).sum::<usize>();
    // One fault of each object brings all of it.
    assert_eq!(after - before, 2);
    if let Ok(child) = child {
        let mut byte = [0];
        child.unwrap().read(page_at(at[1], 2), &mut byte).unwrap();
        assert_eq!(byte, [number(5)]);
    }
}

fn a_cut_is_asked_for_by_the_objects_own_offset<B: TestBed>() {
    let bed = B::new();
    let (file, objects) = opened(&bed, Err(Errno::EPERM));
    let at = bed.mmap(&file, from(1, 0, PAGES));
    assert_eq!(bed.user().munmap(page_at(at, 2), PAGE), Err(Refusal::Errno(Errno::EPERM)));
    assert_eq!(objects[1].asked.lock().unwrap().cuts, [PageOffset::new(2)]);
    assert_eq!(loads(&bed, at, PAGES).len(), PAGES);
}

fn a_mapping_that_is_not_all_in_the_object_is_refused<B: TestBed>() {
    let bed = B::new();
    let (file, _) = opened(&bed, Ok(()));
    let refused = |map, errno| assert_eq!(bed.user().mmap(&file, map), Err(Refusal::Errno(errno)));
    refused(from(0, 1, PAGES), Errno::EINVAL);
    refused(from(1, 2, 2), Errno::EINVAL);
    refused(Map::shared(2 * PAGE).pgoff(PageOffset::new(FIRST[0] - 1)), Errno::ENXIO);
    // A part of an object that the file does not show.
    let strange = SharedObject::<B::Platform>::new(bed.may_sleep()).unwrap();
    let file = open(&bed, move |ctx| ctx.rebase(&strange)?.without_faults::<Mixed>()?.finish());
    assert_eq!(bed.user().mmap(&file, Map::shared(PAGE)), Err(Refusal::Errno(Errno::EINVAL)));
}

/// A state that names what it is told to.
struct Names<P: Platform, K>(Option<SharedObject<P>>, PhantomData<fn() -> K>);

impl<P: Platform, K: Kind> VmOperations for Names<P, K> {
    type Platform = P;
    type Kind = K;
    const HOOKS: Hooks<Self> = Hooks::NONE.object(|state: &Self| state.0.as_ref());
}

/// A file that rebases its mappings to one thing and gives them a state that names another.
struct Says<P: Platform, K: 'static> {
    all: SharedObject<P>,
    rebases_to: Option<SharedObject<P>>,
    names: P::Ref<Names<P, K>>,
}

impl<P: Platform, K: Kind + FilledLater> MmapFile for Says<P, K> {
    type Platform = P;

    fn object(&self) -> Option<&SharedObject<P>> {
        Some(&self.all)
    }

    fn mmap<'m>(&'m self, mut ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        if let Some(part) = &self.rebases_to {
            ctx = ctx.rebase(part)?;
        }
        Ok(ctx.establish_shared(self.names.clone())?.fill_later())
    }
}

fn a_state_that_names_another_part_is_refused<B: TestBed>() {
    let bed = B::new();
    let all = SharedObject::<B::Platform>::new(bed.may_sleep()).unwrap();
    let [one, two] = FIRST.map(|first| all.part(PageOffset::new(first), PageCount::new(PAGES)).unwrap());
    let says = |rebases_to: Option<&SharedObject<B::Platform>>, names: Option<&SharedObject<B::Platform>>| {
        let names = share(&bed, Names::<B::Platform, PfnMap>(names.cloned(), PhantomData));
        let file = bed.open(Says { all: all.clone(), rebases_to: rebases_to.cloned(), names });
        bed.user().mmap(&file, from(1, 0, 1).prot(Prot::READ)).map(drop)
    };
    let refused = Err(Refusal::Errno(Errno::EINVAL));
    assert_eq!(says(Some(&two), Some(&two)), Ok(()));
    assert_eq!(says(None, Some(&all)), Ok(()));
    assert_eq!(says(None, None), Ok(()));
    assert_eq!(says(Some(&two), Some(&one)), refused);
    assert_eq!(says(Some(&two), Some(&all)), refused);
    assert_eq!(says(Some(&two), None), refused);
    assert_eq!(says(None, Some(&two)), refused);
}

/// A private mapping of the whole range, with a state. Linux overwrites where it begins.
struct Whole<P: Platform> {
    says: Says<P, Remapped>,
    memory: P::Iomem,
}

impl<P: Platform> MmapFile for Whole<P> {
    type Platform = P;

    fn object(&self) -> Option<&SharedObject<P>> {
        Some(&self.says.all)
    }

    fn mmap<'m>(&'m self, mut ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        if let Some(part) = &self.says.rebases_to {
            ctx = ctx.rebase(part)?;
        }
        let frames = self.memory.range(PageOffset::ZERO, self.memory.count()).ok_or(Errno::EIO)?;
        ctx.establish_shared(self.says.names.clone())?.remap_from_first(frames)
    }
}

fn a_private_remapped_mapping_with_a_state_keeps_its_offsets<B: TestBed>() {
    let bed = B::new();
    let map = |rebased: bool, map: Map| {
        let all = SharedObject::<B::Platform>::new(bed.may_sleep()).unwrap();
        let part = all.part(PageOffset::new(FIRST[0]), PageCount::new(PAGES)).unwrap();
        let rebases_to = rebased.then(|| part.clone());
        let names = share(&bed, Names::<B::Platform, Remapped>(rebases_to.clone(), PhantomData));
        let memory = bed.device_memory(PAGES);
        let file = bed.open(Whole { says: Says { all, rebases_to, names }, memory });
        bed.user().mmap(&file, map.prot(Prot::READ).pgoff(PageOffset::new(FIRST[0]))).map(drop)
    };
    assert_eq!(map(false, Map::private(PAGE)), Ok(()));
    assert_eq!(map(true, Map::shared(PAGE)), Ok(()));
    assert_eq!(map(true, Map::private(PAGE)), Err(Refusal::Errno(Errno::EINVAL)));
}

fn a_part_lies_in_what_it_is_a_part_of<B: TestBed>() {
    let bed = B::new();
    let all = SharedObject::<B::Platform>::new(bed.may_sleep()).unwrap();
    let part = |of: &SharedObject<B::Platform>, first, count| of.part(PageOffset::new(first), PageCount::new(count));
    let ten = part(&all, 10, 10).unwrap();
    let two = part(&ten, 8, 2).unwrap();
    assert_eq!((two.base(), two.page_count()), (PageOffset::new(18), PageCount::new(2)));
    for (first, count) in [(0, 0), (9, 2), (10, 1), (usize::MAX, 1), (1, usize::MAX)] {
        assert_eq!(part(&ten, first, count).err(), Some(Errno::EINVAL), "{first}, {count}");
    }
    assert!(part(&all, 0, usize::MAX).is_ok());
    assert_eq!(part(&all, 1, usize::MAX).err(), Some(Errno::EINVAL));
    assert!([18, 19].iter().all(|at| two.contains(PageOffset::new(*at))));
    assert!([0, 17, 20, usize::MAX].iter().all(|at| !two.contains(PageOffset::new(*at))));
}
