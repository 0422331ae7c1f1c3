//! Pages that are made when they are touched, and given up again.

use std::{
    array,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use vmctx::{
    Errno, FaultCtx, Hooks, Mapped, Mixed, MmapCtx, MmapFile, PageCache, PageCount, PageOffset, PageRange,
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
);

/// How many pages the file has.
const PAGES: usize = 5;

/// Where the file begins in what can be mapped of its device.
const FIRST: usize = 3;

/// A file whose pages are kept elsewhere, a word of each.
struct Disk<P: Platform> {
    /// One page more than the cache has.
    object: SharedObject<P>,
    cache: PageCache<P>,
    words: [Mutex<u32>; PAGES],
    fills: AtomicUsize,
    /// What so many fills to come fail with.
    trouble: Mutex<Vec<Errno>>,
}

impl<P: Platform> Disk<P> {
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

    fn write_back(&self, at: PageOffset, page: &P::Page) {
        let mut bytes = [0; 4];
        page.read(0, &mut bytes).unwrap();
        *self.words[at.index()].lock().unwrap() = u32::from_ne_bytes(bytes);
        // Whoever still saw the page would see this.
        page.write(0, &[0xee; 4]).unwrap();
    }
}

impl<P: Platform> VmOperations for Disk<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.object(|disk: &Self| Some(disk.cache.object()));

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let at = ctx.pgoff();
        self.cache.serve(ctx, |page, _| self.fill(at, page))
    }
}

struct File<P: Platform>(P::Ref<Disk<P>>);

impl<P: Platform> MmapFile for File<P> {
    type Platform = P;

    fn object(&self) -> Option<&SharedObject<P>> {
        Some(self.0.cache.object())
    }

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.rebase(&self.0.object)?.writable().establish_shared(self.0.clone())?.fill_later())
    }
}

/// A disk, and a mapping of all its pages and one behind them.
fn disk<B: TestBed>(bed: &B) -> (RefOf<B, Disk<B::Platform>>, B::File, UserAddr) {
    let object = SharedObject::new(bed.may_sleep()).unwrap();
    let (first, count) = (PageOffset::new(FIRST), PageCount::new(PAGES));
    let object = object.part(first, PageCount::new(PAGES + 1)).unwrap();
    let cache = PageCache::new(bed.memory().clone(), &object, count, bed.may_sleep()).unwrap();
    let words = array::from_fn(|_| Mutex::default());
    let disk = Disk { object, cache, words, fills: AtomicUsize::new(0), trouble: Mutex::default() };
    let disk = share::<B, Disk<B::Platform>>(bed, disk);
    let file = bed.open(File(disk.clone()));
    let at = bed.mmap(&file, Map::shared((PAGES + 1) * PAGE).pgoff(first));
    (disk, file, at)
}

fn all() -> PageRange {
    PageRange::new(PageOffset::ZERO, PageOffset::new(PAGES))
}

fn a_store_outlives_the_page_that_it_was_made_to<B: TestBed>() {
    const ROUNDS: u32 = 3000;
    let bed = B::new();
    let (disk, _file, at) = disk(&bed);
    let user = &**bed.user();
    let writing = AtomicUsize::new(PAGES);
    let mut evicted = 0;
    thread::scope(|scope| {
        // Each has a page of its own, and finds in it what it has written last.
        let writers: Vec<_> = (0..PAGES)
            .map(|index| {
                let writing = &writing;
                scope.spawn(move || {
                    let _done = OnDrop(|| _ = writing.fetch_sub(1, Ordering::Release));
                    let page = page_at(at, index);
                    for round in 1..=ROUNDS {
                        let mut bytes = [0; 4];
                        user.read(page, &mut bytes).unwrap();
                        assert_eq!(u32::from_ne_bytes(bytes), round - 1, "page {index}");
                        user.write(page, &round.to_ne_bytes()).unwrap();
                    }
                })
            })
            .collect();
        while writing.load(Ordering::Acquire) != 0 {
            let gone = |at, page| disk.write_back(at, &page);
            evicted += match evicted % 3 {
                0 => disk.cache.evict(all(), bed.may_sleep(), gone).get().max(1),
                _ => disk.cache.shrink_to(PageCount::new(1), bed.may_sleep(), gone).get().max(1),
            };
        }
        assert!(writers.into_iter().map(thread::ScopedJoinHandle::join).all(|ended| ended.is_ok()));
    });
    assert!(evicted > 1000, "{evicted} pages were evicted");
    disk.cache.evict(all(), bed.may_sleep(), |at, page| disk.write_back(at, &page));
    assert!(disk.words.iter().all(|word| *word.lock().unwrap() == ROUNDS));
    assert_eq!((disk.cache.in_use(), bed.pages_in_use()), (PageCount::ZERO, 0));
    bed.assert_no_complaints();
}

