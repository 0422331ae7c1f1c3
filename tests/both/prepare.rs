//! Files that describe their mappings: what their users see, and what is left of a mapping that failed.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use vmctx::{
    ByPrepare, Errno, FaultCtx, FrameSource as _, Hooks, Iomem as _, MaySleep, Mixed, PageCount, PageMkwriteCtx,
    PageOffset, PageRange, PfnMap, Platform, PrepareCtx, PrepareFile, Prepared, Remapped, SharedObject, VmFault,
    VmOperations, WithoutFaults,
};
use vmctx_hosted::{Map, Prot, Refusal, Trap, UserSide as _};

use crate::{
    beds::{IomemOf, TestBed, if_told},
    described::{
        Call::{Close, Drop, Handle, Mapped, Open, Prepare},
        Calls, Noting, Told, describing,
    },
    drivers::{PAGE, PageOf, page_at, pages, share},
};

on_each_platform!(
    faults_fill_what_is_described_so,
    pages_are_in_before_the_state_is_made,
    a_mapping_that_reaches_over_the_pages_is_refused,
    frames_are_mapped_whole,
    a_state_that_is_refused_leaves_nothing,
    a_state_that_cannot_be_made_leaves_nothing,
    a_handle_comes_back_to_the_mapping,
    what_is_filled_at_once_tells_of_first_stores,
    what_the_hook_has_not_granted_cannot_be_written,
    what_is_not_asked_for_stays_so,
    a_copy_on_write_mapping_of_frames_is_refused,
    a_described_mapping_does_not_grow,
    a_described_mapping_grows_if_it_may,
    a_hook_that_fails_is_told_of_nothing_more,
    objects_of_one_file_are_found_by_both_hooks,
    a_handle_counts_from_the_object_that_was_described,
    an_object_that_the_file_does_not_show_is_refused,
    a_state_that_names_a_part_that_the_mapping_does_not_show_is_refused,
);

/// A file that fills its mappings at once with these pages.
fn filled<B: TestBed>(bed: &B, pages: &[PageOf<B>], calls: &Calls) -> B::File {
    let (noted, made) = (calls.clone(), calls.clone());
    describing::<_, Noting<B::Platform>, _, _, _>(
        bed,
        pages.to_vec(),
        move |pages, ctx| {
            noted.note(Prepare);
            ctx.writable().fill_at_pgoff(pages)
        },
        move |pages, _, may_sleep| {
            made.note(Mapped);
            B::Platform::share(Noting::new(&made, pages), may_sleep)
        },
    )
}

/// A file whose mappings faults fill with these pages.
fn faulted<B: TestBed>(bed: &B, pages: &[PageOf<B>], calls: &Calls) -> B::File {
    let made = calls.clone();
    describing::<_, Noting<B::Platform>, _, _, _>(
        bed,
        pages.to_vec(),
        |_, ctx| ctx.writable().by_faults(),
        move |pages, _, may_sleep| B::Platform::share(Noting::new(&made, pages), may_sleep),
    )
}

fn faults_fill_what_is_described_so<B: TestBed>() {
    let bed = B::new();
    let (pages, calls) = (pages(&bed, 3), Calls::default());
    let file = faulted(&bed, &pages, &calls);
    let at = bed.mmap(&file, Map::shared(3 * PAGE).pgoff(PageOffset::new(1)));
    assert_eq!(bed.load(at), Ok(2));
    assert_eq!(bed.load(page_at(at, 1)), Ok(3));
    assert_eq!(bed.load(page_at(at, 2)), Err(Trap::Sigbus(page_at(at, 2))));
    bed.munmap(at, 3 * PAGE);
    assert_eq!(calls.take(), [Open, Handle, Close, Drop]);
    drop(file);
    assert_eq!(B::references(&pages[1]), 1);
}

