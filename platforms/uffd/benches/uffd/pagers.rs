//! What pagers do all day, by hand and typed, in turns: restoring, loading with a bound, tracking stores, a barrier, paging.
//! The loops by hand make the same requests, and nothing else.

use std::{
    collections::VecDeque,
    fs::File,
    os::{
        fd::{AsRawFd, FromRawFd, OwnedFd},
        unix::fs::FileExt,
    },
    ptr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Instant,
};

use vmctx::{
    Errno, FaultCtx, Hooks, MaySleep, Mixed, PageCache, PageCount, PageMkwriteCtx, PageOffset, PageRef as _,
    SharedObject, UserAddr, VmFault, VmOperations,
};
use vmctx_uffd::{Map, Memory, Options, Page, Ref, Session, Uffd};

use crate::{
    contender::PAGE,
    contenders::{map_existing, median, pin, processor},
};

/// How often each contender is made, now before the other and now after it.
const ROUNDS: usize = 8;
/// How many turns it has then. The first warms up.
const TURNS: usize = 6;

/// One side of a row.
trait Pager {
    /// What comes before the work, and is not measured.
    fn prepare(&self) {}

    fn work(&self);
}

type New = fn() -> Box<dyn Pager>;

/// What is compared: its name, and both sides.
const ROWS: [(&str, New, New); 8] = [
    ("restore by CONTINUE, page by page", || Box::new(Hand::restore(1)), || Box::new(Restored::new(1))),
    ("restore by CONTINUE, 16 pages a fault", || Box::new(Hand::restore(16)), || Box::new(Restored::new(16))),
    ("barrier", || Box::new(Hand::barrier()), || Box::new(Barrier::new())),
    ("lazy load with a bound", || Box::new(HandCache::new(false)), || Box::new(Cached::<false>::new())),
    ("paging", || Box::new(HandCache::new(true)), || Box::new(Cached::<true>::new())),
    ("dirty tracking by the kernel", || Box::new(HandDirty::new(true)), || Box::new(Dirty::new(true))),
    ("dirty tracking by faults", || Box::new(HandDirty::new(false)), || Box::new(Dirty::new(false))),
    ("dirty tracking by faults, of a told driver", || Box::new(HandDirty::new(false)), || Box::new(ToldDirty::new())),
];

pub(crate) fn run() {
    // Threads that are made from here on are there, too: on which processor a fault is served decides more than how.
    pin(processor());
    let turns = ROUNDS * (TURNS - 1);
    println!("\npagers, on one processor: milliseconds a turn, and ratios of neighbouring turns; medians of {turns}");
    println!("{:>44}  {:>8}  {:>8}  {:>14}", "", "by hand", "typed", "by hand/typed");
    for (name, by_hand, typed) in ROWS {
        let turns: Vec<_> = (0..ROUNDS).flat_map(|round| compare(by_hand, typed, round % 2 == 0)).collect();
        let middle = |of: fn(&(f64, f64)) -> f64| median(turns.iter().map(of).collect());
        let (by_hand, typed) = (middle(|(by_hand, _)| *by_hand), middle(|(_, typed)| *typed));
        println!("{name:>44}  {by_hand:>8.2}  {typed:>8.2}  {:>14.3}", middle(|(by_hand, typed)| by_hand / typed));
    }
}

/// Both take turns: their times.
fn compare(by_hand: New, typed: New, hand_first: bool) -> Vec<(f64, f64)> {
    let (by_hand, typed) = if hand_first {
        let by_hand = by_hand();
        (by_hand, typed())
    } else {
        let typed = typed();
        (by_hand(), typed)
    };
    let time = |pager: &dyn Pager| {
        pager.prepare();
        let start = Instant::now();
        pager.work();
        start.elapsed().as_secs_f64() * 1000.0
    };
    let turn = |turn: usize| {
        if (turn % 2 == 0) == hand_first {
            let by_hand = time(&*by_hand);
            (by_hand, time(&*typed))
        } else {
            let typed = time(&*typed);
            (time(&*by_hand), typed)
        }
    };
    (0..TURNS).map(turn).skip(1).collect()
}

