//! Mapping, touching, protecting, unmapping.

use std::{
    marker::PhantomData,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use vmctx::{
    Errno, FaultCtx, FrameSource as _, Hooks, Mapped, Mixed, MmapCtx, MmapFile, PageCount, PageOffset, PageRef as _,
    PfnMap, Platform, Remapped, UserAddr, VmFault, VmOperations,
};
use vmctx_hosted::{Map, Prot, Refusal, Trap, UserSide as _};

use crate::{
    beds::{IomemOf, TestBed, if_told},
    borrowed::open_with,
    drivers::{OnDrop, PAGE, PageOf, first_byte, on_fault, open, page_at, pages, ring, share},
};

on_each_platform!(
    both_sides_have_the_same_physical_page,
    an_access_over_pages_is_one_of_each,
    what_is_not_there_is_a_sigbus_that_names_the_byte,
    what_the_protection_does_not_allow_is_a_sigsegv,
    mprotect_takes_rights_away_and_gives_them_back,
    a_length_is_rounded_up_to_pages,
    munmap_fails_as_do_munmap_does,
    a_part_can_be_unmapped_and_the_rest_goes_on,
    a_mapping_keeps_its_file_open,
    a_file_can_be_behind_a_box_or_shared,
    a_mmap_hook_that_fails_or_panics_leaves_nothing,
    the_first_vma_is_opened_and_closed_as_all_are,
    a_first_vma_that_is_not_opened_is_a_mmap_that_fails,
    who_grants_no_writing_cannot_be_written,
    without_a_grant_private_copies_are_the_users_all_the_same,
    what_can_never_be_written_may_show_the_zero_page,
);

fn both_sides_have_the_same_physical_page<B: TestBed>() {
    let bed = B::new();
    let pages = pages(&bed, 4);
    let at = bed.mmap(&ring(&bed, &pages), Map::shared(4 * PAGE));

    assert_eq!(bed.load(page_at(at, 2)), Ok(3));
    bed.store(page_at(at, 2), 77).unwrap();
    assert_eq!(first_byte(&pages[2]), 77);
    pages[2].write(0, &[78]).unwrap();
    assert_eq!(bed.load(page_at(at, 2)), Ok(78));
    bed.store(at, 79).unwrap();
    assert_eq!((first_byte(&pages[0]), bed.counts().handler_calls), (79, 2));
    if_told(bed.mapped_pages(at, 4), 2);
    bed.assert_no_complaints();
}

fn an_access_over_pages_is_one_of_each<B: TestBed>() {
    let bed = B::new();
    let at = bed.mmap(&ring(&bed, &pages(&bed, 2)), Map::shared(3 * PAGE));

    let mut bytes = [0; 8];
    bed.user().read(UserAddr::new(at.get() + PAGE - 4), &mut bytes).unwrap();
    assert_eq!(bytes, [1, 1, 1, 1, 2, 2, 2, 2]);
    // The third page fails; what lies before it was copied.
    let mut bytes = [0; 8];
    let ended = bed.user().read(UserAddr::new(at.get() + 2 * PAGE - 4), &mut bytes);
    assert_eq!((ended, bytes), (Err(Trap::Sigbus(page_at(at, 2))), [2, 2, 2, 2, 0, 0, 0, 0]));
}

fn what_is_not_there_is_a_sigbus_that_names_the_byte<B: TestBed>() {
    let bed = B::new();
    let pages = pages(&bed, 1);
    let at = bed.mmap(&ring(&bed, &pages), Map::shared(3 * PAGE));

    for (byte, before) in [(UserAddr::new(at.get() + PAGE + 77), 0), (page_at(at, 1), 3)] {
        for tries in 1..=3 {
            assert_eq!(bed.load(byte), Err(Trap::Sigbus(byte)));
            assert_eq!(bed.answers().sigbus, before + tries, "the driver is asked each time");
        }
    }
    // What lies before it was copied, although it had not been touched yet.
    let mut bytes = [0; 8];
    let ended = bed.user().read(UserAddr::new(at.get() + PAGE - 4), &mut bytes);
    assert_eq!((ended, bytes), (Err(Trap::Sigbus(page_at(at, 1))), [1, 1, 1, 1, 0, 0, 0, 0]));
    assert_eq!(bed.load(at), Ok(1));

    bed.munmap(at, 3 * PAGE);
    assert_eq!(bed.load(at), Err(Trap::Sigsegv(at)));
    let nowhere = UserAddr::new(12);
    assert_eq!(bed.load(nowhere), Err(Trap::Sigsegv(nowhere)));
    assert_eq!((bed.mapping_count(), B::references(&pages[0])), (0, 1));
}

fn what_the_protection_does_not_allow_is_a_sigsegv<B: TestBed>() {
    let bed = B::new();
    let pages = pages(&bed, 2);
    let file = ring(&bed, &pages);
    let at = bed.mmap(&file, Map::shared(2 * PAGE).prot(Prot::READ));
    assert_eq!(bed.load(at), Ok(1));
    assert_eq!(bed.store(at, 0), Err(Trap::Sigsegv(at)));
    let none = bed.mmap(&file, Map::shared(PAGE).prot(Prot::NONE));
    assert_eq!(bed.load(none), Err(Trap::Sigsegv(none)));
    bed.munmap(none, PAGE);

    bed.user().mprotect(at, PAGE, Prot::READ | Prot::WRITE).unwrap();
    bed.store(at, 9).unwrap();
    let second = page_at(at, 1);
    assert_eq!(bed.store(second, 0), Err(Trap::Sigsegv(second)));
    assert_eq!((first_byte(&pages[0]), bed.mapping_count()), (9, 2));
}

fn mprotect_takes_rights_away_and_gives_them_back<B: TestBed>() {
    let bed = B::new();
    let pages = pages(&bed, 4);
    let at = bed.mmap(&ring(&bed, &pages), Map::shared(4 * PAGE));
    for page in 0..4 {
        bed.load(page_at(at, page)).unwrap();
    }
    let mprotect = |pages: usize, prot| bed.user().mprotect(at, pages * PAGE, prot).unwrap();
    mprotect(2, Prot::READ);
    assert_eq!(bed.store(at, 9), Err(Trap::Sigsegv(at)));
    bed.store(page_at(at, 2), 9).unwrap();
    mprotect(1, Prot::NONE);
    assert_eq!(bed.load(at), Err(Trap::Sigsegv(at)));
    assert_eq!(B::references(&pages[0]), 3, "it is still mapped");
    if_told(B::map_count(&pages[0]), 1);
    mprotect(4, Prot::READ | Prot::WRITE);
    bed.store(at, 8).unwrap();
    assert_eq!((first_byte(&pages[0]), first_byte(&pages[2])), (8, 9));
}

fn a_length_is_rounded_up_to_pages<B: TestBed>() {
    let bed = B::new();
    let at = bed.mmap(&ring(&bed, &pages(&bed, 2)), Map::shared(PAGE + 1));
    assert_eq!(bed.load(UserAddr::new(at.get() + 2 * PAGE - 1)), Ok(2));
    bed.munmap(at, PAGE + 1);
    assert_eq!(bed.mapping_count(), 0);
}

fn munmap_fails_as_do_munmap_does<B: TestBed>() {
    let bed = B::new();
    let at = bed.mmap(&ring(&bed, &pages(&bed, 4)), Map::shared(4 * PAGE));
    for (address, bytes) in [(at.get() + 1, PAGE), (at.get(), 0), (at.get(), usize::MAX)] {
        let refused = bed.user().munmap(UserAddr::new(address), bytes);
        assert_eq!(refused, Err(Refusal::Errno(Errno::EINVAL)), "{bytes:#x} bytes at {address:#x}");
    }
    assert_eq!((bed.mapping_count(), bed.load(page_at(at, 3))), (1, Ok(4)));
}

fn a_part_can_be_unmapped_and_the_rest_goes_on<B: TestBed>() {
    let bed = B::new();
    let pages = pages(&bed, 6);
    let at = bed.mmap(&ring(&bed, &pages), Map::shared(6 * PAGE));
    let mapped = |expected: [bool; 6]| {
        for (index, mapped) in expected.into_iter().enumerate() {
            let address = page_at(at, index);
            let byte = u8::try_from(index + 1).unwrap();
            assert_eq!(bed.load(address), if mapped { Ok(byte) } else { Err(Trap::Sigsegv(address)) });
        }
    };
    for page in [0, 2, 3] {
        bed.load(page_at(at, page)).unwrap();
    }
    bed.munmap(page_at(at, 2), 2 * PAGE);
    assert_eq!(bed.mapping_count(), 2);
    for (page, references) in pages.iter().zip([3, 2, 2, 2, 2, 2]) {
        assert_eq!(B::references(page), references);
        if_told(B::map_count(page), references - 2);
    }
    mapped([true, true, false, false, true, true]);
    // The far end still knows its place in the object.
    bed.munmap(at, 2 * PAGE);
    mapped([false, false, false, false, true, true]);
    // What is not mapped is no error.
    bed.munmap(at, 6 * PAGE);
    bed.munmap(at, 6 * PAGE);
    mapped([false; 6]);
    assert_eq!(bed.mapping_count(), 0);
    assert!(pages.iter().all(|page| B::references(page) == 1));
}

fn a_mapping_keeps_its_file_open<B: TestBed>() {
    let bed = B::new();
    let page = pages(&bed, 1).remove(0);
    let (closed, seen) = (Arc::new(AtomicUsize::new(0)), page.clone());
    let tell = Arc::clone(&closed);
    let on_close = OnDrop(move || _ = tell.fetch_add(1, Ordering::SeqCst));
    let file = open(&bed, move |ctx| {
        let _ = &on_close;
        ctx.writable().without_faults::<Mixed>()?.insert_page(&page)?.finish()
    });
    let at = bed.mmap(&file, Map::shared(PAGE));

    drop(file);
    assert_eq!(closed.load(Ordering::SeqCst), 0);
    assert_eq!(bed.load(at), Ok(1));
    bed.munmap(at, PAGE);
    assert_eq!(closed.load(Ordering::SeqCst), 1);
    assert_eq!(B::references(&seen), 1);
}

/// A device with one page.
struct Doorbell<P: Platform>(P::Page);

impl<P: Platform> MmapFile for Doorbell<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        ctx.writable().without_faults::<Mixed>()?.insert_page(&self.0)?.finish()
    }
}

