//! Pages that are made when they are touched, and given up again.

use std::{
    array,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use vmctx::{
    Errno, FaultCtx, Hooks, Mapped, MaySleep, Mixed, MmapCtx, MmapFile, PageCache, PageCount, PageOffset, PageRange,
    PageRef as _, Platform, SharedObject, UserAddr, VmFault, VmOperations,
};
use vmctx_hosted::{Map, Refusal, Trap, UserSide};

use crate::{
    beds::TestBed,
    drivers::{OnDrop, PAGE, RefOf, page_at, share},
    threads::all_at_once,
};

on_each_platform!(
    a_store_outlives_the_page_that_it_was_made_to,
    many_faults_make_one_page,
    who_cannot_fill_a_page_keeps_nobody_waiting,
    what_is_evicted_goes_back_and_the_rest_stays,
    a_cache_is_as_long_as_it_was_said_to_be,
    only_what_was_stored_to_is_written_back,
    where_stores_are_not_told_what_could_be_stored_to_is_written_back,
    a_page_that_cannot_be_written_back_stays,
    what_was_written_back_stays_and_the_next_store_is_noted_anew,
    no_store_is_lost_between_writing_back_and_evicting,
);

/// How many pages the file has.
const PAGES: usize = 5;

/// Where the file begins in what can be mapped of its device.
const FIRST: usize = 3;

/// A file whose pages are kept elsewhere, a word of each. Its cache is told of stores, or it is not.
struct Disk<P: Platform, const TOLD: bool = true> {
    /// One page more than the cache has.
    object: SharedObject<P>,
    cache: PageCache<P>,
    words: [Mutex<u32>; PAGES],
    fills: AtomicUsize,
    /// Which pages were written back, in order.
    written: Mutex<Vec<usize>>,
    /// What so many fills to come fail with.
    trouble: Mutex<Vec<Errno>>,
}

impl<P: Platform, const TOLD: bool> Disk<P, TOLD> {
    fn fill(&self, at: PageOffset, page: &P::Page) -> Result<(), Errno> {
        self.fills.fetch_add(1, Ordering::SeqCst);
        if let Some(errno) = self.trouble.lock().unwrap().pop() {
            return Err(errno);
        }
        let word = *self.words[at.index()].lock().unwrap();
        // As slow as a disk: others come for the same page meanwhile.
        thread::yield_now();
        page.write(0, &word.to_ne_bytes()).map_err(|_| Errno::EIO)
    }

    fn write_back(&self, at: PageOffset, page: &P::Page) -> Result<(), Errno> {
        if let Some(errno) = self.trouble.lock().unwrap().pop() {
            return Err(errno);
        }
        let mut bytes = [0; 4];
        page.read(0, &mut bytes).unwrap();
        *self.words[at.index()].lock().unwrap() = u32::from_ne_bytes(bytes);
        self.written.lock().unwrap().push(at.index());
        Ok(())
    }

    /// As `write_back`, before the page goes: whoever still saw it afterwards would see that.
    fn write_last(&self, at: PageOffset, page: &P::Page) -> Result<(), Errno> {
        self.write_back(at, page)?;
        page.write(0, &[0xee; 4]).map_err(|_| Errno::EIO)
    }

    fn written(&self) -> Vec<usize> {
        self.written.lock().unwrap().split_off(0)
    }
}

impl<P: Platform, const TOLD: bool> VmOperations for Disk<P, TOLD> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = {
        let hooks = Hooks::NONE.object(|disk: &Self| Some(disk.cache.object()));
        if TOLD { hooks.page_mkwrite(|disk, ctx| disk.cache.allow_store(ctx)) } else { hooks }
    };

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let at = ctx.pgoff();
        self.cache.serve(ctx, |page, _| self.fill(at, page))
    }
}

struct File<P: Platform, const TOLD: bool>(P::Ref<Disk<P, TOLD>>);

impl<P: Platform, const TOLD: bool> MmapFile for File<P, TOLD> {
    type Platform = P;

    fn object(&self) -> Option<&SharedObject<P>> {
        Some(self.0.cache.object())
    }

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.rebase(&self.0.object)?.writable().establish_shared(self.0.clone())?.fill_later())
    }
}