/// Numbers below `count`, each once, in an order that looks random.
fn shuffled(count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    let mut seed = 88_172_645_463_325_252_u64;
    for last in (1..count).rev() {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        order.swap(last, usize::try_from(seed % (last as u64 + 1)).unwrap());
    }
    order
}

fn store(at: usize, page: usize) {
    // SAFETY: the addresses of a pager's mapping.
    unsafe { ptr::write_volatile((at + page * PAGE + 8) as *mut u8, 1) };
}

fn load(at: usize, page: usize) {
    // SAFETY: as above.
    unsafe { ptr::read_volatile((at + page * PAGE + 8) as *const u8) };
}

/// How many pages are restored, and passed by a barrier.
const IMAGE: usize = 4096;
/// How many there are where there is a bound, and the bound.
const OBJECT: usize = 4096;
const BOUND: usize = 1024;
/// How many are given up at once.
const GIVEN_UP: usize = BOUND / 8;
/// Of the pages that are tracked, one in so many is stored to.
const STRIDE: usize = 8;

/// A userfaultfd of these features, and a memory object that is mapped and registered with it, and mapped once more for
/// the pager itself. They stay for ever, because a thread reads it.
#[derive(Clone, Copy)]
struct ByHand {
    uffd: libc::c_int,
    object: libc::c_int,
    at: usize,
    view: usize,
    pages: usize,
}

const FEATURES: u64 = 1 << 5 | 1 << 10 | 1 << 11 | 1 << 12;
const WP_ASYNC: u64 = 1 << 15;

impl ByHand {
    fn new(features: u64, mode: u64, pages: usize, filled: bool) -> Self {
        let bytes = libc::off_t::try_from(pages * PAGE).unwrap();
        // SAFETY: requests with their structures, and mappings that replace nothing.
        unsafe {
            let object = libc::memfd_create(c"bench".as_ptr(), libc::MFD_CLOEXEC);
            assert!(object >= 0 && libc::ftruncate(object, bytes) == 0);
            assert!(!filled || libc::fallocate(object, 0, 0, bytes) == 0);
            let prot = libc::PROT_READ | libc::PROT_WRITE;
            let map = || libc::mmap(ptr::null_mut(), pages * PAGE, prot, libc::MAP_SHARED, object, 0);
            let (at, view) = (map(), map());
            assert!(at != libc::MAP_FAILED && view != libc::MAP_FAILED);
            let uffd = libc::c_int::try_from(libc::syscall(libc::SYS_userfaultfd, libc::O_CLOEXEC | 1)).unwrap();
            let mut api = [0xaa_u64, FEATURES | features, 0];
            assert_eq!(libc::ioctl(uffd, 0xc018_aa3f, api.as_mut_ptr()), 0);
            let mut register = [at as u64, (pages * PAGE) as u64, mode, 0];
            assert_eq!(libc::ioctl(uffd, 0xc020_aa00, register.as_mut_ptr()), 0);
            Self { uffd, object, at: at as usize, view: view as usize, pages }
        }
    }

    /// Calls `serve` with the page of each fault, whether it is a store, and whether it has met a protection.
    fn serve(self, mut serve: impl FnMut(usize, bool, bool) + Send + 'static) {
        thread::spawn(move || {
            loop {
                let mut event = [0_u64; 4];
                // SAFETY: a buffer of that length.
                let read = unsafe { libc::read(self.uffd, event.as_mut_ptr().cast(), 32) };
                assert_eq!(read, 32);
                let page = (usize::try_from(event[2]).unwrap() - self.at) / PAGE;
                serve(page, event[1] & 1 != 0, event[1] & 2 != 0);
            }
        });
    }

