//! The contenders, which serve the same faults in turns, and what is printed: medians of their rates, and of the ratios
//! of rates in the same turn.

use std::{
    mem, ptr,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Instant,
};

use vmctx::{
    Errno, FaultCtx, Mapped, Mixed, MmapCtx, MmapFile, PageCount, PageOffset, Platform, SharedObject, VmFault,
    VmOperations,
};
use vmctx_uffd::{Map, Memory, Options, Page, Session, Uffd};

use crate::{
    contender::{Contender, PAGE, PAGES, window_of},
    restore,
};

/// How many turns a contender has before a new one is made.
const TURNS: usize = 5;
const THREADS: usize = 8;
/// How many events are read at once, where many threads fault.
const BATCH: usize = 16;

/// One more contender: its name, and how it is made for a window.
pub(crate) type More = (&'static str, fn(usize) -> Box<dyn Contender>);

/// Where the faults are served, and how many threads have them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Setting {
    OneProcessor,
    OtherProcessor,
    ManyThreads,
    InThread,
    Restore,
}

impl Setting {
    const ALL: [Self; 5] = [Self::OneProcessor, Self::OtherProcessor, Self::ManyThreads, Self::InThread, Self::Restore];

    fn about(self) -> String {
        match self {
            Self::OneProcessor => "served by another thread, on the same processor".to_owned(),
            Self::OtherProcessor => "served on another processor".to_owned(),
            Self::ManyThreads => format!("{THREADS} threads fault at once, up to {BATCH} events are read at once"),
            Self::InThread => "served by the thread that faults".to_owned(),
            Self::Restore => "private memory is restored by copies, on the same processor".to_owned(),
        }
    }

    /// How often each contender is made. Which physical pages one is given changes its rate by some hundredths, and the
    /// one that is made next is given others. So each is made many times, in both orders; less often where a turn takes
    /// long.
    fn rounds(self, window: usize) -> usize {
        match (self, window) {
            (Self::OtherProcessor, _) => 10,
            (_, 1) => 14,
            _ => 40,
        }
    }

    fn windows(self) -> &'static [usize] {
        match self {
            Self::OneProcessor | Self::InThread | Self::Restore => &[1, 16, 64, 512],
            Self::OtherProcessor | Self::ManyThreads => &[1, 16],
        }
    }
}

/// Runs the settings, or those whose description has the word `only` in it.
pub(crate) fn run(more: &[More], only: Option<&str>) {
    let home = processor();
    println!("thousand pages a second: medians of {TURNS} turns of {PAGES} pages, and the mean of 10 to 40 of these");
    println!("stores, one to a page");
    for setting in Setting::ALL {
        if only.is_some_and(|only| !setting.about().contains(only)) {
            continue;
        }
        let away = (0..64).find(|cpu| *cpu != home && pin(*cpu));
        if setting == Setting::OtherProcessor && away.is_none() {
            println!("\n{}: there is no other", setting.about());
            continue;
        }
        let serving = if setting == Setting::OtherProcessor { away.unwrap_or(home) } else { home };
        let more = if setting == Setting::OneProcessor { more } else { &[] };
        println!("\n{}", setting.about());
        print!("{:>6}  {:>8}  {:>8}  {:>8}", "window", "by hand", "typed", "kernel");
        more.iter().for_each(|(name, _)| print!("  {name:>11}"));
        print!("  {:>14}  {:>14}", "typed/by hand", "typed/kernel");
        more.iter().for_each(|(name, _)| print!("  {:>17}", format!("typed/{name}")));
        println!();
        for window in setting.windows() {
            let window = *window;
            let by_hand = || -> Box<dyn Contender> {
                match setting {
                    Setting::InThread => Box::new(InThreadByHand::new(window)),
                    Setting::Restore => Box::new(restore::ByHand::new(window)),
                    Setting::ManyThreads => Box::new(ByHand::new(window, BATCH)),
                    _ => Box::new(ByHand::new(window, 1)),
                }
            };
            let typed = || -> Box<dyn Contender> {
                match setting {
                    Setting::Restore => Box::new(restore::Typed::new(window)),
                    _ => Box::new(Typed::new(window, setting == Setting::InThread)),
                }
            };
            let kernel = || -> Box<dyn Contender> {
                if setting == Setting::Restore { Box::new(restore::Kernel::new()) } else { Box::new(Kernel::new()) }
            };
            let rounds: Vec<_> = (0..setting.rounds(window))
                .map(|round| {
                    pin(serving);
                    let (by_hand, typed) = if round % 2 == 0 {
                        let by_hand = by_hand();
                        (by_hand, typed())
                    } else {
                        let typed = typed();
                        (by_hand(), typed)
                    };
                    let mut contenders = vec![by_hand, typed, kernel()];
                    contenders.extend(more.iter().map(|(_, new)| new(window)));
                    pin(home);
                    take_turns(&contenders, if setting == Setting::ManyThreads { THREADS } else { 1 })
                })
                .collect();
            print_line(window, &rounds);
        }
    }
}

