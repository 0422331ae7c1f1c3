//! Pages of the simulated machine: inserted by a mmap hook, looked up, and brought by faults.

use std::{
    hint, mem,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::Instant,
};

use core_affinity::CoreId;
use vmctx::{Errno, FaultCtx, Mapped as Done, Mixed, MmapCtx, MmapFile, PageCount, UserAddr, VmFault, VmOperations};
use vmctx_sim::{File, Limits, Machine, Map, Page, Process, Ref, Sim};

use crate::{Least, PAGE, Table};

/// Pages, inserted at mmap if that is said, and else when they are touched.
pub(crate) struct Pages {
    pages: Ref<Touched>,
    at_mmap: bool,
    /// How long the insertions at mmap took, in nanoseconds.
    took: Arc<AtomicU64>,
}

pub(crate) struct Touched(Vec<Page>);

impl MmapFile for Pages {
    type Platform = Sim;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Sim>) -> Result<Done<'m>, Errno> {
        let mut ctx = ctx.writable().establish_shared(self.pages.clone())?;
        if !self.at_mmap {
            return Ok(ctx.fill_later());
        }
        let start = Instant::now();
        for page in &self.pages.0 {
            ctx = ctx.insert_page(page)?;
        }
        self.took.store(u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        ctx.finish()
    }
}

impl VmOperations for Touched {
    type Platform = Sim;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Sim, Mixed>) -> VmFault<'f> {
        ctx.insert_page_with(|at| at.pgoff().of(&self.0).ok_or(Errno::ENXIO))
    }
}

/// A process, and a file whose pages it maps.
pub(crate) struct Mapped {
    file: File,
    process: Process,
    at: UserAddr,
    took: Arc<AtomicU64>,
}

pub(crate) fn machine(pages: usize) -> Machine {
    Machine::with_limits(Limits { frames: PageCount::new(pages), page_tables: pages + 64, ..Limits::default() })
}

fn open(machine: &Machine, pages: usize, at_mmap: bool) -> (File, Arc<AtomicU64>) {
    let took = Arc::default();
    let pages = (0..pages).map(|_| machine.alloc_page().expect("memory")).collect();
    (machine.open(Pages { pages: Ref::new(Touched(pages)), at_mmap, took: Arc::clone(&took) }), took)
}

impl Table for Mapped {
    fn new(pages: usize) -> Self {
        let machine = machine(pages);
        let (file, took) = open(&machine, pages, true);
        Self { file, process: machine.process(), at: UserAddr::new(0), took }
    }

    fn insert_all(&mut self, pages: usize) -> f64 {
        self.at = self.process.mmap(&self.file, Map::shared(pages * PAGE)).expect("mapped");
        self.took.load(Ordering::Relaxed) as f64
    }

    fn look_up(&self, page: usize) -> u64 {
        let prot = self.process.page_prot_at(UserAddr::new(self.at.get() + page * PAGE)).expect("mapped");
        u64::from(prot.is_writable())
    }
}

/// What a thread has used up.
struct Used {
    /// Nanoseconds of a processor's.
    time: f64,
    /// How often it has slept.
    sleeps: i64,
}

impl Used {
    /// By the calling thread, since it began.
    fn by_this_thread() -> Self {
        // SAFETY: zeros are valid for both structures.
        let (mut time, mut usage): (libc::timespec, libc::rusage) = unsafe { mem::zeroed() };
        // SAFETY: both are valid to be written.
        let failed = unsafe {
            libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time)
                | libc::getrusage(libc::RUSAGE_THREAD, &raw mut usage)
        };
        assert_eq!(failed, 0, "Linux has both");
        Self { time: time.tv_sec as f64 * 1e9 + time.tv_nsec as f64, sleeps: usage.ru_nvcsw }
    }
}

/// Touches all pages, a part of them by each of so many threads. Gives back what the thread has used that has used most,
/// and how often all of them have slept. Threads that take lines of the cache from each other use more of the processor's
/// time, and those that wait for each other sleep. It says so only where they run at the same time: on a computer that does
/// nothing else.
fn touch(process: &Process, at: UserAddr, pages: usize, threads: usize) -> Used {
    let waiting = AtomicUsize::new(threads);
    // Looked up once: a thread that is bound to one processor knows of no other.
    static PROCESSORS: OnceLock<Vec<CoreId>> = OnceLock::new();
    let processors = PROCESSORS.get_or_init(|| core_affinity::get_core_ids().unwrap_or_default());
    let part = |index: usize| {
        // Whatever else runs: two threads on one processor would measure nothing.
        if let Some(processor) = processors.get(index) {
            core_affinity::set_for_current(*processor);
        }
        let user = process.thread();
        waiting.fetch_sub(1, Ordering::SeqCst);
        while waiting.load(Ordering::SeqCst) != 0 {
            hint::spin_loop();
        }
        let before = Used::by_this_thread();
        for page in index * pages / threads..(index + 1) * pages / threads {
            user.read_u8(UserAddr::new(at.get() + page * PAGE)).expect("loaded");
        }
        let after = Used::by_this_thread();
        Used { time: after.time - before.time, sleeps: after.sleeps - before.sleeps }
    };
    let all: Vec<Used> = thread::scope(|scope| {
        let others: Vec<_> = (1..threads)
            .map(|index| {
                scope.spawn({
                    let part = &part;
                    move || part(index)
                })
            })
            .collect();
        let mine = part(0);
        others.into_iter().map(|other| other.join().expect("touched")).chain([mine]).collect()
    });
    Used {
        time: all.iter().map(|used| used.time).fold(0.0, f64::max),
        sleeps: all.iter().map(|used| used.sleeps).sum(),
    }
}

pub(crate) fn print_faults(most: u32) {
    println!("| pages | one thread | two threads, pages of their own | speed-up | sleeps |");
    println!("| ---: | ---: | ---: | ---: | ---: |");
    for power in (4..=most).step_by(2) {
        let pages = 1 << power;
        let machine = machine(pages);
        let (file, _) = open(&machine, pages, false);
        let process = machine.process();
        let at = process.mmap(&file, Map::shared(pages * PAGE)).expect("mapped");
        // The bytes of the frames are made when they are touched first, which is no fault's business.
        touch(&process, at, pages, 1);
        let [mut one, mut two] = [Least::NONE; 2];
        let mut sleeps = i64::MAX;
        for _ in 0..((1 << 22) / pages).clamp(7, 200) {
            for (threads, least) in [(1, &mut one), (2, &mut two)] {
                file.unmap_mapping_range(vmctx::PageOffset::ZERO, PageCount::ZERO, true);
                let used = touch(&process, at, pages, threads);
                least.pass(used.time / pages as f64);
                sleeps = if threads == 2 { sleeps.min(used.sleeps) } else { sleeps };
            }
        }
        // Threads have to be woken, which takes longer than to touch a few pages.
        let two = (power >= 12).then_some(two.0);
        let [second, speed] =
            [two, two.map(|two| one.0 / two)].map(|cell| cell.map_or("-".into(), |cell| format!("{cell:.2}")));
        println!("| 2^{power} | {:.1} | {second} | {speed} | {sleeps} |", one.0);
    }
}