    fn zap(&self, first: usize, pages: usize) {
        // SAFETY: a mapping of this pager's, whose pages are the object's.
        let zapped = unsafe { libc::madvise((self.at + first * PAGE) as *mut _, pages * PAGE, libc::MADV_DONTNEED) };
        assert_eq!(zapped, 0);
    }

    fn protect(&self, first: usize, pages: usize, protect: bool) {
        let mut request = [(self.at + first * PAGE) as u64, (pages * PAGE) as u64, u64::from(protect)];
        // SAFETY: a request with its structure.
        assert_eq!(unsafe { libc::ioctl(self.uffd, 0xc018_aa06, request.as_mut_ptr()) }, 0);
    }

    /// CONTINUE, with or without a write protection.
    fn bring(&self, first: usize, pages: usize, protected: bool) {
        let mode = if protected { 2 } else { 0 };
        let mut request = [(self.at + first * PAGE) as u64, (pages * PAGE) as u64, mode, 0];
        // SAFETY: a request with its structure.
        assert_eq!(unsafe { libc::ioctl(self.uffd, 0xc020_aa07, request.as_mut_ptr()) }, 0);
    }
}

/// Brings pages of a memory object that has them, and does something to each before, if it is a barrier.
struct Hand {
    by_hand: ByHand,
    order: Vec<usize>,
}

impl Hand {
    fn restore(window: usize) -> Self {
        let by_hand = ByHand::new(0, 0b101, IMAGE, true);
        by_hand.serve(move |page, _, _| {
            map_existing(by_hand.uffd, by_hand.at + page / window * window * PAGE, window);
        });
        Self { by_hand, order: shuffled(IMAGE) }
    }

    fn barrier() -> Self {
        let by_hand = ByHand::new(0, 0b101, IMAGE, true);
        by_hand.serve(move |page, _, _| {
            // SAFETY: the pager's own mapping.
            unsafe { ptr::write_volatile((by_hand.view + page * PAGE) as *mut usize, page) };
            map_existing(by_hand.uffd, by_hand.at + page * PAGE, 1);
        });
        Self { by_hand, order: shuffled(IMAGE) }
    }
}

impl Pager for Hand {
    fn prepare(&self) {
        self.by_hand.zap(0, IMAGE);
    }

    fn work(&self) {
        self.order.iter().for_each(|page| load(self.by_hand.at, *page));
    }
}

/// Pages that are inserted as they are touched, with those of their window; forwarded before, if there is a barrier.
struct Image {
    object: SharedObject<Uffd>,
    pages: Vec<Page>,
    window: usize,
    forwards: bool,
}

impl VmOperations for Image {
    type Platform = Uffd;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.object(|image: &Self| Some(&image.object));

    fn fault<'f>(&'f self, mut ctx: FaultCtx<'f, Uffd, Mixed>) -> VmFault<'f> {
        let at = ctx.pgoff().index();
        let Some(page) = self.pages.get(at) else { return ctx.fail(Errno::ENXIO) };
        if self.forwards && page.write(0, &at.to_ne_bytes()).is_err() {
            return ctx.fail(Errno::EIO);
        }
        if self.window > 1 {
            let first = at / self.window * self.window;
            let around = self.pages.get(first..first + self.window).unwrap_or_default();
            ctx.prefault_pages(PageOffset::new(first), around);
        }
        ctx.insert_page(page)
    }
}

/// A session, and an image that is mapped.
struct Restored {
    session: Session,
    image: Ref<Image>,
    at: usize,
    order: Vec<usize>,
}

impl Restored {
    fn new(window: usize) -> Self {
        Self::of(window, false)
    }

    fn of(window: usize, forwards: bool) -> Self {
        let memory = Memory::new(PageCount::new(IMAGE)).unwrap();
        let session = Session::open(&memory).unwrap();
        let object = SharedObject::new(memory.may_sleep()).unwrap();
        let pages = (0..IMAGE).map(|_| memory.alloc_page().unwrap()).collect();
        let image = Ref::new(Image { object, pages, window, forwards });
        let at = session.map(&image, Map::shared(IMAGE * PAGE)).unwrap().get();
        Self { session, image, at, order: shuffled(IMAGE) }
    }
}