fn many_faults_make_one_page<B: TestBed>() {
    const ROUNDS: usize = 200;
    let bed = B::new();
    let (disk, _file, at) = disk(&bed);
    for round in 1..=ROUNDS {
        all_at_once(4, |_| assert_eq!(bed.load(at), Ok(0)));
        assert_eq!((disk.fills.load(Ordering::SeqCst), bed.pages_in_use()), (round, 1), "round {round}");
        assert_eq!(disk.cache.evict(all(), bed.may_sleep(), |_, _| ()), PageCount::new(1));
    }
}

fn who_cannot_fill_a_page_keeps_nobody_waiting<B: TestBed>() {
    let bed = B::new();
    let (disk, _file, at) = disk(&bed);
    *disk.trouble.lock().unwrap() = vec![Errno::EIO];
    assert_eq!(bed.load(at), Err(Trap::Sigbus(at)));
    assert_eq!((disk.cache.in_use(), bed.pages_in_use()), (PageCount::ZERO, 0));
    // One that means "try again" has the access repeated.
    *disk.trouble.lock().unwrap() = vec![Errno::EAGAIN];
    assert_eq!(bed.load(at), Ok(0));
    assert_eq!(disk.fills.load(Ordering::SeqCst), 3);
    // All of them wait for one who fails, and then for the next.
    disk.cache.evict(all(), bed.may_sleep(), |_, _| ());
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
    let (disk, _file, at) = disk(&bed);
    for page in 0..PAGES {
        assert_eq!(bed.load(page_at(at, page)), Ok(0));
    }
    assert_eq!((disk.cache.in_use(), bed.pages_in_use()), (PageCount::new(PAGES), PAGES));
    // A hole is punched: the pages are dropped, with what was in them.
    bed.store(page_at(at, 1), 9).unwrap();
    let hole = PageRange::new(PageOffset::new(1), PageOffset::new(3));
    let mut went = Vec::new();
    assert_eq!(disk.cache.evict(hole, bed.may_sleep(), |at, _| went.push(at.index())), PageCount::new(2));
    assert_eq!((went, bed.pages_in_use()), (vec![1, 2], PAGES - 2));
    let before = bed.faults();
    assert_eq!((bed.load(at), bed.load(page_at(at, 3))), (Ok(0), Ok(0)));
    assert_eq!(bed.faults(), before, "the others are still mapped");
    assert_eq!(bed.load(page_at(at, 1)), Ok(0));
    assert_eq!(bed.faults(), before + 1);
    // A page that somebody holds stays his, and is no user's any more.
    let held = disk.cache.get(PageOffset::ZERO, bed.may_sleep()).unwrap();
    disk.cache.evict(all(), bed.may_sleep(), |_, _| ());
    assert_eq!(bed.pages_in_use(), 1);
    held.write(0, &[77]).unwrap();
    assert_eq!(bed.load(at), Ok(0));
    // Parts that the cache does not have.
    for (start, end) in [(0, 0), (PAGES, usize::MAX), (2, 1)] {
        let part = PageRange::new(PageOffset::new(start), PageOffset::new(end));
        assert_eq!(disk.cache.evict(part, bed.may_sleep(), |_, _| ()), PageCount::ZERO);
    }
}

fn a_cache_is_as_long_as_it_was_said_to_be<B: TestBed>() {
    let bed = B::new();
    let (disk, file, at) = disk(&bed);
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
