//! Where the system has limits, that is said, and nothing ends the process. Each limit has a process of its own, a child of
//! this one, because it holds for all of a process.
#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]
#![expect(unsafe_code, reason = "fork, and limits")]

use std::{
    fs::{self, File},
    iter,
    os::fd::AsRawFd,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use vmctx::{
    Errno, FaultCtx, Iomem as _, Mapped, Mixed, MmapCtx, MmapFile, Mutex as _, PageCount, PageOffset, PageRef as _,
    Platform as _, UserAddr, VmFault, VmOperations,
};
use vmctx_uffd::{Map, Memory, Mutex, OpenError, Options, Page, Ref, Session, SessionError, Trap, Uffd};

const PAGE: u64 = 4096;

/// Sets a limit. Whether that was possible.
fn limit(resource: libc::__rlimit_resource_t, most: u64) -> bool {
    let limit = libc::rlimit { rlim_cur: most, rlim_max: most };
    // SAFETY: two numbers, of this process alone.
    unsafe { libc::setrlimit(resource, &raw const limit) == 0 }
}

/// Runs this in a child, under a limit.
fn limited(resource: libc::__rlimit_resource_t, most: u64, test: impl FnOnce()) {
    in_child(|| {
        assert!(limit(resource, most));
        test();
    });
}

/// Runs this in a child.
fn in_child(test: impl FnOnce()) {
    // SAFETY: the child has this thread only, and ends without returning to the harness.
    let status = unsafe {
        let pid = libc::fork();
        if pid == 0 {
            libc::alarm(30);
            let done = catch_unwind(AssertUnwindSafe(test)).is_ok();
            libc::_exit(i32::from(!done));
        }
        let mut status = -1;
        assert_eq!(libc::waitpid(pid, &raw mut status, 0), pid);
        status
    };
    assert_eq!(status, 0, "the child has failed, or a signal has ended it");
}

#[test]
fn a_limit_on_files_leaves_less_for_devices() {
    limited(libc::RLIMIT_FSIZE, 1024 * PAGE, || {
        let memory = Memory::new(PageCount::new(100)).unwrap();
        let page = memory.alloc_page().unwrap();
        page.write(0, b"memory").unwrap();
        let device = memory.device_memory(PageCount::new(256)).unwrap();
        device.write(0, b"device").unwrap();
        assert_eq!(memory.device_memory(PageCount::new(512)).map(drop), Err(Errno::ENOMEM));
    });
}

#[test]
fn memory_that_a_file_cannot_have_is_refused() {
    limited(libc::RLIMIT_FSIZE, 1024 * PAGE, || {
        let error = Memory::new(PageCount::new(1024)).map(drop).unwrap_err();
        assert_eq!(error, OpenError::FileSize { wanted: 1536 * PAGE, limit: 1024 * PAGE });
        assert!(error.to_string().contains("ulimit -f"), "{error}");
    });
}

#[test]
fn a_process_without_descriptors_is_told_so() {
    let memory = || Memory::new(PageCount::new(1));
    let opened = Session::open(&memory().unwrap()).map(drop);
    limited(libc::RLIMIT_NOFILE, 20, || {
        let memory_before = memory().unwrap();
        let all: Vec<File> = iter::from_fn(|| File::open("/dev/null").ok()).collect();
        assert!(!all.is_empty());
        assert_eq!(memory().map(drop), Err(OpenError::ProcessFiles));
        if opened.is_ok() {
            let error = Session::open(&memory_before).map(drop).unwrap_err();
            assert_eq!(error, OpenError::ProcessFiles);
            assert!(error.to_string().contains("ulimit -n"), "{error}");
        }
    });
}

/// A guest has the memory object.
#[test]
fn nobody_changes_the_size_of_memory() {
    let memory = Memory::new(PageCount::new(100)).unwrap();
    let page = memory.alloc_page().unwrap();
    page.write(0, b"memory").unwrap();
    let objects = fs::read_dir("/proc/self/fd").unwrap().filter_map(Result::ok).filter(|fd| {
        let of = fs::read_link(fd.path());
        of.is_ok_and(|of| of.to_string_lossy().starts_with("/memfd:vmctx"))
    });
    let mut found = 0;
    for object in objects {
        // As a guest has it: a descriptor of its own.
        let object = File::options().read(true).write(true).open(object.path()).unwrap();
        let size = object.metadata().unwrap().len();
        for size in [0, PAGE, size + PAGE] {
            let error = object.set_len(size).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::EPERM));
        }
        // SAFETY: a number, about a descriptor that is this test's.
        assert_eq!(unsafe { libc::fcntl(object.as_raw_fd(), libc::F_ADD_SEALS, libc::F_SEAL_WRITE) }, -1);
        found += 1;
    }
    assert!(found >= 1);
    let mut bytes = [0; 6];
    page.read(0, &mut bytes).unwrap();
    assert_eq!(&bytes, b"memory");
}