impl Pager for Restored {
    fn prepare(&self) {
        assert_eq!(self.session.take_errors(), []);
        self.image.object.unmap_once(PageOffset::ZERO, PageCount::new(IMAGE), self.session.memory().may_sleep());
    }

    fn work(&self) {
        self.order.iter().for_each(|page| load(self.at, *page));
    }
}

struct Barrier(Restored);

impl Barrier {
    fn new() -> Self {
        Self(Restored::of(1, true))
    }
}

impl Pager for Barrier {
    fn prepare(&self) {
        self.0.prepare();
    }

    fn work(&self) {
        self.0.work();
    }
}

/// The file that pages are loaded from, and written back to.
fn backing() -> File {
    // SAFETY: a new descriptor.
    let file = unsafe {
        let fd = libc::memfd_create(c"backing".as_ptr(), libc::MFD_CLOEXEC);
        assert!(fd >= 0);
        File::from(OwnedFd::from_raw_fd(fd))
    };
    (0..OBJECT).for_each(|page| file.write_all_at(&[7; PAGE], (page * PAGE) as u64).unwrap());
    file
}

/// What is done to an object with a bound: every page is touched, in random order. Where it is paged, every second touch is
/// a store.
fn use_object(at: usize, order: &[usize], stores: bool) {
    for (step, page) in order.iter().enumerate() {
        if stores && step % 2 == 0 {
            store(at, *page);
        } else {
            load(at, *page);
        }
    }
}

/// Loads pages, and gives up the oldest where there are too many: by hand.
struct HandCache {
    by_hand: ByHand,
    order: Vec<usize>,
    stores: bool,
}

impl HandCache {
    fn new(stores: bool) -> Self {
        let by_hand = ByHand::new(0, if stores { 0b111 } else { 0b101 }, OBJECT, false);
        let file = backing();
        let (mut oldest, mut dirty) = (VecDeque::new(), vec![false; by_hand.pages]);
        by_hand.serve(move |page, store, protected| {
            if protected {
                dirty[page] = true;
                return by_hand.protect(page, 1, false);
            }
            if oldest.len() >= BOUND {
                for page in oldest.drain(..GIVEN_UP) {
                    give_up(by_hand, &file, page, std::mem::take(&mut dirty[page]));
                }
            }
            let (at, bytes) = (libc::off_t::try_from(page * PAGE).unwrap(), libc::off_t::try_from(PAGE).unwrap());
            // SAFETY: the pager's own mapping of the object.
            unsafe {
                assert_eq!(libc::fallocate(by_hand.object, 0, at, bytes), 0);
                let to = (by_hand.view + page * PAGE) as *mut _;
                assert_eq!(libc::pread(file.as_raw_fd(), to, PAGE, at), isize::try_from(PAGE).unwrap());
            }
            oldest.push_back(page);
            dirty[page] = stores && store;
            by_hand.bring(page, 1, stores && !store);
        });
        Self { by_hand, order: shuffled(OBJECT), stores }
    }
}

fn give_up(by_hand: ByHand, file: &File, page: usize, dirty: bool) {
    by_hand.zap(page, 1);
    let (at, bytes) = (libc::off_t::try_from(page * PAGE).unwrap(), libc::off_t::try_from(PAGE).unwrap());
    // SAFETY: the pager's own mapping, which nobody else stores to by now.
    unsafe {
        if dirty {
            let from = (by_hand.view + page * PAGE) as *const _;
            assert_eq!(libc::pwrite(file.as_raw_fd(), from, PAGE, at), isize::try_from(PAGE).unwrap());
        }
        let punch = libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE;
        assert_eq!(libc::fallocate(by_hand.object, punch, at, bytes), 0);
    }
}

