//! What a child of fork inherits does nothing there, and its parent notices nothing. This test has a process of its own:
//! a child has only the thread that forks, and what other tests are in the middle of stays undone there.
#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking, in its helpers too")]

use std::{
    os::unix::net::UnixStream,
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
};

use vmctx::{
    Errno, FaultCtx, Hooks, Iomem as _, Mapped, Mixed, MmapCtx, MmapFile, PageCount, PageMkwriteCtx, PageOffset,
    PageRef as _, SharedObject, UserAddr, VmFault, VmOperations,
};
use vmctx_hosted::Ref;
use vmctx_uffd::{DeviceMemory, Guest, Map, Memory, OpenError, Options, Page, Prot, Session, SyscallError, Trap, Uffd};

const PAGE: usize = 4096;
const PAGES: usize = 8;

struct Ring {
    object: SharedObject<Uffd>,
    pages: Vec<Page>,
}

impl VmOperations for Ring {
    type Platform = Uffd;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.page_mkwrite(Self::page_mkwrite);

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Uffd, Mixed>) -> VmFault<'f> {
        ctx.insert_page_with(|at| at.pgoff().of(&self.pages).ok_or(Errno::ENXIO))
    }
}

impl Ring {
    fn page_mkwrite<'f>(&'f self, ctx: PageMkwriteCtx<'f, Uffd, Mixed>) -> VmFault<'f> {
        let page = ctx.lock_page();
        ctx.allow_locked(page)
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // As a driver with revocable memory does it, also in a child.
        self.object.unmap_once(PageOffset::ZERO, PageCount::new(PAGES), self.pages[0].memory_may_sleep());
    }
}

/// The right to sleep, of a driver that keeps no memory.
trait MaySleepOf {
    fn memory_may_sleep(&self) -> vmctx::MaySleep<'_>;
}

impl MaySleepOf for Page {
    fn memory_may_sleep(&self) -> vmctx::MaySleep<'_> {
        // SAFETY: threads of a process may sleep.
        #[expect(unsafe_code, reason = "the test has no hook to take it from")]
        unsafe {
            vmctx::entry::may_sleep()
        }
    }
}

struct File(Ref<Ring>);

impl MmapFile for File {
    type Platform = Uffd;

    fn object(&self) -> Option<&SharedObject<Uffd>> {
        Some(&self.0.object)
    }

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Uffd>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.writable().establish_shared(self.0.clone())?.fill_later())
    }
}

/// What a process has when it forks.
struct Inherited {
    memory: Memory,
    session: Session,
    file: vmctx_uffd::File,
    page: Page,
    device: DeviceMemory,
    at: UserAddr,
    guest: Option<Guest>,
}

impl Inherited {
    fn address(&self, page: usize) -> UserAddr {
        UserAddr::new(self.at.get() + page * PAGE)
    }

    fn write(&self, page: usize, bytes: &[u8]) -> Result<(), Trap> {
        let at = self.address(page);
        self.guest.as_ref().map_or_else(|| self.session.write(at, bytes), |guest| guest.write(at, bytes))
    }

    fn read(&self, page: usize) -> Result<[u8; 6], Trap> {
        let (at, mut bytes) = (self.address(page), [0; 6]);
        let read = match &self.guest {
            Some(guest) => guest.read(at, &mut bytes),
            None => self.session.read(at, &mut bytes),
        };
        read.map(|()| bytes)
    }
}

/// How a session is opened.
#[derive(Clone, Copy, Debug)]
enum How {
    Threads,
    InThread,
    Guest,
}

/// `None` where nobody has a userfaultfd.
fn inherited(how: How) -> Option<Inherited> {
    let memory = Memory::new(PageCount::new(64)).unwrap();
    let (session, guest) = match how {
        How::Threads => (Session::open(&memory), None),
        How::InThread => (Options::default().in_thread().open(&memory), None),
        How::Guest => {
            let (ours, theirs) = UnixStream::pair().unwrap();
            let joining = thread::spawn(|| Guest::join(theirs));
            (Session::open_for(&memory, ours), joining.join().unwrap().ok())
        }
    };
    if let Err(error @ (OpenError::NoUserfaultfd(_) | OpenError::MissingFeature { .. } | OpenError::HungUp)) = &session
    {
        eprintln!("nothing of `uffd` is tested on this machine: {error}");
        return None;
    }
    let session = session.unwrap();
    let pages: Vec<Page> = (0..PAGES).map(|_| memory.alloc_page().unwrap()).collect();
    let page = pages[1].clone();
    let object = SharedObject::new(memory.may_sleep()).unwrap();
    let file = session.file(File(Ref::new(Ring { object, pages })));
    let at = session.mmap(&file, Map::shared(PAGES * PAGE)).unwrap();
    let device = memory.device_memory(PageCount::new(1)).unwrap();
    device.write(0, b"device").unwrap();
    let inherited = Inherited { memory, session, file, page, device, at, guest };
    inherited.write(0, b"parent").unwrap();
    inherited.page.write(0, b"parent").unwrap();
    Some(inherited)
}