/// A disk, and a mapping of all its pages and one behind them.
fn disk<B: TestBed, const TOLD: bool>(bed: &B) -> (RefOf<B, Disk<B::Platform, TOLD>>, B::File, UserAddr) {
    let object = SharedObject::new(bed.may_sleep()).unwrap();
    let (first, count) = (PageOffset::new(FIRST), PageCount::new(PAGES));
    let object = object.part(first, PageCount::new(PAGES + 1)).unwrap();
    let cache = PageCache::new(bed.memory().clone(), &object, count, bed.may_sleep()).unwrap();
    let words = array::from_fn(|_| Mutex::default());
    let (fills, written, trouble) = (AtomicUsize::new(0), Mutex::default(), Mutex::default());
    let disk = share::<B, Disk<B::Platform, TOLD>>(bed, Disk { object, cache, words, fills, written, trouble });
    let file = bed.open(File(disk.clone()));
    let at = bed.mmap(&file, Map::shared((PAGES + 1) * PAGE).pgoff(first));
    (disk, file, at)
}

/// The same, told of stores.
fn told<B: TestBed>(bed: &B) -> (RefOf<B, Disk<B::Platform>>, B::File, UserAddr) {
    disk::<B, true>(bed)
}

fn all() -> PageRange {
    PageRange::new(PageOffset::ZERO, PageOffset::new(PAGES))
}

/// Each thread has a page of its own, and finds in it what it has written last, until `take_away` has had enough. Gives
/// back what each has written last.
fn writers<B: TestBed>(bed: &B, at: UserAddr, take_away: impl FnOnce()) -> Vec<u32> {
    let (user, done) = (&**bed.user(), AtomicBool::new(false));
    thread::scope(|scope| {
        let writers: Vec<_> = (0..PAGES)
            .map(|index| {
                let done = &done;
                scope.spawn(move || {
                    let page = page_at(at, index);
                    let mut round = 0_u32;
                    while !done.load(Ordering::Acquire) {
                        let mut bytes = [0; 4];
                        user.read(page, &mut bytes).unwrap();
                        assert_eq!(u32::from_ne_bytes(bytes), round, "page {index}");
                        round += 1;
                        user.write(page, &round.to_ne_bytes()).unwrap();
                        // Whoever takes pages away gets a turn, also where there are fewer processors than threads.
                        thread::yield_now();
                    }
                    round
                })
            })
            .collect();
        let stop = OnDrop(|| done.store(true, Ordering::Release));
        take_away();
        drop(stop);
        writers.into_iter().map(|writer| writer.join().unwrap()).collect()
    })
}

/// Takes pages away, in turn by eviction and by a bound, until so many have gone.
fn take_away<P: Platform, const TOLD: bool>(disk: &Disk<P, TOLD>, pages: usize, may_sleep: MaySleep<'_>) {
    let (mut went, mut round) = (0, 0);
    while went < pages {
        round += 1;
        let last = |at, page: &P::Page| disk.write_last(at, page);
        let gone = match round % 3 {
            0 => disk.cache.evict(all(), may_sleep, last),
            _ => disk.cache.shrink_to(PageCount::new(1), may_sleep, last),
        };
        went += gone.unwrap().get();
        thread::yield_now();
    }
}

fn outlives<B: TestBed, const TOLD: bool>() {
    let bed = B::new();
    let (disk, _file, at) = disk::<B, TOLD>(&bed);
    let rounds = writers(&bed, at, || take_away(&disk, 3000, bed.may_sleep()));
    disk.cache.evict(all(), bed.may_sleep(), |at, page| disk.write_last(at, page)).unwrap();
    let kept: Vec<u32> = disk.words.iter().map(|word| *word.lock().unwrap()).collect();
    assert_eq!(kept, rounds);
    assert_eq!((disk.cache.in_use(), bed.pages_in_use()), (PageCount::ZERO, 0));
    bed.assert_no_complaints();
}

fn a_store_outlives_the_page_that_it_was_made_to<B: TestBed>() {
    outlives::<B, true>();
    outlives::<B, false>();
}

fn many_faults_make_one_page<B: TestBed>() {
    const ROUNDS: usize = 200;
    let bed = B::new();
    let (disk, _file, at) = told(&bed);
    for round in 1..=ROUNDS {
        all_at_once(4, |_| assert_eq!(bed.load(at), Ok(0)));
        assert_eq!((disk.fills.load(Ordering::SeqCst), bed.pages_in_use()), (round, 1), "round {round}");
        assert_eq!(disk.cache.truncate(all(), bed.may_sleep()), PageCount::new(1));
    }
}