impl Pager for HandCache {
    fn work(&self) {
        use_object(self.by_hand.at, &self.order, self.stores);
    }
}

/// The same, typed.
struct Object<const STORES: bool> {
    cache: PageCache<Uffd>,
    file: File,
}

impl<const STORES: bool> Object<STORES> {
    fn shrink(&self, may_sleep: MaySleep<'_>) {
        if self.cache.in_use().get() < BOUND {
            return;
        }
        let write_back = |at: PageOffset, page: &Page| {
            if STORES {
                page.write_to(&self.file, (at.index() * PAGE) as u64, PAGE)?;
            }
            Ok(())
        };
        self.cache.shrink_to(PageCount::new(BOUND - GIVEN_UP), may_sleep, write_back).unwrap();
    }

    fn page_mkwrite<'f>(&'f self, ctx: PageMkwriteCtx<'f, Uffd, Mixed>) -> VmFault<'f> {
        self.cache.allow_store(ctx)
    }
}

impl<const STORES: bool> VmOperations for Object<STORES> {
    type Platform = Uffd;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = if STORES {
        Hooks::NONE.object(|object: &Self| Some(object.cache.object())).page_mkwrite(Self::page_mkwrite)
    } else {
        Hooks::NONE.object(|object: &Self| Some(object.cache.object()))
    };

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Uffd, Mixed>) -> VmFault<'f> {
        self.shrink(ctx.may_sleep());
        let at = ctx.pgoff().index() * PAGE;
        self.cache.serve(ctx, |page, _| page.fill_from(&self.file, at as u64).map(drop))
    }
}

struct Cached<const STORES: bool> {
    session: Session,
    at: usize,
    order: Vec<usize>,
}

impl<const STORES: bool> Cached<STORES> {
    fn new() -> Self {
        let memory = Memory::new(PageCount::new(OBJECT)).unwrap();
        let session = Session::open(&memory).unwrap();
        let row = memory.in_a_row(PageCount::new(OBJECT)).unwrap();
        let object = SharedObject::new(memory.may_sleep()).unwrap();
        let cache = PageCache::new(row, &object, PageCount::new(OBJECT), memory.may_sleep()).unwrap();
        let state = Ref::new(Object::<STORES> { cache, file: backing() });
        let at = session.map(&state, Map::shared(OBJECT * PAGE)).unwrap().get();
        Self { session, at, order: shuffled(OBJECT) }
    }
}

impl<const STORES: bool> Pager for Cached<STORES> {
    fn work(&self) {
        use_object(self.at, &self.order, STORES);
        assert_eq!(self.session.take_errors(), []);
    }
}

/// Which pages were stored to since it was last asked, by hand: the kernel's notes, or a bit for each fault.
struct HandDirty {
    by_hand: ByHand,
    noted: Option<Arc<Vec<AtomicBool>>>,
    pagemap: File,
    found: Mutex<usize>,
}

impl HandDirty {
    fn new(by_kernel: bool) -> Self {
        let by_hand = ByHand::new(if by_kernel { WP_ASYNC } else { 0 }, 0b111, IMAGE, true);
        by_hand.bring(0, IMAGE, true);
        let noted = (!by_kernel).then(|| Arc::new((0..IMAGE).map(|_| AtomicBool::new(false)).collect::<Vec<_>>()));
        if let Some(noted) = noted.clone() {
            by_hand.serve(move |page, _, _| {
                noted[page].store(true, Ordering::Relaxed);
                by_hand.protect(page, 1, false);
            });
        }
        Self { by_hand, noted, pagemap: File::open("/proc/self/pagemap").unwrap(), found: Mutex::new(0) }
    }