fn a_file_can_be_behind_a_box_or_shared<B: TestBed>() {
    let bed = B::new();
    let page = pages(&bed, 1).remove(0);
    let doorbell = || Doorbell::<B::Platform>(page.clone());
    let device = Arc::new(doorbell());
    let boxed: Box<dyn MmapFile<Platform = B::Platform>> = Box::new(doorbell());
    let of_any_type: Arc<dyn MmapFile<Platform = B::Platform>> = device.clone();
    let of_the_platform = vmctx_hosted::Ref::new(doorbell());
    for file in [bed.open(boxed), bed.open(device), bed.open(of_any_type), bed.open(of_the_platform)] {
        let at = bed.mmap(&file, Map::shared(PAGE));
        assert_eq!(bed.load(at), Ok(1));
        bed.munmap(at, PAGE);
    }
}

fn a_mmap_hook_that_fails_or_panics_leaves_nothing<B: TestBed>() {
    let bed = B::new();
    let page = pages(&bed, 1).remove(0);
    let panics = Arc::new(AtomicBool::new(false));
    let (inserted, told) = (page.clone(), Arc::clone(&panics));
    let file = open(&bed, move |ctx| {
        let ctx = ctx.writable().without_faults::<Mixed>()?.insert_page(&inserted)?;
        assert!(!told.load(Ordering::SeqCst), "on purpose");
        ctx.finish()
    });
    let mmap = |pages: usize| bed.user().mmap(&file, Map::shared(pages * PAGE));
    let nothing_is_left = || {
        // The lock is free, and no entry is left where nothing is mapped.
        assert_eq!((bed.mapping_count(), B::references(&page)), (0, 2));
        if_told(B::map_count(&page), 0);
        if_told(bed.page_tables_in_use(), 0);
    };
    // Two slots, and one page.
    assert_eq!(mmap(2), Err(Refusal::Errno(Errno::ENXIO)));
    nothing_is_left();
    panics.store(true, Ordering::SeqCst);
    assert!(catch_unwind(AssertUnwindSafe(|| mmap(2))).is_err());
    nothing_is_left();
    panics.store(false, Ordering::SeqCst);
    let at = mmap(1).unwrap();
    assert_eq!(bed.load(at), Ok(1));
}