fn pages_are_in_before_the_state_is_made<B: TestBed>() {
    let bed = B::new();
    let (pages, calls) = (pages(&bed, 4), Calls::default());
    let looked = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&looked);
    let file = describing::<_, Noting<B::Platform>, _, _, _>(
        &bed,
        (pages.clone(), calls.clone()),
        |(pages, calls), ctx| {
            calls.note(Prepare);
            assert_eq!((ctx.pgoff(), ctx.page_count()), (PageOffset::new(1), PageCount::new(2)));
            ctx.writable().fill_at_pgoff(pages)
        },
        move |(pages, calls), shown, may_sleep| {
            calls.note(Mapped);
            assert_eq!(shown, PageRange::new(PageOffset::new(1), PageOffset::new(3)));
            // The test's, the file's, and the mapping's.
            seen.store(B::references(&pages[1]), Ordering::SeqCst);
            B::Platform::share(Noting::new(calls, &[]), may_sleep)
        },
    );
    let at = bed.mmap(&file, Map::shared(2 * PAGE).pgoff(PageOffset::new(1)));
    assert_eq!(looked.load(Ordering::SeqCst), 3);
    assert_eq!(calls.take(), [Prepare, Mapped, Open, Handle]);
    assert_eq!((bed.load(at), bed.load(page_at(at, 1))), (Ok(2), Ok(3)));
    bed.munmap(at, 2 * PAGE);
    assert_eq!(calls.take(), [Close, Drop]);
    assert_eq!(B::references(&pages[1]), 2);
    bed.assert_no_complaints();
}

fn a_mapping_that_reaches_over_the_pages_is_refused<B: TestBed>() {
    let bed = B::new();
    let (pages, calls) = (pages(&bed, 2), Calls::default());
    let file = filled(&bed, &pages, &calls);
    for (first, count) in [(0, 3), (1, 2), (2, 1), (9, 1)] {
        let map = Map::shared(count * PAGE).pgoff(PageOffset::new(first));
        assert_eq!(bed.user().mmap(&file, map), Err(Refusal::Errno(Errno::ENXIO)), "{first}, {count}");
        assert_eq!(calls.take(), [Prepare]);
    }
    assert_eq!((bed.mapping_count(), B::references(&pages[0])), (0, 2));
    // Filled from the first page on, whatever the offset says.
    let first = describing::<_, WithoutFaults<B::Platform, Mixed>, _, _, _>(
        &bed,
        pages.clone(),
        |pages, ctx| ctx.writable().fill_from_first(pages),
        |_, _, may_sleep| B::Platform::share(WithoutFaults::new(), may_sleep),
    );
    let at = bed.mmap(&first, Map::shared(2 * PAGE).pgoff(PageOffset::new(9)));
    assert_eq!((bed.load(at), bed.load(page_at(at, 1))), (Ok(1), Ok(2)));
}

/// A file of frames.
fn remapped<B: TestBed>(bed: &B, memory: IomemOf<B>, at_pgoff: bool) -> B::File {
    describing::<_, WithoutFaults<B::Platform, Remapped>, _, _, _>(
        bed,
        memory,
        move |memory, ctx| {
            let all = memory.range(PageOffset::ZERO, memory.count()).ok_or(Errno::ENXIO)?;
            let ctx = ctx.writable();
            if at_pgoff { ctx.remap_at_pgoff(all) } else { ctx.remap_from_first(all) }
        },
        |_, _, may_sleep| B::Platform::share(WithoutFaults::new(), may_sleep),
    )
}

