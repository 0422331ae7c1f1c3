//! A page that a fault makes, waited for by a system call, and the other way round.

use std::{
    sync::{Mutex, mpsc},
    thread,
    time::Duration,
};

use vmctx::{
    Backing, Errno, FaultCtx, Hooks, Mapped, MaySleep, Mixed, MmapCtx, MmapFile, OnDemand, OnePage, PageCache,
    PageCount, PageOffset, PageRange, PageRef as _, Platform, SharedObject, Spot, UserAddr, VmFault, VmOperations,
};
use vmctx_sim::{Injection, Machine, Map, MightSleep, Page, Process, Sim};

use crate::drivers::{PAGE, page_at};
#[cfg(target_os = "linux")]
use crate::own_process::alone;

type Ref<T> = <Sim as Platform>::Ref<T>;

/// A file of two pages. Filling the first waits for a word from the test, and says when it begins.
struct Slow {
    cache: PageCache<Sim>,
    begun: Mutex<mpsc::Sender<()>>,
    go_on: Mutex<mpsc::Receiver<Result<u8, Errno>>>,
}

impl Slow {
    fn fill(&self, at: PageOffset, page: &Page) -> Result<(), Errno> {
        if at != PageOffset::ZERO {
            return Ok(());
        }
        self.begun.lock().unwrap().send(()).unwrap();
        let byte = self.go_on.lock().unwrap().recv().unwrap()?;
        page.write(0, &[byte]).map_err(|_| Errno::EIO)
    }
}

impl VmOperations for Slow {
    type Platform = Sim;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.object(|slow: &Self| Some(slow.cache.object()));

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Sim, Mixed>) -> VmFault<'f> {
        let at = ctx.pgoff();
        self.cache.serve(ctx, |page, _| self.fill(at, page))
    }
}

/// A file of this state, which its mappings share.
struct FileOf<V: VmOperations<Platform = Sim>>(Ref<V>);

impl<V: VmOperations<Platform = Sim, Kind = Mixed>> MmapFile for FileOf<V> {
    type Platform = Sim;

    fn object(&self) -> Option<&SharedObject<Sim>> {
        V::HOOKS.named(&self.0)
    }

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Sim>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.writable().establish_shared(self.0.clone())?.fill_later())
    }
}

struct Bench {
    machine: Machine,
    slow: Ref<Slow>,
    process: Process,
    at: UserAddr,
    begun: mpsc::Receiver<()>,
    go_on: mpsc::Sender<Result<u8, Errno>>,
}

fn bench() -> Bench {
    let machine = Machine::new();
    let object = SharedObject::new(machine.may_sleep()).unwrap();
    let count = PageCount::new(2);
    let cache = PageCache::new(machine.clone(), &object, count, machine.may_sleep()).unwrap();
    let ((begin, begun), (go_on, wait)) = (mpsc::channel(), mpsc::channel());
    let slow = Slow { cache, begun: Mutex::new(begin), go_on: Mutex::new(wait) };
    let slow = Sim::share(slow, machine.may_sleep()).unwrap();
    let process = machine.process();
    let at = process.mmap(&machine.open(FileOf(slow.clone())), Map::shared(2 * Sim::PAGE_SIZE)).unwrap();
    Bench { machine, slow, process, at, begun, go_on }
}

impl Bench {
    /// A `read` of the first byte.
    fn read(&self) -> thread::JoinHandle<Result<u8, Errno>> {
        let (machine, slow) = (self.machine.clone(), self.slow.clone());
        thread::spawn(move || {
            let page = machine.unlocked(|ctx| {
                slow.cache.get_or_insert(PageOffset::ZERO, ctx, |page, _| slow.fill(PageOffset::ZERO, page))
            });
            let mut byte = [0];
            page.unwrap()?.read(0, &mut byte).unwrap();
            Ok(byte[0])
        })
    }
}

#[test]
fn a_system_call_waits_for_the_page_that_a_fault_makes() {
    let bench = bench();
    let (user, at) = (bench.process.thread(), bench.at);
    let touch = thread::spawn(move || user.read_u8(at));
    bench.begun.recv().unwrap();
    let read = bench.read();
    // Another offset is served meanwhile.
    assert_eq!(bench.process.thread().read_u8(UserAddr::new(at.get() + Sim::PAGE_SIZE)), Ok(0));
    bench.go_on.send(Ok(7)).unwrap();
    assert_eq!((touch.join().unwrap(), read.join().unwrap()), (Ok(7), Ok(7)));
    assert!(bench.begun.try_recv().is_err(), "it was filled once");
    assert_eq!(bench.machine.statistics().frames_in_use, 2);
}