fn who_cannot_fill_a_page_keeps_nobody_waiting<B: TestBed>() {
    let bed = B::new();
    let (disk, _file, at) = told(&bed);
    *disk.trouble.lock().unwrap() = vec![Errno::EIO];
    assert_eq!(bed.load(at), Err(Trap::Sigbus(at)));
    assert_eq!((disk.cache.in_use(), bed.pages_in_use()), (PageCount::ZERO, 0));
    // One that means "try again" has the access repeated.
    *disk.trouble.lock().unwrap() = vec![Errno::EAGAIN];
    assert_eq!(bed.load(at), Ok(0));
    assert_eq!(disk.fills.load(Ordering::SeqCst), 3);
    // All of them wait for one who fails, and then for the next.
    disk.cache.truncate(all(), bed.may_sleep());
    *disk.trouble.lock().unwrap() = vec![Errno::EIO; 2];
    let failed = AtomicUsize::new(0);
    all_at_once(4, |_| {
        if bed.load(at).is_err() {
            failed.fetch_add(1, Ordering::SeqCst);
        }
    });
    // Whoever touches the page while a SIGBUS is answered may get the same one.
    assert!((1..=4).contains(&failed.load(Ordering::SeqCst)));
    disk.trouble.lock().unwrap().clear();
    assert_eq!(bed.load(at), Ok(0));
    assert_eq!((disk.cache.in_use(), bed.pages_in_use()), (PageCount::new(1), 1));
}

fn what_is_evicted_goes_back_and_the_rest_stays<B: TestBed>() {
    let bed = B::new();
    let (disk, _file, at) = told(&bed);
    for page in 0..PAGES {
        assert_eq!(bed.load(page_at(at, page)), Ok(0));
    }
    assert_eq!((disk.cache.in_use(), bed.pages_in_use()), (PageCount::new(PAGES), PAGES));
    // A hole is punched: the pages are dropped, with what was in them.
    bed.store(page_at(at, 1), 9).unwrap();
    let hole = PageRange::new(PageOffset::new(1), PageOffset::new(3));
    assert_eq!(disk.cache.truncate(hole, bed.may_sleep()), PageCount::new(2));
    assert_eq!(bed.pages_in_use(), PAGES - 2);
    let before = bed.faults();
    assert_eq!((bed.load(at), bed.load(page_at(at, 3))), (Ok(0), Ok(0)));
    assert_eq!(bed.faults(), before, "the others are still mapped");
    assert_eq!(bed.load(page_at(at, 1)), Ok(0));
    assert_eq!(bed.faults(), before + 1);
    // A page that somebody holds stays his, and is no user's any more.
    let held = disk.cache.get(PageOffset::ZERO, bed.may_sleep()).unwrap();
    disk.cache.truncate(all(), bed.may_sleep());
    assert_eq!(bed.pages_in_use(), 1);
    held.write(0, &[77]).unwrap();
    assert_eq!(bed.load(at), Ok(0));
    // Parts that the cache does not have.
    for (start, end) in [(0, 0), (PAGES, usize::MAX), (2, 1)] {
        let part = PageRange::new(PageOffset::new(start), PageOffset::new(end));
        assert_eq!(disk.cache.truncate(part, bed.may_sleep()), PageCount::ZERO);
        assert_eq!(disk.cache.evict(part, bed.may_sleep(), |_, _| Ok(())), Ok(PageCount::ZERO));
    }
}

fn a_cache_is_as_long_as_it_was_said_to_be<B: TestBed>() {
    let bed = B::new();
    let (disk, file, at) = told(&bed);
    let behind = page_at(at, PAGES);
    assert_eq!(bed.load(behind), Err(Trap::Sigbus(behind)));
    let before = Map::shared(PAGE).pgoff(PageOffset::new(FIRST - 1));
    assert_eq!(bed.user().mmap(&file, before), Err(Refusal::Errno(Errno::EINVAL)));
    assert_eq!(disk.fills.load(Ordering::SeqCst), 0);
    assert!(disk.cache.get(PageOffset::ZERO, bed.may_sleep()).is_none());
    let (object, max) = (SharedObject::new(bed.may_sleep()).unwrap(), PageCount::new(usize::MAX));
    let object = object.part(PageOffset::new(1), PageCount::new(usize::MAX - 1)).unwrap();
    let endless = PageCache::<B::Platform>::new(bed.memory().clone(), &object, max, bed.may_sleep());
    assert_eq!(endless.err(), Some(Errno::EINVAL));
}

fn evict_all<P: Platform, const TOLD: bool>(disk: &Disk<P, TOLD>, may_sleep: MaySleep<'_>) -> Result<PageCount, Errno> {
    disk.cache.evict(all(), may_sleep, |at, page| disk.write_last(at, page))
}