/// What a driver is told of its VMAs.
type Log = Arc<Mutex<Vec<&'static str>>>;

/// What the driver's open hook comes to, which can be changed.
type Outcome = Arc<Mutex<fn() -> Result<(), Errno>>>;

/// A mapping whose driver keeps a log, and opens only what it is to open.
struct Opened<P: Platform> {
    log: Log,
    outcome: Outcome,
    platform: PhantomData<fn(P) -> P>,
}

impl<P: Platform> Opened<P> {
    fn note(&self, what: &'static str) {
        self.log.lock().unwrap().push(what);
    }
}

impl<P: Platform> VmOperations for Opened<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE
        .open(|opened: &Self| {
            opened.note("open");
            let outcome = *opened.outcome.lock().unwrap();
            outcome()
        })
        .close(|opened: &Self| opened.note("close"));
}

impl<P: Platform> Drop for Opened<P> {
    fn drop(&mut self) {
        self.note("drop");
    }
}

/// A file whose mappings have this page in their first slot, and keep a log.
struct Doors<B: TestBed> {
    bed: B,
    file: B::File,
    page: PageOf<B>,
    log: Log,
    outcome: Outcome,
}

impl<B: TestBed> Doors<B> {
    fn new() -> Self {
        let bed = B::new();
        let page = pages(&bed, 1).remove(0);
        let log = Log::default();
        let outcome: Outcome = Arc::new(Mutex::new(|| Ok(())));
        let file = open(&bed, {
            let (page, log, outcome) = (page.clone(), Arc::clone(&log), Arc::clone(&outcome));
            move |ctx| {
                let state = Opened { log: Arc::clone(&log), outcome: Arc::clone(&outcome), platform: PhantomData };
                Ok(ctx.writable().establish(state)?.insert_page(&page)?.fill_later())
            }
        });
        Self { bed, file, page, log, outcome }
    }