fn frames_are_mapped_whole<B: TestBed>() {
    let bed = B::new();
    let memory = bed.device_memory(3);
    for page in 0..3_u8 {
        memory.write(usize::from(page) * PAGE, &[page + 1]).unwrap();
    }
    let (from_first, at_pgoff) = (remapped(&bed, memory.clone(), false), remapped(&bed, memory.clone(), true));
    let second = Map::shared(2 * PAGE).pgoff(PageOffset::new(1));
    let at = bed.mmap(&from_first, second);
    assert_eq!((bed.load(at), bed.load(page_at(at, 1))), (Ok(1), Ok(2)));
    let at = bed.mmap(&at_pgoff, second);
    assert_eq!((bed.load(at), bed.load(page_at(at, 1))), (Ok(2), Ok(3)));
    bed.store(page_at(at, 1), 9).unwrap();
    let mut byte = [0];
    memory.read(2 * PAGE, &mut byte).unwrap();
    assert_eq!(byte, [9]);
    // A private mapping: a store copies.
    let at = bed.mmap(&at_pgoff, Map::private(3 * PAGE));
    bed.store(at, 7).unwrap();
    memory.read(0, &mut byte).unwrap();
    assert_eq!((bed.load(at), byte), (Ok(7), [1]));
    for (file, map) in [(&from_first, Map::shared(4 * PAGE)), (&at_pgoff, second.pgoff(PageOffset::new(2)))] {
        assert_eq!(bed.user().mmap(file, map), Err(Refusal::Errno(Errno::EINVAL)));
    }
}

fn a_state_that_is_refused_leaves_nothing<B: TestBed>() {
    let bed = B::new();
    let (pages, calls) = (pages(&bed, 2), Calls::default());
    let before = bed.pages_in_use();
    let file = describing::<_, Noting<B::Platform>, _, _, _>(
        &bed,
        (pages.clone(), calls.clone()),
        |(pages, _), ctx| ctx.writable().fill_at_pgoff(pages),
        |(pages, calls), _, may_sleep| {
            let mut refuses = Noting::new(calls, pages);
            refuses.opened = Err(Errno::EMFILE);
            B::Platform::share(refuses, may_sleep)
        },
    );
    assert_eq!(bed.user().mmap(&file, Map::shared(2 * PAGE)), Err(Refusal::Errno(Errno::EMFILE)));
    assert_eq!(calls.take(), [Open, Drop]);
    assert_eq!((bed.mapping_count(), bed.pages_in_use(), B::references(&pages[1])), (0, before, 2));
    if_told(bed.page_tables_in_use(), 0);
}

fn a_state_that_cannot_be_made_leaves_nothing<B: TestBed>() {
    let bed = B::new();
    let (pages, calls) = (pages(&bed, 2), Calls::default());
    let file = describing::<_, Noting<B::Platform>, _, _, _>(
        &bed,
        (pages.clone(), calls.clone(), AtomicUsize::new(0)),
        |(pages, ..), ctx| ctx.writable().fill_at_pgoff(pages),
        |(_, calls, times), _, may_sleep| {
            calls.note(Mapped);
            if times.fetch_add(1, Ordering::SeqCst) == 0 {
                return Err(Errno::ENOSPC);
            }
            B::Platform::share(Noting::new(calls, &[]), may_sleep)
        },
    );
    assert_eq!(bed.user().mmap(&file, Map::shared(2 * PAGE)), Err(Refusal::Errno(Errno::ENOSPC)));
    // The VMA that was unmapped had no state, so there was nothing to be closed.
    assert_eq!(calls.take(), [Mapped]);
    assert_eq!((bed.mapping_count(), B::references(&pages[1])), (0, 2));
    if_told(bed.page_tables_in_use(), 0);
    let at = bed.mmap(&file, Map::shared(2 * PAGE));
    assert_eq!(bed.load(page_at(at, 1)), Ok(2));
    assert_eq!(calls.take(), [Mapped, Open, Handle]);
}

fn a_handle_comes_back_to_the_mapping<B: TestBed>() {
    let bed = B::new();
    let (pages, calls) = (pages(&bed, 2), Calls::default());
    let state = share(&bed, Noting::<B::Platform>::new(&calls, &[]));
    let file = describing::<_, Noting<B::Platform>, _, _, _>(
        &bed,
        state.clone(),
        |_, ctx| ctx.writable().by_faults(),
        |state, _, _| Ok(state.clone()),
    );
    let at = bed.mmap(&file, Map::shared(2 * PAGE));
    let inserted = bed.user().ioctl(|ctx| {
        let handle = state.handle.lock().unwrap();
        handle.as_ref().unwrap().lock(ctx)?.insert_page(PageOffset::new(1), &pages[1])
    });
    assert_eq!(inserted, Ok(Ok(())));
    assert_eq!(bed.load(page_at(at, 1)), Ok(2));
}