/// Lets all take turns, and gives back the rates of each.
fn take_turns(contenders: &[Box<dyn Contender>], threads: usize) -> Vec<Vec<f64>> {
    let mut rates = vec![Vec::new(); contenders.len()];
    for turn in 0..=TURNS {
        // The order changes, so that no contender always comes after the same other one.
        for index in (0..contenders.len()).map(|index| (index + turn) % contenders.len()) {
            let contender = &contenders[index];
            contender.begin();
            contender.forget();
            let start = Instant::now();
            touch(contender.at(), threads);
            let rate = PAGES as f64 / start.elapsed().as_secs_f64() / 1000.0;
            // The first turn warms up.
            if turn != 0 {
                rates[index].push(rate);
            }
        }
    }
    rates
}

fn print_line(window: usize, rounds: &[Vec<Vec<f64>>]) {
    let mean =
        |of: &dyn Fn(&[Vec<f64>]) -> f64| rounds.iter().map(|rates| of(rates)).sum::<f64>() / rounds.len() as f64;
    let ratio = |to: usize| {
        mean(&|rates| median(rates[1].iter().zip(&rates[to]).map(|(typed, other)| typed / other).collect()))
    };
    print!("{window:>6}");
    let contenders = rounds.first().map_or(0, Vec::len);
    for index in 0..contenders {
        let width = if index < 3 { 8 } else { 11 };
        print!("  {:>width$.0}", mean(&|rates| median(rates[index].clone())));
    }
    print!("  {:>14.3}  {:>14.3}", ratio(0), ratio(2));
    (3..contenders).for_each(|index| print!("  {:>17.3}", ratio(index)));
    println!();
}

pub(crate) fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

pub(crate) fn processor() -> usize {
    // SAFETY: the call takes nothing and changes nothing.
    usize::try_from(unsafe { libc::sched_getcpu() }).unwrap()
}

/// Pins this thread to a processor, and with it the threads that it will make. Whether there is that processor.
pub(crate) fn pin(cpu: usize) -> bool {
    // SAFETY: plain data, of the size that is said.
    unsafe {
        let mut set: libc::cpu_set_t = mem::zeroed();
        libc::CPU_SET(cpu, &mut set);
        libc::sched_setaffinity(0, size_of_val(&set), &raw const set) == 0
    }
}

/// Stores to each page: so many threads, each to a part of the pages.
fn touch(at: usize, threads: usize) {
    let part = PAGES / threads;
    let touch = |first: usize| {
        for page in first..first + part {
            // SAFETY: mapped, for so many pages.
            unsafe { ptr::write_volatile((at + page * PAGE) as *mut u8, 1) };
        }
    };
    if threads == 1 {
        return touch(0);
    }
    thread::scope(|scope| {
        for thread in 0..threads {
            let touch = &touch;
            scope.spawn(move || touch(thread * part));
        }
    });
}

/// A shared mapping of a memory object.
pub(crate) struct Shared(usize);

impl Shared {
    pub(crate) fn at(&self) -> usize {
        self.0
    }
}

impl Drop for Shared {
    /// A thread that serves it by hand is left behind, and sleeps for ever.
    fn drop(&mut self) {
        // SAFETY: mapped there, and nobody uses it any more.
        assert_eq!(unsafe { libc::munmap(self.0 as *mut _, PAGES * PAGE) }, 0);
    }
}