#[test]
fn a_fault_waits_for_the_page_that_a_system_call_makes_and_holds_no_lock() {
    let bench = bench();
    let read = bench.read();
    bench.begun.recv().unwrap();
    let (user, at) = (bench.process.thread(), bench.at);
    let touch = thread::spawn(move || user.read_u8(at));
    while bench.machine.statistics().answers.retry == 0 && bench.machine.statistics().handler_calls == 0 {
        thread::yield_now();
    }
    // It would not return if the waiting fault held the mmap lock.
    bench.process.munmap(UserAddr::new(at.get() + Sim::PAGE_SIZE), Sim::PAGE_SIZE).unwrap();
    bench.go_on.send(Ok(7)).unwrap();
    assert_eq!((read.join().unwrap(), touch.join().unwrap()), (Ok(7), Ok(7)));
    assert_eq!(bench.machine.statistics().frames_in_use, 1);
}

#[test]
fn who_waits_for_a_page_that_cannot_be_filled_tries_by_himself() {
    let bench = bench();
    let read = bench.read();
    bench.begun.recv().unwrap();
    let other = bench.read();
    bench.go_on.send(Err(Errno::EIO)).unwrap();
    bench.begun.recv().unwrap();
    bench.go_on.send(Ok(7)).unwrap();
    let mut got = [read.join().unwrap(), other.join().unwrap()];
    got.sort_by_key(Result::is_ok);
    assert_eq!(got, [Err(Errno::EIO), Ok(7)]);
}

#[test]
fn without_memory_there_is_no_page_and_nothing_is_left() {
    let bench = bench();
    let second = UserAddr::new(bench.at.get() + Sim::PAGE_SIZE);
    bench.machine.inject(Injection::FrameAllocation { after: 0 });
    assert!(bench.process.thread().read_u8(second).is_err_and(|error| error.signal().is_some()));
    assert_eq!((bench.slow.cache.in_use(), bench.machine.statistics().frames_in_use), (PageCount::ZERO, 0));
    assert_eq!(bench.process.thread().read_u8(second), Ok(0));
}

/// Two faults look, and find nothing, before either of them makes a page.
#[test]
fn who_has_looked_looks_again_before_he_makes_a_page() {
    let bench = bench();
    let at = bench.at;
    let touch = || {
        let user = bench.process.thread();
        move || user.read_u8(at)
    };
    // The first lock that a fault waits for is that of the look, the second that under which the page is claimed.
    let looks = bench.machine.hold(MightSleep::Lock);
    let first = thread::spawn(touch());
    looks.reached();
    let claims = bench.machine.hold(MightSleep::Lock);
    looks.go_on();
    claims.reached();
    let second = thread::spawn(touch());
    bench.begun.recv().unwrap();
    claims.go_on();
    bench.go_on.send(Ok(7)).unwrap();
    // Not asked for, unless the page is filled twice.
    bench.go_on.send(Ok(8)).unwrap();
    assert_eq!((first.join().unwrap(), second.join().unwrap()), (Ok(7), Ok(7)));
    assert!(bench.begun.try_recv().is_err(), "it was filled once");
    assert_eq!(bench.machine.statistics().frames_in_use, 1);
}

/// Who truncates does not wait for a page that is being filled with what is no more.
#[test]
fn a_page_that_is_truncated_while_it_is_made_is_made_again() {
    let bench = bench();
    let all = PageRange::new(PageOffset::ZERO, PageOffset::new(2));
    for by_fault in [true, false] {
        let (user, at) = (bench.process.thread(), bench.at);
        let touch = thread::spawn(move || user.read_u8(at));
        let read = (!by_fault).then(|| bench.read());
        bench.begun.recv().unwrap();
        assert_eq!(bench.slow.cache.truncate(all, bench.machine.may_sleep()), PageCount::ZERO);
        bench.go_on.send(Ok(7)).unwrap();
        bench.begun.recv().unwrap();
        // Eviction takes nothing away that is not there yet.
        let gone = bench.slow.cache.evict(all, bench.machine.may_sleep(), |_, _| Ok(()));
        assert_eq!(gone, Ok(PageCount::ZERO));
        bench.go_on.send(Ok(8)).unwrap();
        assert_eq!(touch.join().unwrap(), Ok(8));
        assert!(read.is_none_or(|read| read.join().unwrap() == Ok(8)));
        let gone = bench.slow.cache.truncate(all, bench.machine.may_sleep());
        assert_eq!((gone, bench.machine.statistics().frames_in_use), (PageCount::new(1), 0));
    }
}