/// A page that is there at once, and whose first store is told.
struct StoreTold<P: Platform> {
    page: P::Page,
    stores: Arc<AtomicUsize>,
}

impl<P: Platform> StoreTold<P> {
    fn page_mkwrite<'f>(&'f self, ctx: PageMkwriteCtx<'f, P, Mixed>) -> VmFault<'f> {
        self.stores.fetch_add(1, Ordering::SeqCst);
        ctx.allow()
    }
}

impl<P: Platform> VmOperations for StoreTold<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.page_mkwrite(Self::page_mkwrite);

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        ctx.insert_page(&self.page)
    }
}

impl<P: Platform> Told for StoreTold<P> {}

fn what_is_filled_at_once_tells_of_first_stores<B: TestBed>() {
    let bed = B::new();
    let (pages, stores) = (pages(&bed, 2), Arc::new(AtomicUsize::new(0)));
    let told = Arc::clone(&stores);
    let file = describing::<_, StoreTold<B::Platform>, _, _, _>(
        &bed,
        pages,
        |pages, ctx| ctx.writable().fill_at_pgoff(pages),
        move |pages, _, may_sleep| {
            B::Platform::share(StoreTold { page: pages[0].clone(), stores: Arc::clone(&told) }, may_sleep)
        },
    );
    let at = bed.mmap(&file, Map::shared(2 * PAGE));
    assert_eq!((bed.load(at), bed.load(page_at(at, 1)), stores.load(Ordering::SeqCst)), (Ok(1), Ok(2), 0));
    bed.store(page_at(at, 1), 9).unwrap();
    bed.store(page_at(at, 1), 10).unwrap();
    assert_eq!((bed.load(page_at(at, 1)), stores.load(Ordering::SeqCst)), (Ok(10), 1));
}

fn what_the_hook_has_not_granted_cannot_be_written<B: TestBed>() {
    let bed = B::new();
    let (pages, calls) = (pages(&bed, 1), Calls::default());
    let noted = calls.clone();
    let file = describing::<_, Noting<B::Platform>, _, _, _>(
        &bed,
        pages,
        |pages, ctx| ctx.fill_at_pgoff(pages),
        move |pages, _, may_sleep| {
            noted.note(Mapped);
            B::Platform::share(Noting::new(&noted, pages), may_sleep)
        },
    );
    assert_eq!(bed.user().mmap(&file, Map::shared(PAGE)), Err(Refusal::Errno(Errno::EPERM)));
    assert_eq!(calls.take(), []);
    let at = bed.mmap(&file, Map::shared(PAGE).prot(Prot::READ));
    assert_eq!(bed.user().mprotect(at, PAGE, Prot::READ_WRITE), Err(Refusal::Errno(Errno::EACCES)));
    assert_eq!((bed.store(at, 1), bed.load(at)), (Err(Trap::Sigsegv(at)), Ok(1)));
    // What a user copies is his own.
    let at = bed.mmap(&file, Map::private(PAGE));
    assert_eq!((bed.store(at, 7), bed.load(at)), (Ok(()), Ok(7)));
}

fn what_is_not_asked_for_stays_so<B: TestBed>() {
    let bed = B::new();
    let file = describing::<_, Noting<B::Platform>, _, _, _>(
        &bed,
        pages(&bed, 1),
        |pages, mut ctx| {
            let ctx = if ctx.is_writable() { return Err(Errno::EROFS) } else { ctx };
            ctx.shared_only()?.no_exec()?.writable().fill_at_pgoff(pages)
        },
        |pages, _, may_sleep| B::Platform::share(Noting::new(&Calls::default(), pages), may_sleep),
    );
    for (map, errno) in [
        (Map::shared(PAGE), Errno::EROFS),
        (Map::private(PAGE).prot(Prot::READ), Errno::EINVAL),
        (Map::shared(PAGE).prot(Prot::EXEC), Errno::EPERM),
    ] {
        assert_eq!(bed.user().mmap(&file, map), Err(Refusal::Errno(errno)));
    }
    let at = bed.mmap(&file, Map::shared(PAGE).prot(Prot::READ));
    for prot in [Prot::READ_WRITE, Prot::EXEC] {
        assert_eq!(bed.user().mprotect(at, PAGE, prot), Err(Refusal::Errno(Errno::EACCES)));
    }
}