/// Forks, has the child do this, and says what the parent sees then.
fn fork(how: How, name: &str, child: impl FnOnce(Inherited)) {
    let Some(parent) = inherited(how) else { return };
    // SAFETY: the child has this thread only. It calls what a child may do with what it has inherited, which is what is
    // tested, and ends without returning to the harness. If it waits for ever, a signal ends it.
    #[expect(unsafe_code, reason = "fork")]
    let status = unsafe {
        let pid = libc::fork();
        if pid == 0 {
            libc::alarm(30);
            let done = catch_unwind(AssertUnwindSafe(|| child(parent)));
            libc::_exit(if done.is_ok() { 0 } else { 1 });
        }
        let mut status = -1;
        assert_eq!(libc::waitpid(pid, &raw mut status, 0), pid);
        status
    };
    assert_eq!(status, 0, "{how:?}, {name}: the child has failed, or has waited for ever");
    for page in [0, 1] {
        assert_eq!(parent.read(page), Ok(*b"parent"), "{how:?}, {name}: page {page}");
    }
    // A page that nobody had touched, and a store that the driver is told of.
    assert_eq!(parent.write(5, b"served"), Ok(()), "{how:?}, {name}");
    assert_eq!(parent.read(5), Ok(*b"served"), "{how:?}, {name}");
    let mut bytes = [0; 6];
    parent.device.read(0, &mut bytes).unwrap();
    assert_eq!(&bytes, b"device");
    assert_eq!(parent.session.take_errors(), [], "{how:?}, {name}");
    assert_eq!(parent.memory.pages_in_use(), PageCount::new(PAGES), "{how:?}, {name}");
    parent.session.munmap(parent.at, PAGES * PAGE).unwrap();
}

const ALL: [How; 3] = [How::Threads, How::InThread, How::Guest];

#[test]
fn what_is_dropped_in_a_child_stays_with_its_parent() {
    for how in ALL {
        fork(how, "drop", drop);
        fork(how, "drop the session first", |inherited| {
            let Inherited { memory, session, file, page, device, guest, .. } = inherited;
            drop(session);
            drop(guest);
            drop((file, page, device));
            drop(memory);
        });
        fork(how, "drop the guest first", |inherited| {
            let Inherited { guest, session, .. } = inherited;
            drop((guest, session));
        });
        fork(how, "unwind", |inherited| {
            let unwound = catch_unwind(AssertUnwindSafe(move || {
                let _inherited = inherited;
                std::panic::resume_unwind(Box::new(7));
            }));
            assert!(unwound.is_err());
        });
    }
}

#[test]
fn every_call_in_a_child_fails_and_says_why() {
    for how in ALL {
        fork(how, "calls", |inherited| {
            let Inherited { memory, session, file, page, device, at, guest } = &inherited;
            let forked = SyscallError::Forked;
            assert_eq!(session.mmap(file, Map::shared(PAGE)), Err(forked));
            assert_eq!(session.munmap(*at, PAGES * PAGE), Err(forked));
            assert_eq!(session.mprotect(*at, PAGES * PAGE, Prot::READ), Err(forked));
            assert_eq!(session.ioctl(|_| ()), Err(forked));
            assert_eq!(session.stop(), Err(forked));
            assert_eq!(session.read(*at, &mut [0]), Err(Trap::Forked { address: *at }));
            assert_eq!(session.write(*at, &[0]), Err(Trap::Forked { address: *at }));
            session.retry(*at);
            assert_eq!((session.mapping_count(), session.take_errors()), (0, vec![]));
            if let Some(guest) = guest {
                assert_eq!(guest.read(*at, &mut [0]), Err(Trap::Forked { address: *at }));
                assert_eq!(guest.write(*at, &[0]), Err(Trap::Forked { address: *at }));
                guest.retry(*at);
            }
            assert_eq!(memory.alloc_page().map(drop), Err(Errno::ESRCH));
            assert_eq!(memory.device_memory(PageCount::new(1)).map(drop), Err(Errno::ESRCH));
            assert!(page.write(0, b"child!").is_err() && page.read(0, &mut [0]).is_err());
            assert!(device.write(0, b"child!").is_err() && device.read(0, &mut [0]).is_err());
            assert_eq!(Session::open(memory).map(drop), Err(OpenError::Forked));
            let (ours, _theirs) = UnixStream::pair().unwrap();
            assert_eq!(Session::open_for(memory, ours).map(drop), Err(OpenError::Forked));
        });
    }
}

#[test]
fn a_child_has_sessions_of_its_own() {
    for how in ALL {
        fork(how, "a session of its own", |parents| {
            // And a child of the child has none of either.
            fork(how, "a child of the child", |childs| {
                assert_eq!(childs.session.stop(), Err(SyscallError::Forked));
                assert_eq!(parents.session.stop(), Err(SyscallError::Forked));
                drop((childs, parents));
            });
        });
    }
}