struct Waits {
    lock: Mutex<()>,
    pages: Vec<Page>,
}

impl VmOperations for Waits {
    type Platform = Uffd;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Uffd, Mixed>) -> VmFault<'f> {
        if ctx.pgoff() != PageOffset::ZERO {
            drop(self.lock.lock(ctx.may_sleep()));
        }
        ctx.insert_page_with(|at| at.pgoff().of(&self.pages).ok_or(Errno::ENXIO))
    }
}

struct WaitsFile(Ref<Waits>);

impl MmapFile for WaitsFile {
    type Platform = Uffd;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Uffd>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.writable().establish_shared(self.0.clone())?.fill_later())
    }
}

fn threads() -> usize {
    fs::read_dir("/proc/self/task").unwrap().count()
}

/// Here because a process is to have no threads but this session's.
#[test]
fn threads_that_have_replaced_others_end() {
    const PAGES: usize = 60;
    limited(libc::RLIMIT_NOFILE, 1000, || {
        let memory = Memory::new(PageCount::new(PAGES)).unwrap();
        let Ok(session) = Session::open(&memory) else { return };
        let pages = (0..PAGES).map(|_| memory.alloc_page().unwrap()).collect();
        let lock = Mutex::new((), memory.may_sleep()).unwrap();
        let state = Ref::new(Waits { lock, pages });
        let bytes = PAGES * Uffd::PAGE_SIZE;
        let at = session.mmap(&session.file(WaitsFile(state.clone())), Map::shared(bytes)).unwrap();
        let touch = |page: usize| session.read(UserAddr::new(at.get() + page * Uffd::PAGE_SIZE), &mut [0]);
        let before = threads();
        thread::scope(|scope| {
            let held = state.lock.lock(memory.may_sleep());
            for page in 1..PAGES {
                let touch = &touch;
                scope.spawn(move || touch(page).unwrap());
            }
            // Those that touch, and for each that waits inside a hook one that serves.
            while threads() < before + 2 * (PAGES - 1) {
                thread::yield_now();
            }
            drop(held);
        });
        // Each that is back looks whether it is needed.
        while threads() > before + 10 {
            thread::yield_now();
        }
        touch(0).unwrap();
    });
}

/// Threads are counted by user, and root may have as many as it likes.
fn become_an_ordinary_user() {
    const NOBODY: libc::uid_t = 65534;
    // SAFETY: numbers, of this process alone, which has one thread.
    unsafe {
        assert!(libc::geteuid() != 0 || libc::setresgid(NOBODY, NOBODY, NOBODY) == 0);
        assert!(libc::geteuid() != 0 || libc::setresuid(NOBODY, NOBODY, NOBODY) == 0);
    }
}

/// A hook that waits, and cannot be replaced, waits all the same: what it waits for may come from elsewhere.
#[test]
fn who_has_no_thread_to_serve_in_its_place_is_told_so() {
    in_child(|| {
        become_an_ordinary_user();
        let memory = Memory::new(PageCount::new(2)).unwrap();
        let Ok(session) = Session::open(&memory) else { return };
        let pages = (0..2).map(|_| memory.alloc_page().unwrap()).collect();
        let lock = Mutex::new((), memory.may_sleep()).unwrap();
        let state = Ref::new(Waits { lock, pages });
        let at = session.mmap(&session.file(WaitsFile(state.clone())), Map::shared(2 * Uffd::PAGE_SIZE)).unwrap();
        let (start, touched) = (AtomicBool::new(false), AtomicBool::new(false));
        thread::scope(|scope| {
            // Those that touch are there before the limit is.
            for page in [1, 0] {
                let (session, start, touched) = (&session, &start, &touched);
                scope.spawn(move || {
                    while !start.load(Ordering::SeqCst) || (page == 0 && session.statistics().handler_calls == 0) {
                        thread::yield_now();
                    }
                    session.read(UserAddr::new(at.get() + page * Uffd::PAGE_SIZE), &mut [0]).unwrap();
                    assert!(page != 0 || touched.load(Ordering::SeqCst), "nobody serves it before the lock is free");
                });
            }
            let held = state.lock.lock(memory.may_sleep());
            assert!(limit(libc::RLIMIT_NPROC, 0));
            start.store(true, Ordering::SeqCst);
            let errors = loop {
                let errors = session.take_errors();
                if !errors.is_empty() {
                    break errors;
                }
                thread::yield_now();
            };
            let [SessionError::NoThread(error)] = errors[..] else { panic!("{errors:?}") };
            assert_eq!(error.raw(), libc::EAGAIN);
            touched.store(true, Ordering::SeqCst);
            drop(held);
        });
        assert_eq!(session.take_errors(), []);
    });
}