    fn mmap(&self) -> Result<UserAddr, Refusal> {
        self.bed.user().mmap(&self.file, Map::shared(4 * PAGE).pgoff(PageOffset::new(2)))
    }

    /// What was told since this was last asked.
    fn told(&self) -> Vec<&'static str> {
        std::mem::take(&mut *self.log.lock().unwrap())
    }

    fn assert_nothing_is_left(&self) {
        assert_eq!((self.bed.mapping_count(), B::references(&self.page)), (0, 2));
        if_told(B::map_count(&self.page), 0);
        if_told(self.bed.page_tables_in_use(), 0);
        self.bed.assert_no_complaints();
    }
}

fn the_first_vma_is_opened_and_closed_as_all_are<B: TestBed>() {
    let doors = Doors::<B>::new();
    let at = doors.mmap().unwrap();
    assert_eq!(doors.told(), ["open"]);
    assert_eq!(doors.bed.load(at), Ok(1));
    doors.bed.munmap(page_at(at, 1), PAGE);
    assert_eq!(doors.told(), ["open", "open", "close"]);
    doors.bed.munmap(at, 4 * PAGE);
    // As often closed as opened.
    assert_eq!(doors.told(), ["close", "close", "drop"]);
    doors.assert_nothing_is_left();
}

fn a_first_vma_that_is_not_opened_is_a_mmap_that_fails<B: TestBed>() {
    let doors = Doors::<B>::new();
    *doors.outcome.lock().unwrap() = || Err(Errno::EMFILE);
    assert_eq!(doors.mmap(), Err(Refusal::Errno(Errno::EMFILE)));
    assert_eq!(doors.told(), ["open", "drop"], "and it is not closed");
    doors.assert_nothing_is_left();

    *doors.outcome.lock().unwrap() = || panic!("on purpose");
    assert!(catch_unwind(AssertUnwindSafe(|| doors.mmap())).is_err());
    assert_eq!(doors.told(), ["open", "drop"]);
    doors.assert_nothing_is_left();

    *doors.outcome.lock().unwrap() = || Ok(());
    let at = doors.mmap().unwrap();
    assert_eq!(doors.bed.load(at), Ok(1));
}

/// A file that shows this page in its first slot, counts its states, and does not say that users may write.
fn not_granted<B: TestBed>(bed: &B, page: &PageOf<B>, states: &Arc<AtomicUsize>) -> B::File {
    let (page, states) = (page.clone(), Arc::clone(states));
    open(bed, move |ctx| {
        let page = page.clone();
        let ctx = ctx.establish_with(|at| {
            assert!(!at.may_be_written());
            states.fetch_add(1, Ordering::SeqCst);
            Ok(on_fault::<B::Platform, Mixed, _>(move |ctx| ctx.insert_page(&page)))
        })?;
        Ok(ctx.fill_later())
    })
}