/// Frames that are inserted when they are touched.
struct Frames<P: Platform>(P::Iomem);

impl<P: Platform> VmOperations for Frames<P> {
    type Platform = P;
    type Kind = PfnMap;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        ctx.insert_pfn_with(|at| self.0.frame(at.pgoff()).ok_or(Errno::ENXIO))
    }
}

impl<P: Platform> Told for Frames<P> {}

/// A file of frames, as private as is asked for.
fn by_frame<B: TestBed>(bed: &B) -> B::File {
    describing::<_, Frames<B::Platform>, _, _, _>(
        bed,
        bed.device_memory(2),
        |_, ctx| ctx.writable().by_faults(),
        |memory, _, may_sleep| B::Platform::share(Frames(memory.clone()), may_sleep),
    )
}

fn a_copy_on_write_mapping_of_frames_is_refused<B: TestBed>() {
    let bed = B::new();
    let file = by_frame(&bed);
    assert_eq!(bed.user().mmap(&file, Map::private(PAGE)), Err(Refusal::Errno(Errno::EINVAL)));
    let at = bed.mmap(&file, Map::shared(2 * PAGE));
    assert_eq!((bed.load(at), bed.store(page_at(at, 1), 3), bed.load(page_at(at, 1))), (Ok(0), Ok(()), Ok(3)));
}

fn a_described_mapping_does_not_grow<B: TestBed>() {
    let bed = B::new();
    let pages = pages(&bed, 4);
    let files = [
        filled(&bed, &pages, &Calls::default()),
        faulted(&bed, &pages, &Calls::default()),
        by_frame(&bed),
        remapped(&bed, bed.device_memory(2), true),
    ];
    for file in files {
        let at = bed.mmap(&file, Map::shared(PAGE));
        if let Ok(grown) = bed.user().mremap(at, PAGE, 2 * PAGE) {
            assert_eq!(grown, Err(Refusal::Errno(Errno::EFAULT)));
        }
        assert_eq!(bed.mapping_count(), 1);
        bed.munmap(at, PAGE);
    }
}

fn a_described_mapping_grows_if_it_may<B: TestBed>() {
    let bed = B::new();
    let (pages, calls) = (pages(&bed, 2), Calls::default());
    let file = describing::<_, Noting<B::Platform>, _, _, _>(
        &bed,
        pages,
        |_, ctx| Ok(ctx.writable().by_faults()?.may_expand()),
        move |pages, _, may_sleep| B::Platform::share(Noting::new(&calls, pages), may_sleep),
    );
    let at = bed.mmap(&file, Map::shared(PAGE));
    // Where there is room behind, Linux does not move it, and it does not grow.
    let behind = bed.user().mmap(&file, Map::shared(PAGE).at(page_at(at, 1)));
    assert_eq!(bed.load(at), Ok(1));
    if let Ok(grown) = bed.user().mremap(at, PAGE, 2 * PAGE) {
        assert!(behind.is_ok());
        assert_eq!(bed.load(page_at(grown.unwrap(), 1)), Ok(2));
    }
}

fn a_hook_that_fails_is_told_of_nothing_more<B: TestBed>() {
    let bed = B::new();
    let calls = Calls::default();
    let noted = calls.clone();
    let file = describing::<_, Noting<B::Platform>, _, _, _>(
        &bed,
        (),
        move |(), _| {
            noted.note(Prepare);
            Err(Errno::ENODEV)
        },
        |(), _, _| unreachable!("nothing is mapped"),
    );
    assert_eq!(bed.user().mmap(&file, Map::shared(PAGE)), Err(Refusal::Errno(Errno::ENODEV)));
    assert_eq!((calls.take(), bed.mapping_count()), (vec![Prepare], 0));
}