/// As long as can be counted, of which a few pages are there.
#[test]
fn a_cache_has_as_many_offsets_as_there_are() {
    let machine = Machine::new();
    let (object, may_sleep) = (SharedObject::new(machine.may_sleep()).unwrap(), machine.may_sleep());
    let all = PageCount::new(usize::MAX);
    let cache = PageCache::<Sim>::new(machine.clone(), &object, all, may_sleep).unwrap();
    let offsets = [0, 1 << 36, usize::MAX - 1].map(PageOffset::new);
    machine
        .unlocked(|ctx| {
            for at in offsets {
                cache.store_with(at, ctx, |_, _| Ok(()), |_| ()).unwrap();
            }
            assert_eq!(cache.get_or_insert(PageOffset::new(usize::MAX), ctx, |_, _| Ok(())).err(), Some(Errno::ENXIO));
        })
        .unwrap();
    let mut went = Vec::new();
    let part = PageRange::new(PageOffset::new(1), PageOffset::new(usize::MAX));
    let note = |at, _: &Page| {
        went.push(at);
        Ok(())
    };
    assert_eq!(cache.evict(part, may_sleep, note), Ok(PageCount::new(2)));
    assert_eq!((went, cache.in_use()), (offsets[1..].to_vec(), PageCount::new(1)));
}

/// A file of one page, whose store hook waits for a word from the test once it has allowed a store.
struct Noting {
    cache: PageCache<Sim>,
    allowed: Mutex<mpsc::Sender<()>>,
    go_on: Mutex<mpsc::Receiver<()>>,
}

impl VmOperations for Noting {
    type Platform = Sim;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> =
        Hooks::NONE.object(|noting: &Self| Some(noting.cache.object())).page_mkwrite(|noting, ctx| {
            let answer = noting.cache.allow_store(ctx);
            noting.allowed.lock().unwrap().send(()).unwrap();
            noting.go_on.lock().unwrap().recv().unwrap();
            answer
        });

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Sim, Mixed>) -> VmFault<'f> {
        self.cache.serve(ctx, |_, _| Ok(()))
    }
}

/// Else the store would come behind it, to a page that counts as clean.
#[test]
fn who_writes_back_waits_for_a_store_that_is_allowed_and_not_yet_possible() {
    let machine = Machine::new();
    let (object, one) = (SharedObject::new(machine.may_sleep()).unwrap(), PageCount::new(1));
    let cache = PageCache::new(machine.clone(), &object, one, machine.may_sleep()).unwrap();
    let ((allow, allowed), (go_on, wait)) = (mpsc::channel(), mpsc::channel());
    let noting = Noting { cache, allowed: Mutex::new(allow), go_on: Mutex::new(wait) };
    let noting = Sim::share(noting, machine.may_sleep()).unwrap();
    let process = machine.process();
    let at = process.mmap(&machine.open(FileOf(noting.clone())), Map::shared(Sim::PAGE_SIZE)).unwrap();
    let all = PageRange::new(PageOffset::ZERO, PageOffset::new(1));

    let user = process.thread();
    let store = thread::spawn(move || user.write_u8(at, 9));
    allowed.recv().unwrap();
    let waits = machine.hold(MightSleep::PageLock);
    let cleaner = {
        let (machine, noting) = (machine.clone(), noting.clone());
        thread::spawn(move || machine.unlocked(|ctx| noting.cache.write_back(all, ctx, |_, _| Ok(()))))
    };
    waits.reached();
    waits.go_on();
    // It may be told once more, because it was unmapped meanwhile.
    go_on.send(()).unwrap();
    go_on.send(()).unwrap();
    assert_eq!(cleaner.join().unwrap().unwrap(), Ok(one));
    store.join().unwrap().unwrap();

    let mut written = Vec::new();
    let write_back = |_, page: &Page| {
        let mut byte = [0];
        page.read(0, &mut byte).map_err(|_| Errno::EIO)?;
        written.push(byte[0]);
        Ok(())
    };
    assert_eq!(noting.cache.evict(all, machine.may_sleep(), write_back), Ok(one));
    assert_eq!(written, [9]);
}