/// A memory object with all its pages, mapped.
pub(crate) fn memory() -> Shared {
    // SAFETY: the mapping is new, and replaces nothing.
    unsafe {
        let fd = libc::memfd_create(c"bench".as_ptr(), libc::MFD_CLOEXEC);
        let bytes = libc::off_t::try_from(PAGES * PAGE).unwrap();
        assert!(fd >= 0 && libc::ftruncate(fd, bytes) == 0 && libc::fallocate(fd, 0, 0, bytes) == 0);
        let prot = libc::PROT_READ | libc::PROT_WRITE;
        let at = libc::mmap(ptr::null_mut(), PAGES * PAGE, prot, libc::MAP_SHARED, fd, 0);
        assert_ne!(at, libc::MAP_FAILED);
        libc::close(fd);
        Shared(at as usize)
    }
}

struct Kernel(Shared);

impl Kernel {
    fn new() -> Self {
        Self(memory())
    }
}

impl Contender for Kernel {
    fn at(&self) -> usize {
        self.0.at()
    }
}

/// A userfaultfd with these features besides those that all have, and memory that is registered with it.
fn registered(features: u64) -> (libc::c_int, Shared) {
    let memory = memory();
    // SAFETY: requests with their structures, about memory of ours.
    unsafe {
        let fd = libc::syscall(libc::SYS_userfaultfd, libc::O_CLOEXEC | 1);
        let fd = libc::c_int::try_from(fd).unwrap();
        let mut api = [0xaa_u64, 1 << 5 | 1 << 10 | 1 << 11 | features, 0];
        assert_eq!(libc::ioctl(fd, 0xc018_aa3f, api.as_mut_ptr()), 0);
        let mut register = [memory.at() as u64, (PAGES * PAGE) as u64, 0b101, 0];
        assert_eq!(libc::ioctl(fd, 0xc020_aa00, register.as_mut_ptr()), 0);
        (fd, memory)
    }
}

pub(crate) fn map_existing(fd: libc::c_int, start: usize, window: usize) {
    let mut fill = [start as u64, (window * PAGE) as u64, 0, 0];
    // SAFETY: a request with its structure.
    let done = unsafe { libc::ioctl(fd, 0xc020_aa07, fill.as_mut_ptr()) };
    if done != 0 {
        // Another thread was faster with a part of the window. Whoever waits must be woken all the same.
        let mut wake = [start as u64, (window * PAGE) as u64];
        // SAFETY: as above.
        unsafe { libc::ioctl(fd, 0x8010_aa02, wake.as_mut_ptr()) };
    }
}

/// The least that can be done: a loop that reads events and asks for a window of pages for each.
struct ByHand(Shared);

impl ByHand {
    fn new(window: usize, batch: usize) -> Self {
        let (fd, memory) = registered(0);
        let at = memory.at();
        thread::spawn(move || {
            let mut events = [[0_u64; 4]; BATCH];
            loop {
                // SAFETY: a buffer of that length, at least.
                let bytes = unsafe { libc::read(fd, events.as_mut_ptr().cast(), batch * 32) };
                for event in &events[..usize::try_from(bytes).unwrap() / 32] {
                    map_existing(fd, window_of(usize::try_from(event[2]).unwrap(), at, window), window);
                }
            }
        });
        Self(memory)
    }
}

impl Contender for ByHand {
    fn at(&self) -> usize {
        self.0.at()
    }
}

/// The least that can be done in the thread that faults: a handler of SIGBUS that asks for a window of pages.
struct InThreadByHand {
    fd: libc::c_int,
    memory: Shared,
    window: usize,
}

/// What the handler serves now: the descriptor, address and window of the contender whose turn it is.
static CURRENT: [AtomicUsize; 3] = [const { AtomicUsize::new(0) }; 3];

impl InThreadByHand {
    fn new(window: usize) -> Self {
        let (fd, memory) = registered(1 << 7);
        Self { fd, memory, window }
    }

    extern "C" fn handler(_: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
        let [fd, at, window] = CURRENT.each_ref().map(|value| value.load(Ordering::Relaxed));
        // SAFETY: the kernel has handed it over.
        let address = unsafe { (*info).si_addr() } as usize;
        map_existing(libc::c_int::try_from(fd).unwrap_or(-1), window_of(address, at, window), window);
    }
}