fn who_grants_no_writing_cannot_be_written<B: TestBed>() {
    let bed = B::new();
    let page = pages(&bed, 1).remove(0);
    let states = Arc::new(AtomicUsize::new(0));
    let file = not_granted(&bed, &page, &states);
    for prot in [Prot::READ_WRITE, Prot::WRITE] {
        assert_eq!(bed.user().mmap(&file, Map::shared(PAGE).prot(prot)), Err(Refusal::Errno(Errno::EPERM)));
    }
    assert_eq!((bed.mapping_count(), states.load(Ordering::SeqCst)), (0, 0), "no state was made for it");

    // Nor later: it is not enough to look at what is asked for now.
    let at = bed.mmap(&file, Map::shared(2 * PAGE).prot(Prot::READ));
    for touched in [false, true] {
        for prot in [Prot::READ_WRITE, Prot::WRITE] {
            assert_eq!(bed.user().mprotect(at, 2 * PAGE, prot), Err(Refusal::Errno(Errno::EACCES)), "{touched}");
        }
        assert_eq!(bed.store(at, 9), Err(Trap::Sigsegv(at)));
        assert_eq!(bed.load(at), Ok(1));
    }
    // What it has it may lose and have again.
    bed.user().mprotect(at, PAGE, Prot::NONE).unwrap();
    assert_eq!(bed.load(at), Err(Trap::Sigsegv(at)));
    bed.user().mprotect(at, PAGE, Prot::READ).unwrap();
    assert_eq!((bed.load(at), first_byte(&page)), (Ok(1), 1));

    // Without a state it is the same.
    let shown = page.clone();
    let bare = open(&bed, move |ctx| ctx.without_faults::<Mixed>()?.insert_page(&shown)?.finish());
    let registers = bed.device_memory(1);
    let frames = open_with(&bed, registers.clone(), |registers, ctx| {
        ctx.without_faults::<Remapped>()?
            .remap_from_first(registers.range(PageOffset::ZERO, PageCount::new(1)).unwrap())
    });
    let by_number = faulting_without_grant(&bed, registers);
    for file in [bare, frames, by_number] {
        assert_eq!(bed.user().mmap(&file, Map::shared(PAGE)), Err(Refusal::Errno(Errno::EPERM)));
        let at = bed.mmap(&file, Map::shared(PAGE).prot(Prot::READ));
        bed.load(at).unwrap();
        assert_eq!(bed.user().mprotect(at, PAGE, Prot::READ_WRITE), Err(Refusal::Errno(Errno::EACCES)));
        assert_eq!(bed.store(at, 9), Err(Trap::Sigsegv(at)));
    }
    assert_eq!(first_byte(&page), 1);
    bed.assert_no_complaints();
}

/// Frames by number, whose users may not write.
fn faulting_without_grant<B: TestBed>(bed: &B, memory: IomemOf<B>) -> B::File {
    let state = share(bed, Registers::<B::Platform>(memory));
    open(bed, move |ctx| Ok(ctx.establish_shared(state.clone())?.fill_later()))
}

struct Registers<P: Platform>(P::Iomem);

impl<P: Platform> VmOperations for Registers<P> {
    type Platform = P;
    type Kind = PfnMap;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        ctx.insert_pfn_with(|at| self.0.frame(at.pgoff()).ok_or(Errno::ENXIO))
    }
}

fn without_a_grant_private_copies_are_the_users_all_the_same<B: TestBed>() {
    let bed = B::new();
    let page = pages(&bed, 1).remove(0);
    let file = not_granted(&bed, &page, &Arc::default());
    let at = bed.mmap(&file, Map::private(2 * PAGE));
    let second = page_at(at, 1);
    assert_eq!(bed.load(at), Ok(1));
    bed.store(at, 9).unwrap();
    bed.store(second, 8).unwrap();
    assert_eq!((bed.load(at), bed.load(second), first_byte(&page)), (Ok(9), Ok(8), 1));
    bed.user().mprotect(at, 2 * PAGE, Prot::READ).unwrap();
    assert_eq!(bed.store(at, 7), Err(Trap::Sigsegv(at)));
    bed.user().mprotect(at, 2 * PAGE, Prot::READ_WRITE).unwrap();
    bed.store(at, 7).unwrap();
    assert_eq!((bed.load(at), bed.load(second), first_byte(&page)), (Ok(7), Ok(8), 1));
    // Also where writing was not asked for at first.
    let later = bed.mmap(&file, Map::private(PAGE).prot(Prot::READ));
    bed.user().mprotect(later, PAGE, Prot::READ_WRITE).unwrap();
    bed.store(later, 6).unwrap();
    assert_eq!((bed.load(later), first_byte(&page)), (Ok(6), 1));
    bed.assert_no_complaints();
}

/// With a grant it is EINVAL: see `the_zero_page_is_for_who_cannot_write_it`.
fn what_can_never_be_written_may_show_the_zero_page<B: TestBed>() {
    let bed = B::new();
    let file = open(&bed, |ctx| ctx.without_faults::<Mixed>()?.insert_zero_page()?.finish());
    let at = bed.mmap(&file, Map::shared(PAGE).prot(Prot::READ));
    assert_eq!(bed.load(at), Ok(0));
    assert_eq!(bed.user().mprotect(at, PAGE, Prot::READ_WRITE), Err(Refusal::Errno(Errno::EACCES)));
}