fn only_what_was_stored_to_is_written_back<B: TestBed>() {
    let bed = B::new();
    let (disk, file, at) = told(&bed);
    let private = bed.mmap(&file, Map::private(PAGES * PAGE).pgoff(PageOffset::new(FIRST)));
    for page in 0..PAGES {
        assert_eq!(bed.load(page_at(at, page)), Ok(0));
    }
    bed.store(page_at(at, 1), 5).unwrap();
    bed.store(page_at(at, 3), 6).unwrap();
    bed.store(page_at(private, 2), 7).unwrap();
    // A system call stores, too.
    let stored = bed.user().ioctl(|ctx| {
        let at = PageOffset::new(4);
        disk.cache.store_with(at, ctx, |page, _| disk.fill(at, page), |page| page.write(0, &[8]).unwrap())
    });
    assert_eq!(stored.unwrap(), Ok(()));
    assert_eq!(evict_all(&disk, bed.may_sleep()), Ok(PageCount::new(PAGES)));
    assert_eq!(disk.written(), [1, 3, 4]);
    assert_eq!([1, 2, 3, 4].map(|page| bed.load(page_at(at, page))), [Ok(5), Ok(0), Ok(6), Ok(8)]);
    assert_eq!(bed.load(page_at(private, 2)), Ok(7), "a private copy is its user's own");
    // They were made anew, and nobody has stored to them since.
    assert_eq!(evict_all(&disk, bed.may_sleep()), Ok(PageCount::new(4)));
    assert!(disk.written().is_empty());
}

fn where_stores_are_not_told_what_could_be_stored_to_is_written_back<B: TestBed>() {
    let bed = B::new();
    let (disk, file, at) = disk::<B, false>(&bed);
    let private = bed.mmap(&file, Map::private(PAGES * PAGE).pgoff(PageOffset::new(FIRST)));
    assert_eq!((bed.load(page_at(at, 1)), bed.load(page_at(private, 2))), (Ok(0), Ok(0)));
    bed.store(page_at(at, 3), 6).unwrap();
    assert_eq!(evict_all(&disk, bed.may_sleep()), Ok(PageCount::new(3)));
    assert_eq!(disk.written(), [1, 3]);
}

fn a_page_that_cannot_be_written_back_stays<B: TestBed>() {
    let bed = B::new();
    let (disk, _file, at) = told(&bed);
    for page in 0..PAGES {
        bed.store(page_at(at, page), 9).unwrap();
    }
    *disk.trouble.lock().unwrap() = vec![Errno::EIO];
    let bound = PageCount::new(1);
    let shrunk = disk.cache.shrink_to(bound, bed.may_sleep(), |at, page| disk.write_last(at, page));
    assert_eq!((shrunk, disk.cache.in_use()), (Err(Errno::EIO), PageCount::new(PAGES)));
    assert_eq!((bed.load(at), disk.fills.load(Ordering::SeqCst)), (Ok(9), PAGES), "it is still the same page");
    let shrunk = disk.cache.shrink_to(bound, bed.may_sleep(), |at, page| disk.write_last(at, page));
    assert_eq!((shrunk, disk.written().len()), (Ok(PageCount::new(PAGES - 1)), PAGES - 1));
    for page in 0..PAGES {
        assert_eq!(bed.load(page_at(at, page)), Ok(9));
    }
}

fn what_was_written_back_stays_and_the_next_store_is_noted_anew<B: TestBed>() {
    let bed = B::new();
    let (disk, _file, at) = told(&bed);
    let sync = || bed.user().ioctl(|ctx| disk.cache.write_back(all(), ctx, |at, page| disk.write_back(at, page)));
    for round in 1..4 {
        bed.store(at, round).unwrap();
        bed.store(page_at(at, 2), round).unwrap();
        assert_eq!((sync().unwrap(), disk.written()), (Ok(PageCount::new(2)), vec![0, 2]), "round {round}");
        assert_eq!((sync().unwrap(), bed.load(at)), (Ok(PageCount::ZERO), Ok(round)));
    }
    bed.store(at, 9).unwrap();
    *disk.trouble.lock().unwrap() = vec![Errno::EIO];
    assert_eq!((sync().unwrap(), disk.written()), (Err(Errno::EIO), vec![]));
    assert_eq!((sync().unwrap(), disk.written()), (Ok(PageCount::new(1)), vec![0]));
    assert_eq!((disk.cache.in_use(), disk.fills.load(Ordering::SeqCst)), (PageCount::new(2), 2));
}

/// A page that was written back and is clean is dropped as it is, so a store that was not noted would be lost.
fn no_store_is_lost_between_writing_back_and_evicting<B: TestBed>() {
    let bed = B::new();
    let (disk, _file, at) = told(&bed);
    writers(&bed, at, || {
        for _ in 0..500 {
            let synced =
                bed.user().ioctl(|ctx| disk.cache.write_back(all(), ctx, |at, page| disk.write_back(at, page)));
            synced.unwrap().unwrap();
            take_away(&disk, 2, bed.may_sleep());
        }
    });
    bed.assert_no_complaints();
}