impl Contender for InThreadByHand {
    fn at(&self) -> usize {
        self.memory.at()
    }

    fn begin(&self) {
        let values = [usize::try_from(self.fd).unwrap(), self.memory.at(), self.window];
        CURRENT.iter().zip(values).for_each(|(to, value)| to.store(value, Ordering::Relaxed));
        // SAFETY: a handler with SA_SIGINFO's signature. `Typed` installs the session's again before its next turn.
        unsafe {
            let mut action: libc::sigaction = mem::zeroed();
            action.sa_sigaction = Self::handler as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO;
            assert_eq!(libc::sigaction(libc::SIGBUS, &raw const action, ptr::null_mut()), 0);
        }
    }
}

/// The driver: it has all pages, and inserts them window by window.
struct Pages {
    pages: Vec<Page>,
    window: usize,
    mappings: SharedObject<Uffd>,
}

impl VmOperations for Pages {
    type Platform = Uffd;
    type Kind = Mixed;

    fn fault<'f>(&'f self, mut ctx: FaultCtx<'f, Uffd, Mixed>) -> VmFault<'f> {
        let own = ctx.pgoff().index();
        let Some(page) = self.pages.get(own) else { return ctx.fail(Errno::ENXIO) };
        if self.window > 1 {
            let first = own / self.window * self.window;
            let around = self.pages.get(first..first + self.window).unwrap_or_default();
            ctx.prefault_pages(PageOffset::new(first), around);
        }
        ctx.insert_page(page)
    }
}

/// What the mappings share.
type Device = <Uffd as Platform>::Ref<Pages>;

struct File(Device);

impl MmapFile for File {
    type Platform = Uffd;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Uffd>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.writable().establish_shared(self.0.clone())?.fill_later())
    }

    fn object(&self) -> Option<&SharedObject<Uffd>> {
        Some(&self.0.mappings)
    }
}

struct Typed {
    session: Session,
    device: Device,
    at: usize,
    /// The handler of SIGBUS that the session has installed.
    handler: libc::sigaction,
}

impl Typed {
    fn new(window: usize, in_thread: bool) -> Self {
        let memory = Memory::new(PageCount::new(PAGES)).unwrap();
        let options = if in_thread { Options::default().in_thread() } else { Options::default() };
        let session = options.open(&memory).unwrap();
        let pages = (0..PAGES).map(|_| memory.alloc_page().unwrap()).collect();
        let mappings = SharedObject::new(memory.may_sleep()).unwrap();
        let device = Uffd::share(Pages { pages, window, mappings }, memory.may_sleep()).unwrap();
        let file = session.file(File(device.clone()));
        let at = session.mmap(&file, Map::shared(PAGES * PAGE)).unwrap().get();
        Self { session, device, at, handler: installed() }
    }
}

/// The handler of SIGBUS as the first session has installed it: it is asked for before anybody has replaced it.
fn installed() -> libc::sigaction {
    static FIRST: std::sync::OnceLock<[usize; 2]> = std::sync::OnceLock::new();
    // SAFETY: asks for what is installed; all-zero is a `sigaction`.
    unsafe {
        let mut action: libc::sigaction = mem::zeroed();
        assert_eq!(libc::sigaction(libc::SIGBUS, ptr::null(), &raw mut action), 0);
        let [handler, flags] = *FIRST.get_or_init(|| [action.sa_sigaction, usize::try_from(action.sa_flags).unwrap()]);
        action.sa_sigaction = handler;
        action.sa_flags = libc::c_int::try_from(flags).unwrap();
        action
    }
}

impl Contender for Typed {
    fn at(&self) -> usize {
        self.at
    }

    fn begin(&self) {
        // SAFETY: the session's own handler.
        assert_eq!(unsafe { libc::sigaction(libc::SIGBUS, &raw const self.handler, ptr::null_mut()) }, 0);
    }

    fn forget(&self) {
        assert_eq!(self.session.take_errors(), []);
        let may_sleep = self.session.memory().may_sleep();
        self.device.mappings.unmap_once(PageOffset::ZERO, PageCount::new(PAGES), may_sleep);
    }
}