/// One of several objects that a file shows.
struct Part<P: Platform> {
    object: SharedObject<P>,
    pages: Vec<P::Page>,
    handle: Mutex<Option<vmctx::Handle<P, Mixed>>>,
    /// Whether they are there at once.
    at_once: bool,
}

impl<P: Platform> VmOperations for Part<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.object(|part: &Self| Some(&part.object));

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        ctx.insert_page_with(|at| at.pgoff().of(&self.pages).ok_or(Errno::ENXIO))
    }
}

/// A file of them.
struct Parts<P: Platform> {
    all: SharedObject<P>,
    parts: Vec<P::Ref<Part<P>>>,
}

impl<P: Platform> Parts<P> {
    fn at(&self, pgoff: PageOffset) -> Result<&P::Ref<Part<P>>, Errno> {
        self.parts.iter().find(|part| part.object.contains(pgoff)).ok_or(Errno::EINVAL)
    }
}

impl<P: Platform> PrepareFile for Parts<P> {
    type Platform = P;
    type Ops = Part<P>;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Mixed>, Errno> {
        let part = self.at(ctx.pgoff())?;
        let ctx = ctx.rebase(&part.object)?.writable();
        assert!(ctx.pgoff().index() < part.pages.len());
        if part.at_once { ctx.fill_at_pgoff(&part.pages) } else { ctx.by_faults() }
    }

    fn mapped(&self, shown: PageRange, _: MaySleep<'_>) -> Result<P::Ref<Part<P>>, Errno> {
        self.at(shown.start).cloned()
    }

    fn handle(&self, part: &Part<P>, handle: vmctx::Handle<P, Mixed>) {
        *part.handle.lock().unwrap() = Some(handle);
    }

    fn object(&self) -> Option<&SharedObject<P>> {
        Some(&self.all)
    }
}

/// A file whose objects begin at pages 4 and 10, and have two pages each: the one filled at once, the other by faults.
fn parts<B: TestBed>(bed: &B, all: SharedObject<B::Platform>, of: &SharedObject<B::Platform>) -> B::File {
    let part = |first: usize, at_once: bool| {
        let object = of.part(PageOffset::new(first), PageCount::new(2)).unwrap();
        share(bed, Part { object, pages: pages(bed, 2), handle: Mutex::new(None), at_once })
    };
    bed.open(ByPrepare(Parts { all, parts: vec![part(4, true), part(10, false)] }))
}

/// G22: a handle of a described mapping counts from its object, too.
fn a_handle_counts_from_the_object_that_was_described<B: TestBed>() {
    let bed = B::new();
    let all = SharedObject::new(bed.may_sleep()).unwrap();
    let object = all.part(PageOffset::new(10), PageCount::new(2)).unwrap();
    let part = share(&bed, Part { object, pages: pages(&bed, 2), handle: Mutex::new(None), at_once: false });
    let file = bed.open(ByPrepare(Parts { all, parts: vec![part.clone()] }));
    let at = bed.mmap(&file, Map::shared(2 * PAGE).pgoff(PageOffset::new(10)));
    let handle = part.handle.lock().unwrap().take().unwrap();
    let looked = bed.user().ioctl(|ctx| {
        let mapped = handle.lock(ctx).unwrap();
        assert_eq!(mapped.pgoff_of(page_at(at, 1)), Some(PageOffset::new(1)));
        assert_eq!(mapped.insert_page(PageOffset::new(1), &part.pages[0]), Ok(()));
        assert_eq!(mapped.insert_page(PageOffset::new(10), &part.pages[0]), Err(Errno::EFAULT));
    });
    looked.unwrap();
    assert_eq!((bed.load(at), bed.load(page_at(at, 1))), (Ok(1), Ok(1)));
}