/// Memory of so many pages, in pieces of so many, none of which is there.
fn on_demand<B: Backing<Platform = Sim>>(machine: &Machine, count: usize, each: usize) -> OnDemand<Sim, B> {
    let object = SharedObject::new(machine.may_sleep()).unwrap();
    OnDemand::new(&object, PageCount::new(count), PageCount::new(each), machine.may_sleep()).unwrap()
}

/// What may be made later says so. What lies behind the last piece never will be.
#[test]
fn a_piece_behind_the_last_is_not_one_to_wait_for() {
    let machine = Machine::new();
    let memory = on_demand::<OnePage<Sim>>(&machine, 3, 1);
    let resident = memory.resident(machine.may_sleep());
    let spot = |page| resident.spot(PageCount::new(page)).map(drop);
    assert_eq!([0, 2, 3].map(spot), [Err(Errno::EAGAIN), Err(Errno::EAGAIN), Err(Errno::ENXIO)]);
}

/// An object that is one piece, whatever its length.
struct Whole {
    memory: OnDemand<Sim, OnePage<Sim>>,
    machine: Machine,
}

impl VmOperations for Whole {
    type Platform = Sim;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.object(|whole: &Self| Some(whole.memory.object()));

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Sim, Mixed>) -> VmFault<'f> {
        self.memory.serve_piece(ctx, |_, _| Ok(OnePage(self.machine.alloc_page()?)))
    }
}

#[test]
fn a_piece_is_brought_as_far_as_the_mapping_shows_it_however_long_it_is() {
    let machine = Machine::new();
    let memory = on_demand::<OnePage<Sim>>(&machine, 1 << 40, usize::MAX);
    let file = machine.open(FileOf(Ref::new(Whole { memory, machine: machine.clone() })));
    let (tell, told) = mpsc::channel();
    // If it walks over the whole piece, that is for years.
    thread::spawn(move || {
        let process = machine.process();
        let at = process.mmap(&file, Map::shared(4 * PAGE)).unwrap();
        let loaded = process.thread().read_u8(at);
        tell.send((loaded, process.mapped_pages(at, 4 * PAGE))).unwrap();
    });
    assert_eq!(told.recv_timeout(Duration::from_secs(60)), Ok((Ok(0), PageCount::new(1))));
}

/// A system call reaches a piece by each of its offsets, and the piece is made by its number.
#[test]
fn a_piece_is_found_by_each_of_its_offsets() {
    let machine = Machine::new();
    let memory = on_demand::<OnePage<Sim>>(&machine, 6, 4);
    let mut made = Vec::new();
    let mut pfns = Vec::new();
    machine
        .unlocked(|ctx| {
            for at in (0..7).map(PageOffset::new) {
                let make = |piece, _: MaySleep<'_>| {
                    made.push(piece);
                    Ok(OnePage(machine.alloc_page()?))
                };
                pfns.push(memory.with(at, ctx, make, |OnePage(page)| page.pfn()));
            }
        })
        .unwrap();
    assert_eq!((made, memory.in_use()), (vec![0, 1], 2));
    let [first, second] = [0, 4].map(|at| pfns[at]);
    assert_eq!(pfns, [first, first, first, first, second, second, Err(Errno::ENXIO)]);
    assert_ne!(first, second);
}

/// A range without pages shows nothing of a piece, wherever in the piece it lies.
#[test]
fn a_range_without_pages_takes_no_piece() {
    let machine = Machine::new();
    let memory = on_demand::<OnePage<Sim>>(&machine, 8, 4);
    for piece in 0..2 {
        memory.put(piece, OnePage(machine.alloc_page().unwrap()), machine.may_sleep()).unwrap();
    }
    for (start, end) in [(1, 1), (6, 6), (3, 2), (7, 5), (usize::MAX, 1)] {
        let none = PageRange::new(PageOffset::new(start), PageOffset::new(end));
        assert_eq!(memory.evict(none, machine.may_sleep(), |_, _| Ok(())), Ok(0), "{none:?}");
        assert_eq!(memory.truncate(none, machine.may_sleep()), 0, "{none:?}");
    }
    assert_eq!(memory.in_use(), 2);
}