/// Without a thread there is no session.
#[test]
fn who_has_no_thread_at_all_has_no_session() {
    in_child(|| {
        become_an_ordinary_user();
        let memory = Memory::new(PageCount::new(2)).unwrap();
        if Session::open(&memory).is_err() {
            return;
        }
        assert!(limit(libc::RLIMIT_NPROC, 0));
        let before = descriptors();
        let refused = Session::open(&memory).map(drop).unwrap_err();
        assert!(matches!(refused, OpenError::Refused(error) if error.raw() == libc::EAGAIN), "{refused}");
        assert_eq!((descriptors(), threads()), (before, 1));
        // It needs none.
        Options::default().in_thread().open(&memory).unwrap();
    });
}

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Pages of an object, inserted as they are touched. Its other pages are a SIGBUS.
struct Pages(Vec<Page>);

impl VmOperations for Pages {
    type Platform = Uffd;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Uffd, Mixed>) -> VmFault<'f> {
        ctx.insert_page_with(|at| at.pgoff().of(&self.0).ok_or(Errno::ENXIO))
    }
}

struct PagesFile(Ref<Pages>);

impl MmapFile for PagesFile {
    type Platform = Uffd;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Uffd>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.writable().establish_shared(self.0.clone())?.fill_later())
    }
}

/// A session of memory with two pages, the second of which does not lie behind the first.
fn with_two_pages(test: impl FnOnce(&Session, &vmctx_uffd::File)) {
    limited(libc::RLIMIT_NOFILE, 1000, || {
        let memory = Memory::new(PageCount::new(4)).unwrap();
        let Ok(session) = Session::open(&memory) else { return };
        let mut pages: Vec<Page> = (0..4).map(|_| memory.alloc_page().unwrap()).collect();
        pages.swap(1, 3);
        pages.truncate(2);
        let file = session.file(PagesFile(Ref::new(Pages(pages))));
        test(&session, &file);
    });
}

fn kilobytes_in_use() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

#[test]
fn a_mapping_costs_memory_where_it_is_used() {
    const TIB: usize = 1 << 40;
    with_two_pages(|session, file| {
        let before = kilobytes_in_use();
        let at = session.mmap(file, Map::shared(TIB)).unwrap();
        let touch = |page: usize| session.read(UserAddr::new(at.get() + page * Uffd::PAGE_SIZE), &mut [0]);
        let far = UserAddr::new(at.get() + TIB / 2);
        assert_eq!((touch(0), touch(1)), (Ok(()), Ok(())));
        assert_eq!(session.read(far, &mut [0]), Err(Trap::Sigbus(far)));
        assert_eq!(session.take_errors(), []);
        session.munmap(far, TIB / 4).unwrap();
        // Whoever touches what was never touched, or was not inserted, gets a signal.
        session.stop().unwrap();
        let other = UserAddr::new(at.get() + TIB / 8);
        assert_eq!(session.read(other, &mut [0]), Err(Trap::Sigbus(other)));
        assert_eq!((touch(0), touch(1), touch(2).is_err()), (Ok(()), Ok(()), true));
        session.munmap(at, TIB).unwrap();
        let more = kilobytes_in_use().saturating_sub(before);
        assert!(more < 32 << 10, "{more} kB");
        // More than there are addresses for is refused, and no more than that: x86-64 has 2^47 of them, arm64 2^48.
        let memory = session.memory().clone();
        let session = Session::open(&memory).unwrap();
        let file = session.file(PagesFile(Ref::new(Pages(vec![memory.alloc_page().unwrap()]))));
        assert_eq!(session.mmap(&file, Map::shared(1 << 48)), Err(Errno::ENOMEM.into()));
        session.mmap(&file, Map::shared(Uffd::PAGE_SIZE)).unwrap();
    });
}

#[test]
fn who_has_no_mapping_left_is_told_so() {
    with_two_pages(|session, file| {
        let limit: usize = fs::read_to_string("/proc/sys/vm/max_map_count").unwrap().trim().parse().unwrap();
        let at = session.mmap(file, Map::shared(8 * Uffd::PAGE_SIZE)).unwrap();
        // Every second page of this has other rights, and so is a mapping of its own.
        let bytes = 2 * limit * Uffd::PAGE_SIZE;
        // SAFETY: memory that is this test's, and that nobody touches.
        unsafe {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
            let region = libc::mmap(std::ptr::null_mut(), bytes, libc::PROT_NONE, flags, -1, 0);
            assert_ne!(region, libc::MAP_FAILED);
            let protect = |page: usize| {
                libc::mprotect(region.byte_add(2 * page * Uffd::PAGE_SIZE), Uffd::PAGE_SIZE, libc::PROT_READ)
            };
            assert!((0..limit).any(|page| protect(page) != 0));
        }
        let address = UserAddr::new(at.get() + Uffd::PAGE_SIZE);
        assert_eq!(session.read(address, &mut [0]), Err(Trap::Sigbus(address)));
        assert_eq!(session.take_errors(), [SessionError::OutOfMappings { address, limit }]);
        // What needs none is served.
        assert_eq!(session.read(at, &mut [0]), Ok(()));
    });
}