fn objects_of_one_file_are_found_by_both_hooks<B: TestBed>() {
    let bed = B::new();
    let all = SharedObject::new(bed.may_sleep()).unwrap();
    let file = parts(&bed, all.clone(), &all);
    for first in [4, 10] {
        let at = bed.mmap(&file, Map::shared(2 * PAGE).pgoff(PageOffset::new(first)));
        assert_eq!((bed.load(at), bed.load(page_at(at, 1))), (Ok(1), Ok(2)), "{first}");
        let at = bed.mmap(&file, Map::shared(PAGE).pgoff(PageOffset::new(first + 1)));
        assert_eq!(bed.load(at), Ok(2), "{first}");
    }
    // Between two, and over the end of one.
    for (first, count) in [(6, 1), (5, 2), (11, 2), (0, 1)] {
        let map = Map::shared(count * PAGE).pgoff(PageOffset::new(first));
        assert_eq!(bed.user().mmap(&file, map), Err(Refusal::Errno(Errno::EINVAL)), "{first}");
    }
}

fn an_object_that_the_file_does_not_show_is_refused<B: TestBed>() {
    let bed = B::new();
    let [all, another] = [(), ()].map(|()| SharedObject::new(bed.may_sleep()).unwrap());
    let before = bed.pages_in_use();
    let file = parts(&bed, all, &another);
    for first in [4, 10] {
        let map = Map::shared(PAGE).pgoff(PageOffset::new(first));
        assert_eq!(bed.user().mmap(&file, map), Err(Refusal::Errno(Errno::EINVAL)), "{first}");
    }
    assert_eq!((bed.mapping_count(), bed.pages_in_use()), (0, before + 4));
    if_told(bed.page_tables_in_use(), 0);
}

/// A file that rebases its mappings to one thing, or to none, and gives them a state that names another.
struct Says<P: Platform> {
    all: SharedObject<P>,
    rebases_to: Option<SharedObject<P>>,
    names: P::Ref<Part<P>>,
}

impl<P: Platform> PrepareFile for Says<P> {
    type Platform = P;
    type Ops = Part<P>;

    fn mmap_prepare<'m>(&'m self, mut ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Mixed>, Errno> {
        if let Some(part) = &self.rebases_to {
            ctx = ctx.rebase(part)?;
        }
        ctx.writable().by_faults()
    }

    fn mapped(&self, _: PageRange, _: MaySleep<'_>) -> Result<P::Ref<Part<P>>, Errno> {
        Ok(self.names.clone())
    }

    fn object(&self) -> Option<&SharedObject<P>> {
        Some(&self.all)
    }
}

/// Its hooks would count from a place behind the mapping's beginning, or before all of the part that it shows.
fn a_state_that_names_a_part_that_the_mapping_does_not_show_is_refused<B: TestBed>() {
    let bed = B::new();
    let all = SharedObject::<B::Platform>::new(bed.may_sleep()).unwrap();
    let [one, two] = [5, 8].map(|first| all.part(PageOffset::new(first), PageCount::new(3)).unwrap());
    let says = |rebases_to: Option<&SharedObject<B::Platform>>, names: &SharedObject<B::Platform>, first: usize| {
        let (object, pages) = (names.clone(), pages(&bed, 3));
        let names = share(&bed, Part { object, pages, handle: Mutex::new(None), at_once: false });
        let file = bed.open(ByPrepare(Says { all: all.clone(), rebases_to: rebases_to.cloned(), names }));
        bed.user().mmap(&file, Map::shared(PAGE).pgoff(PageOffset::new(first))).map(drop)
    };
    let refused = Err(Refusal::Errno(Errno::EINVAL));
    assert_eq!(says(Some(&two), &two, 8), Ok(()));
    assert_eq!(says(None, &all, 8), Ok(()));
    assert_eq!(says(None, &two, 0), refused);
    assert_eq!(says(Some(&one), &two, 5), refused);
    assert_eq!(says(Some(&two), &one, 8), refused);
    assert_eq!(bed.mapping_count(), 2);
}