/// The next piece is not brought as well, even if it is there.
#[test]
fn a_piece_is_brought_alone() {
    let machine = Machine::new();
    let memory = on_demand(&machine, 6, 2);
    for piece in 0..3 {
        memory.put(piece, Two([(); 2].map(|()| machine.alloc_page().unwrap())), machine.may_sleep()).unwrap();
    }
    let process = machine.process();
    let file = machine.open(FileOf(Ref::new(InTwos(memory))));
    let at = process.mmap(&file, Map::shared(6 * PAGE)).unwrap();
    process.thread().read_u8(page_at(at, 3)).unwrap();
    let mapped = |page| process.mapped_pages(page_at(at, page), PAGE).get();
    assert_eq!([0, 1, 2, 3, 4, 5].map(mapped), [0, 0, 1, 1, 0, 0]);
}

/// Two pages.
struct Two([Page; 2]);

impl Backing for Two {
    type Platform = Sim;

    fn spot(&self, at: PageCount) -> Result<Spot<'_, Sim>, Errno> {
        self.0.get(at.get()).map(Spot::Page).ok_or(Errno::ENXIO)
    }
}

/// An object in pieces of two pages, which are there already.
struct InTwos(OnDemand<Sim, Two>);

impl VmOperations for InTwos {
    type Platform = Sim;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.object(|memory: &Self| Some(memory.0.object()));

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Sim, Mixed>) -> VmFault<'f> {
        self.0.serve_piece(ctx, |_, _| Err(Errno::EIO))
    }
}

/// No more is taken from whoever has it mapped than is given up.
#[test]
fn what_stays_of_a_memory_that_shrinks_stays_mapped() {
    let machine = Machine::new();
    let memory = on_demand(&machine, 4, 1);
    let state = Ref::new(Whole { memory, machine: machine.clone() });
    let process = machine.process();
    let at = process.mmap(&machine.open(FileOf(state.clone())), Map::shared(4 * PAGE)).unwrap();
    let touched = |page| process.thread().read_u8(page_at(at, page));
    assert_eq!([0, 1, 2, 3].map(touched), [Ok(0); 4]);
    assert_eq!(state.memory.shrink_to(3, machine.may_sleep(), |_, _| Ok(())), Ok(1));
    assert_eq!((state.memory.in_use(), process.mapped_pages(at, 4 * PAGE)), (3, PageCount::new(3)));
}

#[test]
fn a_piece_is_brought_as_far_as_the_memory_goes_however_much_a_mapping_shows() {
    let machine = Machine::new();
    let memory = on_demand::<OnePage<Sim>>(&machine, 4, usize::MAX);
    let file = machine.open(FileOf(Ref::new(Whole { memory, machine: machine.clone() })));
    let (tell, told) = mpsc::channel();
    // If it walks over all that the user has mapped, that is for minutes.
    thread::spawn(move || {
        let process = machine.process();
        let at = process.mmap(&file, Map::shared(PAGE << 34)).unwrap();
        let loaded = process.thread().read_u8(at);
        tell.send((loaded, process.mapped_pages(at, 4 * PAGE))).unwrap();
    });
    assert_eq!(told.recv_timeout(Duration::from_secs(60)), Ok((Ok(0), PageCount::new(1))));
}

/// What this process has in memory.
#[cfg(target_os = "linux")]
fn resident_bytes() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

/// Users touch what they like, and a piece that cannot be made is none. In a process where no other test takes memory.
#[test]
#[cfg(target_os = "linux")]
fn a_piece_that_could_not_be_made_takes_no_memory() {
    alone(pieces_that_could_not_be_made);
}

#[cfg(target_os = "linux")]
fn pieces_that_could_not_be_made() {
    let machine = Machine::new();
    let memory = on_demand::<OnePage<Sim>>(&machine, 1 << 40, 1);
    let before = resident_bytes();
    machine
        .unlocked(|ctx| {
            for at in (0..).step_by(1 << 20).take(50_000).map(PageOffset::new) {
                assert_eq!(memory.with(at, ctx, |_, _| Err(Errno::EIO), |_| ()), Err(Errno::EIO));
            }
        })
        .unwrap();
    let more = resident_bytes().saturating_sub(before);
    assert!(more < 100 << 20, "{} MiB", more >> 20);
}
