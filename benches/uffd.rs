//! What a fault costs on the platform `uffd`: beside a loop that is written by hand for the same requests, and beside
//! the kernel's own faults of shared memory. `cargo bench --bench uffd`.
//!
//! One thread touches every page once; another serves it, on the same processor. All contenders take turns, and each
//! turn is compared with the one beside it: what is printed are medians, of rates and of ratios.
#![expect(unsafe_code, reason = "the loop by hand is all system calls")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark that cannot go on says why")]

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
fn main() {
    linux::run();
}

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
fn main() {}

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod linux {
    use std::{mem, ptr, sync::Arc, thread, time::Instant};

    use vmctx::{
        Errno, FaultCtx, Mapped, Mappings, Mixed, MmapCtx, MmapFile, PageCount, PageOffset, VmFault, VmOperations,
        uffd::{Map, Memory, Page, Session, Uffd},
    };

    const PAGE: usize = 4096;
    const PAGES: usize = 16384;
    const TURNS: usize = 21;

    pub(super) fn run() {
        pin();
        println!("thousand pages a second, medians of {TURNS} turns of {PAGES} pages");
        println!(
            "{:>6}  {:>8}  {:>8}  {:>8}  {:>14}  {:>14}",
            "window", "by hand", "typed", "kernel", "typed/by hand", "typed/kernel"
        );
        for window in [1, 16, 64, 512] {
            let (hand, typed, kernel) = (ByHand::new(window), Typed::new(window), Kernel::new());
            let mut rates = [const { Vec::new() }; 3];
            for turn in 0..=TURNS {
                for (contender, rates) in [&hand as &dyn Contender, &typed, &kernel].into_iter().zip(&mut rates) {
                    contender.forget();
                    let start = Instant::now();
                    touch(contender.at());
                    let rate = PAGES as f64 / start.elapsed().as_secs_f64() / 1000.0;
                    // The first turn warms up.
                    if turn != 0 {
                        rates.push(rate);
                    }
                }
            }
            let [hand, typed, kernel] = &rates;
            let ratio = |to: &[f64]| median(typed.iter().zip(to).map(|(typed, other)| typed / other).collect());
            let (by_hand, by_kernel) = (ratio(hand), ratio(kernel));
            let [hand, typed, kernel] = rates.map(median);
            println!("{window:>6}  {hand:>8.0}  {typed:>8.0}  {kernel:>8.0}  {by_hand:>14.3}  {by_kernel:>14.3}");
        }
    }

    fn median(mut rates: Vec<f64>) -> f64 {
        rates.sort_by(f64::total_cmp);
        rates[rates.len() / 2]
    }

    /// This thread, and those that it will make, on one processor.
    fn pin() {
        // SAFETY: plain data, of the size that is said.
        unsafe {
            let mut set: libc::cpu_set_t = mem::zeroed();
            libc::CPU_SET(usize::try_from(libc::sched_getcpu()).unwrap(), &mut set);
            assert_eq!(libc::sched_setaffinity(0, size_of_val(&set), &raw const set), 0);
        }
    }

    fn touch(at: usize) {
        for page in 0..PAGES {
            // SAFETY: mapped, for so many pages.
            unsafe { ptr::write_volatile((at + page * PAGE) as *mut u8, 1) };
        }
    }

    trait Contender {
        fn at(&self) -> usize;
        /// The next touch of every page is a fault.
        fn forget(&self);
    }

    fn zap(at: usize) {
        // SAFETY: a shared mapping of ours: what it shows stays.
        assert_eq!(unsafe { libc::madvise(at as *mut _, PAGES * PAGE, libc::MADV_DONTNEED) }, 0);
    }

    /// A memory object with all its pages, mapped.
    fn memory() -> usize {
        // SAFETY: fresh memory.
        unsafe {
            let fd = libc::memfd_create(c"bench".as_ptr(), libc::MFD_CLOEXEC);
            let bytes = libc::off_t::try_from(PAGES * PAGE).unwrap();
            assert!(fd >= 0 && libc::ftruncate(fd, bytes) == 0 && libc::fallocate(fd, 0, 0, bytes) == 0);
            let prot = libc::PROT_READ | libc::PROT_WRITE;
            let at = libc::mmap(ptr::null_mut(), PAGES * PAGE, prot, libc::MAP_SHARED, fd, 0);
            assert_ne!(at, libc::MAP_FAILED);
            at as usize
        }
    }

    struct Kernel(usize);

    impl Kernel {
        fn new() -> Self {
            Self(memory())
        }
    }

    impl Contender for Kernel {
        fn at(&self) -> usize {
            self.0
        }

        fn forget(&self) {
            zap(self.0);
        }
    }

    /// The floor: read an event, ask for a window of pages, and again.
    struct ByHand(usize);

    impl ByHand {
        fn new(window: usize) -> Self {
            let at = memory();
            // SAFETY: requests with their structures, about memory of ours.
            let fd = unsafe {
                let fd = libc::syscall(libc::SYS_userfaultfd, libc::O_CLOEXEC | 1);
                let fd = libc::c_int::try_from(fd).unwrap();
                let mut api = [0xaa_u64, 1 << 5 | 1 << 10 | 1 << 11, 0];
                assert_eq!(libc::ioctl(fd, 0xc018_aa3f, api.as_mut_ptr()), 0);
                let mut register = [at as u64, (PAGES * PAGE) as u64, 0b101, 0];
                assert_eq!(libc::ioctl(fd, 0xc020_aa00, register.as_mut_ptr()), 0);
                fd
            };
            thread::spawn(move || {
                loop {
                    let mut event = [0_u64; 4];
                    // SAFETY: a buffer of that length; a request with its structure.
                    unsafe {
                        assert_eq!(libc::read(fd, event.as_mut_ptr().cast(), 32), 32);
                        let offset = usize::try_from(event[2]).unwrap() - at;
                        let start = at + offset / (window * PAGE) * window * PAGE;
                        let mut fill = [start as u64, (window * PAGE) as u64, 0, 0];
                        assert_eq!(libc::ioctl(fd, 0xc020_aa07, fill.as_mut_ptr()), 0);
                    }
                }
            });
            Self(at)
        }
    }

    impl Contender for ByHand {
        fn at(&self) -> usize {
            self.0
        }

        fn forget(&self) {
            zap(self.0);
        }
    }

    /// The driver: pages that it has, brought window by window.
    struct Pages {
        pages: Vec<Page>,
        window: usize,
        mappings: Mappings<Uffd>,
    }

    impl VmOperations for Pages {
        type Platform = Uffd;
        type Mapping = Mixed;

        fn fault<'f>(&self, mut ctx: FaultCtx<'f, Uffd, Mixed>) -> VmFault<'f> {
            let own = ctx.pgoff().index();
            let first = own / self.window * self.window;
            let Some(page) = self.pages.get(own) else { return ctx.fail(Errno::ENXIO) };
            if self.window > 1 {
                for (index, page) in self.pages.iter().enumerate().skip(first).take(self.window) {
                    ctx.prefault_page(PageOffset::new(index), page);
                }
            }
            ctx.insert_page(page)
        }
    }

    struct File(Arc<Pages>);

    impl MmapFile for File {
        type Platform = Uffd;

        fn mmap<'m>(&self, ctx: MmapCtx<'m, Uffd>) -> Result<Mapped<'m>, Errno> {
            Ok(ctx.establish_shared(Arc::clone(&self.0))?.fill_later())
        }

        fn mappings(&self) -> Option<&Mappings<Uffd>> {
            Some(&self.0.mappings)
        }
    }

    struct Typed {
        session: Session,
        device: Arc<Pages>,
        at: usize,
    }

    impl Typed {
        fn new(window: usize) -> Self {
            let memory = Memory::new(PageCount::new(PAGES)).unwrap();
            let session = Session::open(&memory).unwrap();
            let pages = (0..PAGES).map(|_| memory.alloc_page().unwrap()).collect();
            let mappings = Mappings::new(memory.may_sleep()).unwrap();
            let device = Arc::new(Pages { pages, window, mappings });
            let file = session.file(File(Arc::clone(&device)));
            let at = session.mmap(&file, Map::shared(PAGES * PAGE)).unwrap().get();
            Self { session, device, at }
        }
    }

    impl Contender for Typed {
        fn at(&self) -> usize {
            self.at
        }

        fn forget(&self) {
            assert_eq!(self.session.take_errors(), []);
            let may_sleep = self.session.memory().may_sleep();
            self.device.mappings.unmap(PageOffset::ZERO, PageCount::new(PAGES), may_sleep);
        }
    }
}