    /// `PAGEMAP_SCAN`, which protects again.
    fn scan(&self) -> usize {
        let (mut rest, end, mut found) = (self.by_hand.at, self.by_hand.at + IMAGE * PAGE, 0);
        let mut regions = [[0_u64; 3]; 256];
        while rest < end {
            let mut scan = [96, 0b11, rest as u64, end as u64, 0, regions.as_mut_ptr() as u64, 256, 0, 0, 2, 0, 2_u64];
            // SAFETY: a request with its structure.
            let done = unsafe { libc::ioctl(self.pagemap.as_raw_fd(), 0xc060_6610, scan.as_mut_ptr()) };
            let done = usize::try_from(done).unwrap();
            found += regions[..done]
                .iter()
                .map(|[start, end, _]| usize::try_from(end - start).unwrap() / PAGE)
                .sum::<usize>();
            rest = usize::try_from(scan[4]).unwrap();
        }
        found
    }
}

impl Pager for HandDirty {
    fn work(&self) {
        (0..IMAGE).step_by(STRIDE).for_each(|page| store(self.by_hand.at, page));
        *self.found.lock().unwrap() = match &self.noted {
            None => self.scan(),
            Some(noted) => {
                let dirty: Vec<usize> = (0..IMAGE).filter(|page| noted[*page].swap(false, Ordering::Relaxed)).collect();
                dirty.iter().for_each(|page| self.by_hand.protect(*page, 1, true));
                dirty.len()
            }
        };
        assert_eq!(*self.found.lock().unwrap(), IMAGE / STRIDE);
    }
}

/// The same of a session.
struct Dirty {
    session: Session,
    at: usize,
}

impl Dirty {
    fn new(by_kernel: bool) -> Self {
        let options = Options::default();
        let options = if by_kernel { options.track_stores() } else { options.track_stores_by_faults() };
        let memory = Memory::new(PageCount::new(IMAGE)).unwrap();
        let session = options.open(&memory).unwrap();
        let object = SharedObject::new(memory.may_sleep()).unwrap();
        let pages = (0..IMAGE).map(|_| memory.alloc_page().unwrap()).collect();
        let image = Ref::new(Image { object, pages, window: 16, forwards: false });
        let at = session.map(&image, Map::shared(IMAGE * PAGE)).unwrap().get();
        (0..IMAGE).for_each(|page| load(at, page));
        Self { session, at }
    }
}

fn stored(session: &Session, at: usize) {
    (0..IMAGE).step_by(STRIDE).for_each(|page| store(at, page));
    let dirty = session.take_dirty(UserAddr::new(at), IMAGE * PAGE).unwrap();
    assert_eq!(dirty.iter().map(|range| range.page_count().get()).sum::<usize>(), IMAGE / STRIDE);
}

impl Pager for Dirty {
    fn work(&self) {
        stored(&self.session, self.at);
    }
}

/// The same of a driver that is told of first stores.
struct Told(Image);

impl Told {
    fn page_mkwrite<'f>(&'f self, ctx: PageMkwriteCtx<'f, Uffd, Mixed>) -> VmFault<'f> {
        ctx.allow()
    }
}

impl VmOperations for Told {
    type Platform = Uffd;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.page_mkwrite(Self::page_mkwrite);

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Uffd, Mixed>) -> VmFault<'f> {
        self.0.fault(ctx)
    }
}

struct ToldDirty(Dirty);

impl ToldDirty {
    fn new() -> Self {
        let memory = Memory::new(PageCount::new(IMAGE)).unwrap();
        let session = Session::open(&memory).unwrap();
        let object = SharedObject::new(memory.may_sleep()).unwrap();
        let pages = (0..IMAGE).map(|_| memory.alloc_page().unwrap()).collect();
        let told = Ref::new(Told(Image { object, pages, window: 16, forwards: false }));
        let at = session.map(&told, Map::shared(IMAGE * PAGE)).unwrap().get();
        (0..IMAGE).for_each(|page| load(at, page));
        Self(Dirty { session, at })
    }
}

impl Pager for ToldDirty {
    fn work(&self) {
        self.0.work();
    }
}
